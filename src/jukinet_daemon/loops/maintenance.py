"""保守の見張り: tells a door when new work is refused, and when it is taken again."""

import asyncio
from collections.abc import Callable

import structlog

from jukinet_daemon.ops.maintenance import notice_of
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.maintenance import MaintenanceStore

log = structlog.get_logger()

LOOK_EVERY_S = 5.0


class MaintenanceLoop:
    """Watches for one door: `tell` is given what peers are to be told, or None when the door is open."""

    def __init__(self, store: MaintenanceStore, clock: Clock, tell: Callable[[str | None], None]) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell
        self._told: str | None = None

    async def run(self) -> None:
        """Looks every few seconds for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Tells the door what has changed; while the database is away everything stays as it was."""
        try:
            found = await self._store.now()
        except StoreFault:
            return
        told = notice_of(found, self._clock) if found else None
        if told != self._told:
            if told:
                log.info("maintenance_begun")
            else:
                log.info("maintenance_ended")
            self._told = told
            self._tell(told)

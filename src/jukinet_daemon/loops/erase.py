"""消去の見張り: sweeps the bridge's temporary storage again and again."""

import asyncio

import structlog

from jukinet_daemon.service.bridge_erase import Eraser
from jukinet_daemon.store.faults import StoreFault

log = structlog.get_logger()

SWEEP_EVERY_S = 5.0


class EraseLoop:
    """Erases what is over, every few seconds for ever."""

    def __init__(self, eraser: Eraser) -> None:
        self._eraser = eraser

    async def run(self) -> None:
        """Sweeps for ever. A database that is away has nothing to be erased by us: it is tried again."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await self._eraser.sweep()
            except StoreFault as fault:
                log.error("bridge_sweep_failed", fault=str(fault))

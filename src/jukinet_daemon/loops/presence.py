"""在席の仕事: says every few seconds what this process is and how it is, so that one door can tell of all."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.processes import Processes

log = structlog.get_logger()

TELL_EVERY_S = 5.0


class PresenceLoop:
    """The words of one process: `report` gives them, `registry` has its metrics."""

    def __init__(
        self, processes: Processes, report: Callable[[], Mapping[str, Any]], registry: CollectorRegistry
    ) -> None:
        self._processes = processes
        self._report = report
        self._registry = registry
        self._heard = True
        self._news = asyncio.Event()

    def tell_now(self) -> None:
        """Something changed that others wait to hear."""
        self._news.set()

    async def run(self) -> None:
        """Tells for ever. A database that does not take it is said once, until it does again."""
        while True:
            try:
                await self._processes.tell(self._report(), generate_latest(self._registry).decode())
                self._heard = True
            except StoreFault as fault:
                if self._heard:
                    log.warning("process_unheard", fault=str(fault))
                self._heard = False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), TELL_EVERY_S)
            self._news.clear()

    async def forget(self) -> None:
        """Leaves in good order; a row that stays is soon too old to count."""
        with suppress(StoreFault):
            await self._processes.forget()

"""封印の仕事: seals what is new, every few seconds; says once why it cannot."""

import asyncio

import structlog

from jukinet_daemon.service.seal import MOST_LEAVES, Sealer, SealFault
from jukinet_daemon.store.faults import StoreFault

log = structlog.get_logger()


class SealLoop:
    """The sealing of one register."""

    def __init__(self, sealer: Sealer, interval: float) -> None:
        self._sealer = sealer
        self._interval = interval
        self._fault: str | None = None

    async def run(self) -> None:
        """Seals for ever; what fails is tried again. Ends by cancellation."""
        while True:
            if await self._round() < MOST_LEAVES:
                await asyncio.sleep(self._interval)

    async def _round(self) -> int:
        try:
            sealed = await self._sealer.seal()
        except (SealFault, StoreFault) as fault:
            if str(fault) != self._fault:
                log.error("seal_stopped", fault=str(fault))
            self._fault = str(fault)
            return 0
        if self._fault:
            log.info("seal_resumed")
        self._fault = None
        return sealed

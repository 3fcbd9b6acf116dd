"""証人の仕事: looks every second at what witnesses returned, and makes the newest checkpoint ready."""

import asyncio

import structlog

from jukinet_daemon.service.witness import Witnesses
from jukinet_daemon.store.faults import StoreFault

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class WitnessLoop:
    """The witnesses of one register."""

    def __init__(self, witnesses: Witnesses) -> None:
        self._witnesses = witnesses
        self._fault: str | None = None

    async def run(self) -> None:
        """Looks for ever; what fails is looked at again. Ends by cancellation."""
        while True:
            try:
                await self._witnesses.look()
                self._fault = None
            except StoreFault as fault:
                if str(fault) != self._fault:
                    log.warning("witnesses_unheard", fault=str(fault))
                self._fault = str(fault)
            await asyncio.sleep(LOOK_EVERY_S)

"""見守りの仕事: looks, every few seconds, for numbers that never came and municipalities that fell silent."""

import asyncio
from collections.abc import Sequence

import structlog

from jukinet_daemon.service.numbers import Numbers
from jukinet_daemon.service.silence import Silence
from jukinet_daemon.store.faults import StoreFault

log = structlog.get_logger()

NUMBERS_EVERY_S = 3.0
SILENCE_EVERY_LOOKS = 20


class WatchLoop:
    """The watch over the municipalities of one register."""

    def __init__(self, senders: Sequence[str], numbers: Numbers, silence: Silence) -> None:
        self._senders = senders
        self._numbers = numbers
        self._silence = silence
        self._silent: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Looks for ever; what fails is looked at again. Ends by cancellation."""
        looks = 0
        while True:
            try:
                await self._numbers.look(self._senders)
                if looks % SILENCE_EVERY_LOOKS == 0:
                    await self._listen()
            except StoreFault as fault:
                log.warning("watch_interrupted", fault=str(fault))
            looks += 1
            await asyncio.sleep(NUMBERS_EVERY_S)

    async def _listen(self) -> None:
        silent = frozenset(item.sender for item in await self._silence.look())
        for sender in sorted(silent - self._silent):
            log.warning("municipality_silent", sender=sender)
        for sender in sorted(self._silent - silent):
            log.info("municipality_heard_again", sender=sender)
        self._silent = silent

"""個人番号の重なりの仕事: has the database look at all residents, a few times a day."""

import asyncio

import structlog

from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.shared_numbers import SharedNumberStore

log = structlog.get_logger()

# The database looks only when it is time, whoever asks and however often.
ASK_EVERY_S = 600.0


class SharedNumberLoop:
    """Looks for 個人番号 that more than one resident shows."""

    def __init__(self, store: SharedNumberStore) -> None:
        self._store = store

    async def run(self) -> None:
        """Looks for ever; what fails is tried again. Ends by cancellation."""
        while True:
            await self.look()
            await asyncio.sleep(ASK_EVERY_S)

    async def look(self) -> None:
        """Looks, if it is time; what cannot be done is said."""
        try:
            if shared := await self._store.look():
                log.warning("numbers_shared", numbers=shared)
        except StoreFault as fault:
            log.warning("shared_numbers_unseen", fault=str(fault))

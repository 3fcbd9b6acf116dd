"""段階: what is under way, told as it begins, and told again if the time for all of it runs out."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Twice what it takes on two cores.
DEADLINE_S = 240.0


class NotDone(Exception):
    """The time for all of it ran out; the message says what was still waited for."""


class Stage:
    """What is under way."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._now = "-"

    def begins(self, what: str, more: str = "") -> None:
        """Something begins, or goes on; `more` is told only if the time runs out."""
        self._now = f"{what} {more}"
        print(f"{time.monotonic() - self._began:5.0f} s  {what}", file=sys.stderr, flush=True)

    @asynccontextmanager
    async def deadline(self, seconds: float = DEADLINE_S) -> AsyncIterator[None]:
        """Ends what is within when its time runs out. Raises NotDone."""
        try:
            async with asyncio.timeout(seconds) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise NotDone(
                f"{seconds:.0f} 秒で終わらない / not done in {seconds:.0f} s: {self._now}"
            ) from None

"""ゆずり合い: long work in small pieces, so that nobody else on the event loop waits for the whole of it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")

# Reading, deciding or encoding so many notices takes well under a millisecond.
PIECE = 8


async def unhurried(things: Iterable[T]) -> AsyncIterator[T]:
    """Gives things one by one, and lets whoever is ready go first after every few."""
    for number, thing in enumerate(things, 1):
        yield thing
        if number % PIECE == 0:
            await asyncio.sleep(0)

"""返信の列: the replies of one conversation, in the order of its parcels."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Replies:
    """The replies of one conversation, in order; at most so many are outstanding."""

    def __init__(self, outstanding: int) -> None:
        self._room = asyncio.Semaphore(outstanding)
        self._queue: asyncio.Queue[asyncio.Task[str] | None] = asyncio.Queue()

    async def add(self, reply: Coroutine[Any, Any, str]) -> None:
        """Queues a reply; waits while too many are outstanding, so that the socket is not read meanwhile."""
        self._queue.put_nowait(asyncio.create_task(reply))
        await self._room.acquire()

    def end(self) -> None:
        """No more replies will come."""
        self._queue.put_nowait(None)

    def abandon(self) -> None:
        """Drops what nobody waits for any more; the notices themselves go on."""
        while not self._queue.empty():
            task = self._queue.get_nowait()
            if task is not None:
                task.cancel()

    def __aiter__(self) -> "Replies":
        return self

    async def __anext__(self) -> str:
        task = await self._queue.get()
        if task is None:
            raise StopAsyncIteration
        reply = await task
        self._room.release()
        return reply

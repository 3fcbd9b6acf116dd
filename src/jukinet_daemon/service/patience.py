"""忍耐: waits for something so long and no longer, even if it cannot be made to stop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from jukinet_daemon.store.faults import StoreFault

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What work gives. Raises StoreFault when that takes longer.

    Work that is late is told to stop and not waited for: ending a query on a server that stands still takes
    as long as the query.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        task.add_done_callback(_forgotten)
        raise StoreFault(f"no answer within {seconds:g} s")
    return task.result()


def _forgotten(task: "asyncio.Task[Any]") -> None:
    """Takes note of how a late task ended, or asyncio would complain that nobody did."""
    if not task.cancelled():
        task.exception()

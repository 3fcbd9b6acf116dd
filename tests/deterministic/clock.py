"""仮想の時: an asyncio loop without sockets. Time jumps to the next timer; the seed orders what is ready."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Everything waits and nothing will ever wake it."""


class _NoSelector:
    """What BaseEventLoop asks for events: there are none, only time."""

    def __init__(self, wait: Callable[[float | None], None]) -> None:
        self._wait = wait

    def select(self, timeout: float | None) -> list[Any]:
        self._wait(timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """The scheduler. BaseEventLoop keeps the timers and the ready callbacks; this gives time and order."""

    _ready: Any

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice
        self._now = 0.0
        self._selector = _NoSelector(self._wait)

    def time(self) -> float:
        return self._now

    def _wait(self, timeout: float | None) -> None:
        if timeout is None:
            raise Stuck
        self._now += timeout
        if len(self._ready) > 1:
            self._dice.shuffle(self._ready)

    def _process_events(self, _events: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def run(dice: random.Random, work: Coroutine[Any, Any, T]) -> T:
    """Runs work to its end on a loop of its own; what it left behind is cancelled."""
    loop = VirtualLoop(dice)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()

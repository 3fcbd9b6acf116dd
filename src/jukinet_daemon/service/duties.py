"""務め: which doors and loops of a register some process keeps; a monitor misses the unit that is dead."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.processes import Told

Hear = Callable[[], Awaitable[Sequence[Told]]]


class Duties:
    """Hears the other processes and publishes which duties are done.

    `wanted` is what the configuration asks for, `here` what this process does of it, `own` how that is.
    """

    def __init__(
        self,
        hear: Hear,
        wanted: Collection[str],
        here: Collection[str],
        own: Callable[[], Mapping[str, Any]],
        metrics: Metrics,
    ) -> None:
        self._hear = hear
        self._wanted = wanted
        self._here = here
        self._own = own
        self._metrics = metrics

    async def others(self) -> Sequence[Told]:
        """What the others told. Raises StoreFault: then nothing is known of any duty, and none is shown."""
        try:
            told = await self._hear()
        except StoreFault:
            self._metrics.duty_up.clear()
            raise
        done = _done(self._here, self._own()).union(*(_done(one.duties, one.report) for one in told))
        for duty in self._wanted:
            self._metrics.duty_up.labels(duty).set(duty in done)
        return told


def _done(duties: Collection[str], report: Mapping[str, Any]) -> set[str]:
    """Which duties of one process are done: a door that it is closing is not."""
    closed = {name for name, door in report["doors"].items() if not door["open"]}
    return set(duties) - closed

"""務め: which doors and loops of a register some process keeps; a monitor misses the unit that is dead.

What another process tells is believed of its own duties alone, and only where it has the form of a report:
one in other hands can neither speak for the others nor silence who tells of all.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.told import is_report
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.processes import Told

log = structlog.get_logger()

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
        self._unreadable: set[str] = set()

    async def others(self) -> Sequence[Told]:
        """What the others told. Raises StoreFault: then nothing is known of any duty, and none is shown."""
        try:
            told = [own for one in await self._hear() if (own := self._believed(one))]
        except StoreFault:
            self._metrics.duty_up.clear()
            raise
        done = _done(self._here, self._own()).union(*(_done(one.duties, one.report) for one in told))
        for duty in self._wanted:
            self._metrics.duty_up.labels(duty).set(duty in done)
        return told

    def _believed(self, told: Told) -> Told | None:
        """What a process tells of its own duties; None where it has not the form of a report: said once."""
        own = believed(told)
        if own is not None:
            self._unreadable.discard(told.name)
        elif told.name not in self._unreadable:
            log.warning("process_unreadable", process=told.name)
            self._unreadable.add(told.name)
        return own


def believed(told: Told) -> Told | None:
    """What a process tells of its own duties, or None where it has not the form of a report."""
    if not is_report(told.report):
        return None
    doors = {name: door for name, door in told.report["doors"].items() if name in told.duties}
    report = {**told.report, "doors": doors}
    if "national" not in told.duties:
        report.pop("relay", None)
    return replace(told, report=report)


def _done(duties: Collection[str], report: Mapping[str, Any]) -> set[str]:
    """Which duties of one process are done: a door that it is closing is not."""
    closed = {name for name, door in report["doors"].items() if not door["open"]}
    return set(duties) - closed

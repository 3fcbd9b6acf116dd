"""処理時間: CPU seconds by process, because wall time says little on a machine that others use too."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds (user and system) of some processes over a time, and of everybody else on the machine."""

    seconds: float
    by_process: Mapping[str, float]
    others: float

    def each(self, count: int) -> dict[str, float]:
        """Microseconds of CPU by process for each of so many things."""
        return {name: round(used / count * 1e6, 1) for name, used in self.by_process.items()}

    def figures(self, count: int) -> dict[str, object]:
        """What goes into the raw figures."""
        return {
            "cpu_us_each": self.each(count),
            "others_share_of_machine": round(self.others / (self.seconds * (os.cpu_count() or 1)), 3),
        }


class Meter:
    """Measures from its making to `stop`. Takes process ids by name; `client` is this very process."""

    def __init__(self, trees: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in trees.items()}
        self._client = psutil.Process()
        self._started = self._now()
        self._machine = _busy()
        self._clock = time.monotonic()

    def stop(self) -> Spent:
        """What was spent since."""
        now = self._now()
        spent = {name: now[name] - before for name, before in self._started.items()}
        seconds = time.monotonic() - self._clock
        others = _busy() - self._machine - sum(spent.values())
        return Spent(seconds, spent, max(0.0, others))

    def _now(self) -> dict[str, float]:
        own = self._client.cpu_times()
        return {name: _tree(process) for name, process in self._processes.items()} | {
            "client": own.user + own.system
        }


def _tree(process: psutil.Process) -> float:
    """A process and all it started; those that ended are in its own account."""
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            its = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += its.user + its.system
    return float(total)


def _busy() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)

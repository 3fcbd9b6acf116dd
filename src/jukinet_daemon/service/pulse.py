"""脈: what the last beats found of database, disk and clocks. A beat is one small durable commit."""

import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.patience import within
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.pulse import Beat, PulseStore

# A commit takes milliseconds; one that takes this long is a disk that is ailing, not yet away.
SLOW_S = 0.4
CLOCK_TOLERANCE_S = 2.0
JUMP_S = 1.0
# The largest jump stays in sight for so long: whoever set the clock right should still see that it was wrong.
JUMP_KEPT_S = 3600.0
DISK_EVERY_S = 60.0
DISK_SAMPLES = 60
DISK_FULL_PERCENT = 95.0


@dataclass(frozen=True, slots=True)
class Disk:
    """One file system: how full, in percent, and how many seconds it has left at its present growth."""

    path: str
    used_percent: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Jump:
    """The wall clock was set: by how many seconds, and when by the monotonic clock."""

    seconds: float
    at: float


class Pulse:
    """Takes beats and keeps what they found; `report` says it without asking anybody."""

    def __init__(
        self,
        store: PulseStore,
        clock: Clock,
        metrics: Metrics,
        paths: Sequence[Path],
        patience: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self._store = store
        self._metrics = metrics
        self._paths = paths
        self._patience = patience
        self._monotonic = monotonic
        self._fault: str | None = None
        self._beat: Beat | None = None
        self._seconds: float | None = None
        self._behind: float | None = None
        self._last: tuple[datetime, float] | None = None
        self._jumps: list[Jump] = []
        self._free: dict[Path, deque[tuple[float, int]]] = {
            path: deque(maxlen=DISK_SAMPLES) for path in paths
        }

    async def beat(self) -> None:
        """One beat. Never raises for a failing database: that is what it is there to find."""
        self._look_at_clock()
        begun = self._monotonic()
        try:
            self._beat = await within(self._patience, self._store.beat())
        except StoreFault as fault:
            self._fault, self._seconds = str(fault), None
            self._metrics.pulse_up.set(0)
        else:
            self._fault, self._seconds = None, self._monotonic() - begun
            self._behind = (self._beat.database_time - self.clock()).total_seconds()
            self._metrics.pulse_up.set(1)
            self._metrics.pulse_seconds.set(self._seconds)
        self._look_at_disks()

    def report(self, _report: Mapping[str, Any]) -> dict[str, Any]:
        """What the last beat found, as JSON values."""
        beat = self._beat
        return {
            "fault": self._fault,
            "seconds": None if self._seconds is None else round(self._seconds, 3),
            "read_only": bool(beat and beat.read_only),
            "unsafe": list(beat.unsafe) if beat else [],
            "clock": {
                "jumped_seconds": round(self._largest_jump(), 1),
                "database_ahead_seconds": None if self._behind is None else round(self._behind, 1),
            },
            "disks": [asdict(disk) for disk in self.disks()],
        }

    def _largest_jump(self) -> float:
        """Not their sum: a clock set right again would hide that it was wrong."""
        seconds = [jump.seconds for jump in self._jumps]
        return max(seconds, key=abs, default=0.0)

    def disks(self) -> list[Disk]:
        """The watched file systems as they are now; one that cannot be asked is full."""
        return [self._disk(path) for path in self._paths]

    def _disk(self, path: Path) -> Disk:
        try:
            usage = shutil.disk_usage(path)
        except OSError:
            return Disk(str(path), 100.0, 0.0)
        # What only root may still take is not free for anybody here.
        percent = 100.0 * (1 - usage.free / (usage.used + usage.free))
        return Disk(str(path), round(percent, 1), seconds_until_full(self._free[path], usage.free))

    def _look_at_disks(self) -> None:
        now = self._monotonic()
        for path, samples in self._free.items():
            if not samples or now - samples[-1][0] >= DISK_EVERY_S:
                try:
                    samples.append((now, shutil.disk_usage(path).free))
                except OSError:
                    continue

    def _look_at_clock(self) -> None:
        """The wall clock must go on as the monotonic one does: where it does not, somebody set it."""
        wall, monotonic = self.clock(), self._monotonic()
        if self._last:
            seconds = (wall - self._last[0]).total_seconds() - (monotonic - self._last[1])
            if abs(seconds) >= JUMP_S:
                self._jumps.append(Jump(seconds, monotonic))
        self._last = wall, monotonic
        self._jumps = [jump for jump in self._jumps if monotonic - jump.at < JUMP_KEPT_S]


def seconds_until_full(samples: Sequence[tuple[float, int]], free: int) -> float | None:
    """When a file system is full if it goes on as from the first sample (seconds, bytes free) to the last.

    None while it does not fill up, or nothing is known yet.
    """
    if len(samples) < 2:
        return None
    (begin, free_then), (end, free_last) = samples[0], samples[-1]
    taken = free_then - free_last
    return round(free * (end - begin) / taken, 0) if taken > 0 else None


def pulse_problems(report: Mapping[str, Any]) -> list[str]:
    """What of a pulse needs somebody, in words."""
    pulse, clock = report["pulse"], report["pulse"]["clock"]
    problems = [
        f"データベースの設定が危うい: {unsafe} / unsafe database setting" for unsafe in pulse["unsafe"]
    ]
    if pulse["fault"]:
        problems.append(f"データベースに確定できない: {pulse['fault']} / the database commits nothing")
    elif pulse["read_only"]:
        problems.append("データベースが読取専用である / the database is read-only")
    elif pulse["seconds"] is not None and pulse["seconds"] > SLOW_S:
        problems.append(f"確定に {pulse['seconds']} 秒かかる / commits are slow")
    problems += [
        f"{disk['path']} の空きが {100 - disk['used_percent']:.1f} % しかない / the disk is nearly full"
        for disk in pulse["disks"]
        if disk["used_percent"] >= DISK_FULL_PERCENT
    ]
    if abs(clock["jumped_seconds"]) >= JUMP_S:
        problems.append(f"時計が {clock['jumped_seconds']:+} 秒とんだ / the clock jumped")
    if abs(clock["database_ahead_seconds"] or 0) >= CLOCK_TOLERANCE_S:
        problems.append(
            f"データベースの時計が {clock['database_ahead_seconds']:+} 秒ずれている / the clocks differ"
        )
    return problems

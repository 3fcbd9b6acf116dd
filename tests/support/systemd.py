"""systemd as process 1 of namespaces of its own, with this tree's units over a program that a test writes."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.units import stage

_GROUPS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
_SCRIPT = Path(__file__).with_suffix(".sh")
_NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup")
GROUP = next((place for place in _GROUPS if (place / "cgroup.procs").exists()), None)
POSSIBLE = os.getuid() == 0 and GROUP is not None and Path("/lib/systemd/systemd").exists()


@dataclass(frozen=True)
class Machine:
    """A systemd that runs; commands are run beside it, in its namespaces."""

    pid: int

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        beside = ("nsenter", f"--target={self.pid}", *_NAMESPACES, *command)
        return subprocess.run(beside, capture_output=True, text=True, check=False, timeout=60)

    def state(self, unit: str) -> str:
        return self.run("systemctl", "is-active", unit).stdout.strip()

    def knock(self, port: int) -> bool:
        """Whether somebody listens there; the connection is left at once."""
        return self.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}").returncode == 0


@contextmanager
def machine(folder: Path, drop_ins: Mapping[str, str]) -> Iterator[Machine]:
    """A systemd with the units of this tree, each changed by the drop-in of its name, if any."""
    units = stage(folder / "root") / "usr/lib/systemd/system"
    for unit, text in drop_ins.items():
        (units / f"{unit}.d").mkdir(exist_ok=True)
        (units / f"{unit}.d" / "test.conf").write_text(text, "utf-8")
    assert GROUP is not None
    group = GROUP / f"jukinet-units-{os.getpid()}"
    group.mkdir()
    begin = ("sh", "-c", 'echo $$ > "$0" && exec "$@"', group / "cgroup.procs", "unshare", *_NAMESPACES)
    outer = subprocess.Popen(
        (*begin, "--fork", "--kill-child", "sh", _SCRIPT, units), stdin=subprocess.DEVNULL
    )
    try:
        yield wait(lambda: _up(outer.pid))
    finally:
        outer.kill()
        outer.wait()
        wait(lambda: _gone(group))


def wait(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Waits for something that processes bring about; gives it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return value


def _up(outer: int) -> Machine | None:
    first = Path(f"/proc/{outer}/task/{outer}/children").read_text("utf-8").split()
    found = Machine(int(first[0])) if first else None
    return found if found and found.state("basic.target") == "active" else None


def _gone(group: Path) -> bool:
    """Control groups go from the innermost outwards, once their processes have."""
    for path in sorted((path for path in (group, *group.rglob("*")) if path.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()
    return not group.exists()

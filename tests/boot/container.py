"""The machine as namespaces of this kernel: systemd is process 1. Limits of memory and tasks are not seen."""

import os
import shutil
import subprocess
from pathlib import Path

NAME = "container"
_CGROUPS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
_SCRIPT = Path(__file__).with_name("container.sh")
_TIMEOUT_S = 900


def run(base: Path, payload: Path, folder: Path) -> Path:
    """Boots until the machine powers off; gives the file of its results. A reboot is a second start."""
    results, console = folder / "results.ndjson", folder / "console.log"
    results.touch()
    console.touch()
    group = (
        next(place for place in _CGROUPS if (place / "cgroup.procs").exists()) / f"jukinet-boot-{os.getpid()}"
    )
    group.mkdir()
    for name in ("upper", "work", "merged"):
        (folder / name).mkdir()
    command = ("sh", _SCRIPT, base, payload, folder)
    try:
        for _ in ("first start", "after its reboot"):
            subprocess.run(
                (
                    "unshare",
                    "--pid",
                    "--fork",
                    "--kill-child",
                    "--mount",
                    "--uts",
                    "--ipc",
                    "--net",
                    "--cgroup",
                    *command,
                ),
                preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
                stdin=subprocess.DEVNULL,
                timeout=_TIMEOUT_S,
                check=False,
            )
            if '"check": "end"' in results.read_text("utf-8"):
                break
    finally:
        _remove(group)
        shutil.rmtree(folder / "upper", ignore_errors=True)
    return results


def _remove(group: Path) -> None:
    """Control groups go from the innermost outwards, once their processes have."""
    for path in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        path.rmdir()
    group.rmdir()

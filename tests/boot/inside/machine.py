"""What a check asks of the machine: commands, units, processes; and the line in which a finding is told."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

REGISTERS = ("juki", "fuhyo")
DOORS = ("notices", "relay", "host", "bridge", "seal")
UNITS = [f"jukinet-{door}@{register}" for register in REGISTERS for door in DOORS]
NO_NETWORK = ("notices", "host", "seal")
# By how much this machine may be slower than a processor of its own is; run.sh knows.
PATIENCE = int(os.environ["PATIENCE"])


class Unseen(Exception):
    """What this machine cannot show."""


def sh(command: str, seconds: float = 300, *, failing: bool = False) -> str:
    """What a command prints. Raises AssertionError with its last lines where it fails, unless it may."""
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=seconds * PATIENCE, check=False
    )
    if done.returncode and not failing:
        raise AssertionError(f"{command}: {done.returncode} {(done.stdout + done.stderr)[-400:]}")
    return done.stdout


def prop(unit: str, name: str) -> str:
    """A property of a unit, as systemd has it now."""
    return sh(f"systemctl show -P {name} {unit}").strip()


def pid(unit: str) -> int:
    """The main process of a service."""
    return int(prop(f"{unit}.service", "MainPID"))


def status(process: int) -> dict[str, str]:
    """What the kernel tells of a process."""
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def wait(true: Callable[[], bool], seconds: float, what: str) -> float:
    """Waits until something is so; gives how long that took. Raises AssertionError when it does not come."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds * PATIENCE:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.2)
    return time.monotonic() - began


def active(unit: str) -> bool:
    """Whether a service is up."""
    return prop(f"{unit}.service", "ActiveState") == "active"


def group(unit: str) -> Path:
    """The control group of a unit."""
    return Path("/sys/fs/cgroup" + prop(unit, "ControlGroup"))


def inside_group(unit: str, program: str, seconds: float = 60) -> str:
    """What a Python program prints that runs in a unit's control group, the first the kernel would kill."""
    command = ("python3", "-c", program)

    def enter() -> None:
        (group(unit) / "cgroup.procs").write_text(str(os.getpid()))
        Path("/proc/self/oom_score_adj").write_text("1000")

    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds * PATIENCE, preexec_fn=enter, check=False
    )
    return f"{done.stdout.strip()} exit {done.returncode}"


def sql(register: str, query: str) -> str:
    """What the database answers to its superuser."""
    return sh(f'sudo -u postgres psql -At -d {register} -c "{query}"').strip()


def tell(check: str, ok: bool | None, said: str) -> None:
    """One finding, a line."""
    line = json.dumps({"check": check, "ok": ok, "said": re.sub(r"\s+", " ", said)[:700]})
    with Path(os.environ["RESULTS"]).open("a", encoding="utf-8") as results:
        results.write(line + "\n")


def look(checks: tuple[Callable[[], str], ...]) -> None:
    """Looks at one thing after another; what fails does not keep the next from being looked at."""
    for check in checks:
        name = (check.__doc__ or check.__name__).rstrip(".")
        try:
            tell(name, True, check())
        except Unseen as why:
            tell(name, None, str(why))
        except Exception as fault:
            tell(name, False, f"{type(fault).__name__}: {fault}")

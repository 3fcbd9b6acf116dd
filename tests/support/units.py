"""The systemd units of this tree as data, and staged as an installation has them."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
# What a machine has that runs systemd; verify needs the targets to be there.
_MACHINE = Path("/lib/systemd/system")


def settings(unit: str) -> dict[str, dict[str, list[str]]]:
    """Section -> key -> values of a unit file here, with `%i` and all as written."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in (SYSTEMD / unit).read_text("utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            section.setdefault(key, []).append(value)
    return found


def services() -> list[str]:
    """The templates of all services."""
    return sorted(path.name for path in SYSTEMD.glob("*.service"))


def sockets() -> list[str]:
    """The templates of all sockets."""
    return sorted(path.name for path in SYSTEMD.glob("*.socket"))


def opened_by(service: str) -> list[str]:
    """The sections of the configuration that a service opens."""
    words = settings(service)["Service"]["ExecStart"][0].split()
    return [words[place + 1] for place, word in enumerate(words) if word == "--only"]


# Those that open something: all but the one that migrates.
DOORS = [service for service in services() if opened_by(service)]


def login_of(service: str, register: str) -> str:
    """The account of a service, by whose name it logs in to the database."""
    return settings(service)["Service"]["User"][0].replace("%i", register)


def stage(folder: Path) -> Path:
    """A root folder with the units, programs of their names, and what a machine brings."""
    units = folder / "usr/lib/systemd/system"
    shutil.copytree(SYSTEMD, units)
    for path in (*_MACHINE.glob("*.target"), *_MACHINE.glob("*.slice")):
        shutil.copy(path, units / path.name)
    for program in ("jukinetd", "jukinetctl"):
        path = folder / "usr/bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return folder

"""A unit that fails under a real systemd: it starts again for ever, or never; its port is open, or closed."""

import os
from pathlib import Path

import pytest

from support.systemd import POSSIBLE, Machine, machine, wait
from support.units import settings

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="needs root, systemd and control groups of version 2")

SERVICES = [f"jukinet-{door}@juki.service" for door in ("notices", "relay", "bridge", "host", "seal")]
SOCKETS = [f"jukinet-{port}@juki.socket" for port in ("notices", "bridge", "health", "control")]
NOTICES = 7443
# systemd gives up after five starts within ten seconds unless it is told not to.
MORE_THAN_USUAL = 8
# What this machine does not have: accounts, secrets, an installed program; and a shell may run.
SERVICE = """[Service]
User=
Group=
{own}
ExecStart=
ExecStart=/bin/sh {folder}/program %p
NoExecPaths=
ExecPaths=
ProtectSystem=no
PrivateTmp=no
PrivateUsers=no
"""


# Notes its start, then ends with the status asked for; or runs, and does not end well when it is told to.
PROGRAM = """trap 'exit 1' TERM
echo "$1" >> {folder}/starts
status=$(cat {folder}/status)
while [ "$status" = run ]; do sleep 0.1; done
exit "$status"
"""


def installed(folder: Path, status: int | str, own: str = "LoadCredential=") -> dict[str, str]:
    """Drop-ins that put the program in place of every service's own."""
    (folder / "starts").touch()
    (folder / "status").write_text(str(status))
    (folder / "program").write_text(PROGRAM.format(folder=folder))
    service = SERVICE.format(folder=folder, own=own)
    return {"jukinet-.service": service, "jukinet-control@.socket": "[Socket]\nSocketGroup=\n"}


def starts(folder: Path) -> int:
    return (folder / "starts").read_text().splitlines().count("jukinet-notices")


def open_ports(here: Machine) -> list[str]:
    return [socket for socket in SOCKETS if here.state(socket) == "active"]


def ended(here: Machine) -> bool:
    return {here.state(service) for service in SERVICES} == {"failed"} and not open_ports(here)


def test_after_a_crash_it_starts_again_for_ever_and_keeps_its_port(tmp_path: Path) -> None:
    with machine(tmp_path, installed(tmp_path, 1)) as here:
        here.run("systemctl", "start", "--no-block", "jukinet@juki.target")
        # Whoever calls meanwhile waits in the queue, and must not be what ends it.
        wait(lambda: here.knock(NOTICES) and starts(tmp_path) >= MORE_THAN_USUAL)
        assert open_ports(here) == SOCKETS


def test_what_is_configured_wrongly_starts_once_and_closes_its_port(tmp_path: Path) -> None:
    with machine(tmp_path, installed(tmp_path, os.EX_CONFIG)) as here:
        done = here.run("systemctl", "start", "jukinet@juki.target")
        assert done.returncode == 0, done.stderr
        wait(lambda: ended(here))
        assert not here.knock(NOTICES)
        assert starts(tmp_path) == 1

        (tmp_path / "status").write_text("1")  # mended, but for the database
        here.run("systemctl", "start", "--no-block", "jukinet@juki.target")
        wait(lambda: starts(tmp_path) > 2 and open_ports(here) == SOCKETS)


def test_a_restart_keeps_the_port_even_where_the_old_process_ends_badly(tmp_path: Path) -> None:
    own = "LoadCredential=\nType=simple\nWatchdogSec=0"
    with machine(tmp_path, installed(tmp_path, "run", own)) as here:
        here.run("systemctl", "start", "--no-block", "jukinet@juki.target")
        wait(lambda: starts(tmp_path) == 1)
        done = here.run("systemctl", "restart", SERVICES[0])
        assert done.returncode == 0, done.stderr
        wait(lambda: starts(tmp_path) == 2)
        assert (here.state(SERVICES[0]), open_ports(here)) == ("active", SOCKETS)


def test_a_secret_that_is_missing_ends_it_before_it_starts(tmp_path: Path) -> None:
    missing = f"LoadCredential=nothing:{tmp_path}/nothing"
    with machine(tmp_path, installed(tmp_path, 1, missing)) as here:
        here.run("systemctl", "start", "jukinet@juki.target")
        wait(lambda: ended(here))
        told = here.run("systemctl", "show", "--property=NRestarts,ExecMainStatus", SERVICES[0]).stdout
        assert set(told.split()) == {"NRestarts=0", "ExecMainStatus=243"}


def test_every_port_of_a_service_is_closed_with_it() -> None:
    for socket in SOCKETS:
        name = socket.removesuffix("@juki.socket")
        told = settings(f"{name}@.socket")["Socket"].get("Service", [f"{name}@%i.service"])[0]
        closes = settings(told.replace("%i", ""))["Unit"]["OnFailure"][0].split()
        assert f"jukinet-closed@{name}@%i.target" in closes

"""Sockets that systemd passes: taken once, by name, and only if they are what a door needs."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jukinet_daemon.listenfds import take_passed
from support.activation import activated

_SHOW = """
import json, os, sys
from jukinet_daemon.listenfds import PassedSocketFault, take_passed
try:
    taken = take_passed()
except PassedSocketFault as fault:
    sys.exit(str(fault))
print(json.dumps({
    "taken": {name: sock.getsockname()[1] for name, sock in taken.items()},
    "inheritable": [sock.get_inheritable() for sock in taken.values()],
    "left": [name for name in os.environ if name.startswith("LISTEN_")],
    "again": list(take_passed()),
}))
"""


@pytest.fixture
def listening() -> Iterator[list[socket.socket]]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    yield sockets
    for each in sockets:
        each.close()


def _run(passed: list[tuple[str, socket.socket]]) -> subprocess.CompletedProcess[str]:
    command = activated(passed, sys.executable, "-c", _SHOW)
    return subprocess.run(
        command.arguments, pass_fds=command.passed, capture_output=True, text=True, check=False
    )


def test_sockets_are_taken_by_name_and_only_once(listening: list[socket.socket]) -> None:
    done = _run([("notices", listening[0]), ("health", listening[1])])
    assert json.loads(done.stdout) == {
        "taken": {"notices": listening[0].getsockname()[1], "health": listening[1].getsockname()[1]},
        "inheritable": [False, False],
        "left": [],
        "again": [],
    }


def test_two_sockets_for_one_door_are_refused(listening: list[socket.socket]) -> None:
    done = _run([("notices", listening[0]), ("notices", listening[1])])
    assert done.stderr.strip() == "two sockets were passed for the door notices"


def test_a_socket_that_does_not_listen_is_refused() -> None:
    with socket.socket() as idle:
        done = _run([("notices", idle)])
    assert done.stderr.strip() == "the socket passed for the door notices does not listen"


def test_a_file_is_no_socket(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        done = _run([("notices", file)])  # type: ignore[list-item] # anything with a file number
    assert done.stderr.strip() == "what was passed for the door notices is no socket"


@pytest.mark.parametrize("told", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "notices"}])
def test_what_was_meant_for_another_process_is_left_alone(told: dict[str, str]) -> None:
    assert take_passed(dict(told)) == {}


def test_a_passed_socket_needs_a_name() -> None:
    told = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "notices"}
    with pytest.raises(OSError, match="FileDescriptorName"):
        take_passed(told)

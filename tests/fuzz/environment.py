"""環境変数: what systemd tells of passed sockets and of the watchdog is read, or refused by name."""

import os

from jukinet_daemon.listenfds import PassedSocketFault, passed_names
from jukinet_daemon.sdnotify import watchdog_interval

from .target import Target


def _run(data: bytes) -> None:
    """As the kernel hands a variable over: no NUL, and what is no UTF-8 as half of a surrogate pair."""
    count, _, names = os.fsdecode(data.replace(b"\0", b"")).partition("\n")
    told = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count, "LISTEN_FDNAMES": names}
    try:
        passed = passed_names(told)
    except PassedSocketFault:
        passed = ()
    assert not passed or (count == str(len(passed)) and ":".join(passed) == names)
    assert passed_names(told | {"LISTEN_PID": f"{names}0"}) == (), "sockets of another process are taken"
    interval = watchdog_interval({"WATCHDOG_USEC": count})
    assert interval is None or interval >= 0


TARGET = Target(
    "environment",
    _run,
    (
        b"2\nnotices:health",
        b"2\nnotices:notices",
        b"1\n",
        b"x\nnotices",
        b"\n",
        b"01\nnotices",
        "１\nnotices".encode(),
        b"30000000",
        b"9" * 5000,
        b"\xff\n\xff",
    ),
)

"""One event is one line of JSON, whatever stands in it."""

import json
import os
import random
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

# What breaks lines, ends strings, drives terminals, turns the direction of text, or is no character at all.
_PIECES = [
    "\n",
    "\r",
    "\r\n",
    "\x00",
    "\x1b[2J",
    "\x07",
    "\x08",
    "\x7f",
    "\x85",
    "\x9b31m",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u200b",
    "\ufeff",
    "\ufffe",
    "\ud800",
    '"',
    "\\",
    "\\n",
    "{",
    "}",
    '"}\n{"event": "peer_admitted"',
    "<0>",
    "%s",
    "%n",
    "${jndi:x}",
    "</script>",
    "髙島",
    "葛\U000e0100",
    "'; DROP TABLE ledger; --",
    "\t",
]
_SAY = """
import json, sys
import structlog
from jukinet_daemon.logs import configure_logs
configure_logs()
log = structlog.get_logger()
for payload in json.loads(sys.stdin.read()):
    log.warning("parcel_refused", field=payload, **{"sender": payload})
"""

_MARK = "金糸雀731946280001"
_TRIP = """
import asyncio, logging, sys, warnings
import uvloop
from jukinet_daemon.logs import configure_logs, tell_what_trips

class Ends:
    def __del__(self):
        raise RuntimeError(mark)

async def lost(mark):
    raise KeyError(mark)

def fails(mark):
    raise ValueError(mark)

async def work(mark):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(tell_what_trips)
    loop.call_soon(fails, mark)
    task = asyncio.create_task(lost(mark))
    await asyncio.wait([task])
    del task
    loop.call_exception_handler({"message": mark})
    try:
        fails(mark)
    except ValueError:
        logging.getLogger("library").exception("cannot do %s", mark)
    logging.getLogger("library").warning("strange: %s", mark)
    warnings.warn(mark)
    ends = Ends()
    del ends
    fails(mark)

mark = sys.argv[1]
configure_logs()
uvloop.run(work(mark))
"""


@pytest.fixture(scope="module")
def payloads() -> list[str]:
    dice = random.Random(20261124)
    return ["".join(dice.choices(_PIECES, k=dice.randint(1, 6))) for _ in range(1000)]


@pytest.fixture(scope="module")
def written(payloads: list[str]) -> bytes:
    done = subprocess.run(
        (sys.executable, "-c", _SAY),
        input=json.dumps(payloads).encode(),
        capture_output=True,
        check=True,
        env={**os.environ, "TZ": "Asia/Tokyo"},
    )
    return done.stderr


def test_one_event_is_one_line(payloads: list[str], written: bytes) -> None:
    lines = written.decode("ascii").splitlines()
    events = [json.loads(line) for line in lines]
    assert len(events) == len(payloads)
    assert {event["event"] for event in events} == {"parcel_refused"}
    assert [event["field"] for event in events] == [event["sender"] for event in events] == payloads


def test_every_event_says_when_and_by_which_clock(written: bytes) -> None:
    """Whoever compares the logs of two machines, or reads one after the summer, has to know the zone."""
    for line in written.decode("ascii").splitlines():
        assert datetime.fromisoformat(json.loads(line)["timestamp"]).utcoffset() == timedelta(0)


def test_nothing_in_a_line_acts_on_its_reader(written: bytes) -> None:
    """Printable ASCII and the end of the line: no terminal, pager or editor is driven by it."""
    assert set(written) <= {*range(0x20, 0x7F), 0x0A}


def test_a_plain_line_would_be_broken(payloads: list[str]) -> None:
    """Teeth: the same payloads written as they are make other lines than events."""
    plain = "".join(f"parcel_refused {payload}\n" for payload in payloads)
    assert len(plain.splitlines()) > len(payloads)


def test_what_trips_is_told_by_kind_and_place_alone() -> None:
    """In a callback, a lost task, a library, a warning, a destructor, and where nobody catches it."""
    done = subprocess.run((sys.executable, "-c", _TRIP, _MARK), capture_output=True, check=False)
    assert done.returncode == 1
    events = [json.loads(line) for line in done.stderr.decode("ascii").splitlines()]
    assert [
        (event["event"], event["fault"], event["place"].partition(":")[0] if event["place"] else None)
        for event in events
    ] == [
        ("program_tripped", "ValueError", "fails"),
        ("program_tripped", "KeyError", "lost"),
        ("program_tripped", None, None),
        ("library_logged", "ValueError", "fails"),
        ("library_logged", None, "<string>"),
        ("library_logged", None, "warnings"),
        ("program_tripped", "RuntimeError", "Ends.__del__"),
        ("program_tripped", "ValueError", "fails"),
    ]
    assert not any(mark in json.dumps(events, ensure_ascii=False) for mark in (_MARK, _MARK[:3], _MARK[3:]))

"""処理の報告: what another login leaves in the database neither breaks nor forges what health shows."""

import io
import json
import re
from copy import deepcopy
from typing import Any

from prometheus_client import generate_latest
from rich.console import Console

from jukinet_daemon.cli.diagnose import findings_in
from jukinet_daemon.cli.plain import as_it_stands
from jukinet_daemon.cli.status import status_table
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.service.degraded import degraded
from jukinet_daemon.service.duties import believed
from jukinet_daemon.service.exposition import exposition
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.status import join_told, problems_in
from jukinet_daemon.store.keys import ring_told
from jukinet_daemon.store.processes import Told, report_in

from .target import Target

_AREAS = read_areas()

NAME = "notices@host"
# As another process of the register may leave it, and as the database gives it: jsonb has no surrogates.
REPORT: dict[str, Any] = {
    "doors": {
        "notices": {"listen": "127.0.0.1:9000", "open": True, "connections": 1, "failing_seconds": None}
    },
    "certificates": [{"name": "certificate", "not_after": "2027-01-01T00:00:00+09:00", "days_left": 90.5}],
    "credentials": [{"half": "own", "fault": "cannot be read"}],
    "peers": {
        "inside": [{"door": "notices", "peer": "spiffe://jukinet.example/cs/401307", "address": "192.0.2.1"}],
        "refused": [
            {
                "door": "notices",
                "address": "192.0.2.2",
                "peer": None,
                "reason": "expired",
                "times": 3,
                "first": "2026-11-23T09:00:00+09:00",
                "last": "2026-11-23T09:00:00+09:00",
            }
        ],
    },
    "keys": {"current": 1, "versions": [1]},
    "relay": {"connected": True, "standby": False, "fault": None, "clock_ahead_s": 0.1},
}
# What the process that tells of all knows by itself.
_HERE: dict[str, Any] = {
    "register": "juki",
    "server": "juki",
    "time": "2026-11-23T09:00:00+09:00",
    "doors": {},
    "certificates": [],
    "credentials": [],
    "peers": {"inside": [], "refused": []},
    "database": {"ok": True, "clock_ahead_s": 0.0},
    "pulse": {
        "fault": None,
        "read_only": False,
        "disks": [],
        "clock": {"jumped_seconds": 0.0, "database_ahead_seconds": 0.0},
    },
    "outbox": {"records": 0, "oldest_seconds": 0.0, "refused": 0},
    "held": 0,
    "municipalities": [],
}


def _report(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for name in (NAME, "national@host", "bridge+seal@host"):
        own = believed(Told(name, report_in(text), ""))
        if own is None:
            continue
        assert set(own.report["doors"]) <= set(own.duties), "a process speaks for another's door"
        report = deepcopy(_HERE)
        join_told(report, [own.report], {})
        _shown(report)


def _shown(report: dict[str, Any]) -> None:
    """Shows a report in all the ways in which it is shown."""
    problems = problems_in(report)
    report |= {"degraded": degraded(report), "problems": problems}
    json.dumps(report, ensure_ascii=False, indent=1)
    told = [
        f"{finding.step}: {finding.text}"
        for peer in (None, "401307", "national")
        for finding in findings_in(report, peer, _AREAS)
    ]
    screen = io.StringIO()
    console = Console(file=screen, width=200)
    console.print(status_table(report))
    for line in (*problems, *told):
        console.print(as_it_stands(line))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", screen.getvalue()), "a report drives the terminal"


_METRICS = Metrics()
_METRICS.duty_up.labels("notices").set(0)
_OWN = generate_latest(_METRICS.registry).decode().splitlines()
_VALUE = r"(?:[+-]Inf|NaN|-?[0-9.]+(?:e[+-]?[0-9]+)?)"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
# The line of a sample as Prometheus takes it (its text format 0.0.4).
_SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? {_VALUE}")


def _metrics(data: bytes) -> None:
    shown = exposition(_METRICS.registry, {NAME: data.decode("utf-8", "replace")}).decode()
    lines = shown.split("\n")[:-1]
    assert [line for line in lines if 'process="' not in line] == _OWN, "what this process tells has changed"
    for line in lines:
        if 'process="' in line:
            sample = _SAMPLE.fullmatch(line)
            assert sample is not None, "a line that Prometheus does not take"
            labels = re.findall(f"(?:^|,)({_LABEL})", sample[2])
            names = [label.partition("=")[0] for label in labels]
            assert len(set(names)) == len(names), "a label stands twice"
            assert f'process="{NAME}"' in labels
            assert sample[1] not in ("jukinet_duty_up", "jukinet_pulse_up", "jukinet_relay_up")


def _ring(data: bytes) -> None:
    process = ring_told(NAME, data.decode("utf-8", "replace"))
    assert process is None or all(type(version) is int for version in {process.current, *process.versions})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _with(path: str, value: object) -> bytes:
    changed = deepcopy(REPORT)
    *way, last = path.split(".")
    part: Any = changed
    for step in way:
        part = part[int(step) if step.isdigit() else step]
    part[last] = value
    return _json(changed)


_DEEP: Any = {}
for _ in range(900):
    _DEEP = {"": _DEEP}
_LONG = 10**400
PROCESS_REPORT = Target(
    "process-report",
    _report,
    (
        _json(REPORT),
        _with("credentials", 5),
        _with("credentials", [{"half": "third", "fault": "x"}]),
        _with("doors.notices.failing_seconds", _LONG),
        _with("doors.notices.listen", "[/b]\x1b]0;\x07\x9b"),
        _with("doors.notices.connections", "1"),
        _with("certificates.0.days_left", _LONG),
        _with("peers.refused.0.reason", "a reason of tomorrow"),
        _with("peers.inside", [7]),
        _with("relay.clock_ahead_s", _LONG),
        _with("more", _DEEP),
        b"[" * 100_000,
        b"9" * 5000,
        _json({**REPORT, "doors": {"bridge": {"listen": "", "open": True, "asked": 1, "peer_fault": 5}}}),
    ),
)
PROCESS_METRICS = Target(
    "process-metrics",
    _metrics,
    (
        generate_latest(_METRICS.registry),
        b'{"jukinet.duty.up",duty="notices"} 1\n',
        b'{"jukinet.held.notices"} 1\n',
        b'jukinet_held_notices{"a.b"="1","a_b"="2"} 1\n',
        b"jukinet_held_notices " + b"1" * 400 + b"\n",
        b"jukinet_held_notices 1 " + b"1" * 400 + b"\n",
        b'jukinet_held_notices{process="notices@other"} 1e5\n',
        'jukinet_held_notices{a="\\n\\"\\\\\u2028"} １\n'.encode(),
        b"# TYPE jukinet_duty_up counter\njukinet_duty_up 1\n",
        b"# TYPE jukinet_held_notices histogram\njukinet_held_notices_bucket 1\njukinet_held_notices NaN\n",
        b"# HELP jukinet_held_notices \\n# TYPE x gauge\n{} {",
    ),
)
KEY_RING_TOLD = Target(
    "key-ring-told",
    _ring,
    (
        _json(REPORT["keys"]),
        b"{}",
        b"",
        b"null",
        b'{"current":true,"versions":[1]}',
        b'{"current":1,"versions":[[1]]}',
        b'{"current":1.0,"versions":{"1":1}}',
        b"[" * 100_000,
        b'{"current":' + b"9" * 5000 + b',"versions":[]}',
    ),
)

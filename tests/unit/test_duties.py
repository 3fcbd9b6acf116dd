"""What another process tells is believed of its own duties, and only where it has the form of a report."""

from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge
from structlog.testing import capture_logs

from jukinet_daemon.service.duties import Duties
from jukinet_daemon.service.exposition import exposition
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.processes import Told

RELAY = {"connected": True, "standby": False, "fault": None}
_DOOR = {"open": True, "listen": "127.0.0.1:1"}
REPORT: dict[str, Any] = {
    "doors": {"notices": _DOOR},
    "certificates": [{"name": "certificate", "days_left": 90}],
    "peers": {"inside": [], "refused": []},
    "keys": {"current": 1},
}


def _duties(*told: Told) -> Duties:
    async def hear() -> Sequence[Told]:
        return told

    own: dict[str, Any] = {"doors": {}, "certificates": [], "peers": {}}
    return Duties(hear, ("notices", "national", "health"), ("health",), lambda: own, Metrics())


async def test_a_process_speaks_for_its_own_duties_alone() -> None:
    bridge = {"open": True, "listen": "127.0.0.1:2"}
    forged = REPORT | {"relay": RELAY, "doors": REPORT["doors"] | {"bridge": bridge}}
    (told,) = await _duties(Told("notices@x", forged, "")).others()
    assert told.report == REPORT
    (told,) = await _duties(Told("national@x", REPORT | {"relay": RELAY}, "")).others()
    assert told.report == REPORT | {"doors": {}, "relay": RELAY}


_DEEP: dict[str, Any] = {}
for _ in range(900):
    _DEEP = {"": _DEEP}

SPOILT: dict[str, Any] = {
    "nothing": {},
    "no object": [],
    "what no reader can bear": None,
    "no doors": {**REPORT, "doors": None},
    "a door that is a word": {**REPORT, "doors": {"notices": "open"}},
    "a door that says neither": {**REPORT, "doors": {"notices": {}}},
    "seconds that are none": {**REPORT, "doors": {"notices": {"open": True, "failing_seconds": "x"}}},
    "days that are none": {**REPORT, "certificates": [{"name": "crl", "days_left": "many"}]},
    "peers that are none": {**REPORT, "peers": {"inside": 1}},
    "a relay that says nothing": {**REPORT, "relay": {}},
    "a door without an address": {**REPORT, "doors": {"notices": {"open": True}}},
    "a fault that is a number": {**REPORT, "doors": {"notices": {**_DOOR, "peer_fault": 5}}},
    "credentials that are none": {**REPORT, "credentials": 5},
    "half of nothing": {**REPORT, "credentials": [{"half": "third", "fault": "-"}]},
    "a peer that is a word": {**REPORT, "peers": {"inside": ["-"]}},
    "deeper than who shows it can go": {**REPORT, "more": _DEEP},
}


@pytest.mark.parametrize("how", SPOILT)
async def test_what_is_no_report_counts_as_silence(how: str) -> None:
    duties = _duties(Told("notices@x", SPOILT[how], ""), Told("national@x", REPORT | {"relay": RELAY}, ""))
    with capture_logs() as logs:
        for _ in range(2):
            assert [told.name for told in await duties.others()] == ["national@x"]
    assert logs == [{"event": "process_unreadable", "process": "notices@x", "log_level": "warning"}]


# What the parser takes and Prometheus would not, or would take for something else.
_LABELS = [f'a{number}="1"' for number in range(600)]
SPOILT_METRICS = {
    "no label": 'jukinet_held{a="b 1.0\n',
    "nothing": "{} {",
    "a number that is no float": f"jukinet_held {'1' * 400}\n",
    "a time that is no float": f"jukinet_held 1 {'1' * 400}\n",
    "a line that takes long": f"jukinet_held{{{','.join(_LABELS)}}} 1\n",
    "two labels that come out as one": 'jukinet_held{"a.b"="1","a_b"="2"} 1\n',
}


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("jukinet_held", "Notices that wait", registry=registry).set(3)
    Gauge("jukinet_duty_up", "Whether a duty is done", ["duty"], registry=registry).labels("seal").set(0)
    return registry


def _lines(told: bytes) -> list[str]:
    return [line for line in told.decode().splitlines() if line.startswith("jukinet")]


@pytest.mark.parametrize("how", SPOILT_METRICS)
def test_metrics_that_cannot_be_read_hide_no_others(how: str) -> None:
    told = exposition(_registry(), {"a@x": SPOILT_METRICS[how], "b@x": "jukinet_held 1.0\n"})
    assert _lines(told) == [
        "jukinet_held 3.0",
        'jukinet_held{process="b@x"} 1.0',
        'jukinet_duty_up{duty="seal"} 0.0',
    ]


def test_metrics_by_which_others_seem_alive_are_told_by_nobody_else() -> None:
    """One in wrong hands cannot tell that a dead unit works, nor that the line of another's relay is open."""
    seems_well = (
        'jukinet_duty_up{duty="seal"} 1.0\njukinet_relay_up 1.0\njukinet_pulse_up 1.0\n'
        # In quotes a name may have a dot, which comes out as a line.
        '{"jukinet.duty.up",duty="seal"} 1.0\n'
    )
    told = exposition(_registry(), {"notices@x": f"{seems_well}jukinet_held 1.0\njukinet_unheard_of 1.0\n"})
    assert _lines(told) == [
        "jukinet_held 3.0",
        'jukinet_held{process="notices@x"} 1.0',
        'jukinet_duty_up{duty="seal"} 0.0',
    ]


def test_whether_the_line_is_open_is_told_by_the_relay() -> None:
    registry = _registry()
    Gauge("jukinet_relay_up", "Whether the relay has a line", registry=registry)
    told = exposition(registry, {"national+seal@x": "jukinet_relay_up 1.0\n"})
    assert b'jukinet_relay_up{process="national+seal@x"} 1.0' in told

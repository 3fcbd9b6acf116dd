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
REPORT: dict[str, Any] = {
    "doors": {"notices": {"open": True, "listen": "127.0.0.1:1"}},
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
    forged = REPORT | {"relay": RELAY, "doors": REPORT["doors"] | {"bridge": {"open": True}}}
    (told,) = await _duties(Told("notices@x", forged, "")).others()
    assert told.report == REPORT
    (told,) = await _duties(Told("national@x", REPORT | {"relay": RELAY}, "")).others()
    assert told.report == REPORT | {"doors": {}, "relay": RELAY}


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
}


@pytest.mark.parametrize("how", SPOILT)
async def test_what_is_no_report_counts_as_silence(how: str) -> None:
    duties = _duties(Told("notices@x", SPOILT[how], ""), Told("national@x", REPORT | {"relay": RELAY}, ""))
    with capture_logs() as logs:
        for _ in range(2):
            assert [told.name for told in await duties.others()] == ["national@x"]
    assert logs == [{"event": "process_unreadable", "process": "notices@x", "log_level": "warning"}]


def test_metrics_that_cannot_be_read_hide_no_others() -> None:
    sound = "# TYPE jukinet_sound gauge\njukinet_sound 1.0\n"
    told = exposition(CollectorRegistry(), {"a@x": 'jukinet_spoilt{a="b 1.0\n', "b@x": sound, "c@x": "{} {"})
    assert b'jukinet_sound{process="b@x"} 1.0' in told


def test_metrics_by_which_others_seem_alive_are_told_by_nobody_else() -> None:
    """One in wrong hands cannot tell that a dead unit works, nor that the line of another's relay is open."""
    registry = CollectorRegistry()
    Gauge("jukinet_duty_up", "Whether a duty is done", ["duty"], registry=registry).labels("seal").set(0)
    seems_well = 'jukinet_duty_up{duty="seal"} 1.0\njukinet_relay_up 1.0\njukinet_pulse_up 1.0\n'
    told = exposition(registry, {"notices@x": f"{seems_well}jukinet_sound 1.0\n"}).decode()
    assert [line for line in told.splitlines() if line.startswith("jukinet")] == [
        'jukinet_duty_up{duty="seal"} 0.0',
        'jukinet_sound{process="notices@x"} 1.0',
    ]
    own = exposition(registry, {"national+seal@x": "jukinet_relay_up 1.0\n"})
    assert b'jukinet_relay_up{process="national+seal@x"} 1.0' in own

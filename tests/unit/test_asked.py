"""What `make http` takes for a failure: each of these must count, and a sound run must not."""

import json
from typing import Any

import pytest

from asked.aftermath import faults_in
from asked.asking import verdict

RATE = {"accepted": 1, "unreachable": 0, "conflicts": 0, "rejected": 3}
SOUND: dict[str, Any] = {
    "complete": True,
    "stop_reason": "completed",
    "operations": {"total": 2, "tested": 2},
    "test_cases": {"generated": 40},
    "failures": [],
    "errors": [],
    "warnings": {"missing_auth": [], "validation_mismatch": ["POST /bridge"]},
    "valid_rates": {
        "GET /a": {"fuzzing": RATE},
        "POST /b": {"examples": RATE | {"accepted": 0}, "fuzzing": RATE},
    },
}
READY = {"event": "ready", "level": "info"}
STOPPED = {"event": "stopped", "level": "info"}


def test_a_sound_report_is_no_failure() -> None:
    told = verdict("juki control", SOUND, "")
    assert (told.operations, told.cases, told.failures) == (2, 40, ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"failures": [{"title": "Server error", "operations": ["GET /a"]}]},
        {"errors": [{"title": "Network error"}]},
        {"complete": False, "stop_reason": "interrupted"},
        {"operations": {"total": 2, "tested": 1}},
        {"warnings": {"method_not_allowed": ["POST /b"]}},
        {"valid_rates": {"GET /a": {"fuzzing": RATE | {"accepted": 0}}}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_is_amiss_is_a_failure(wrong: dict[str, Any]) -> None:
    assert len(verdict("juki control", SOUND | wrong, "").failures) == 1


def test_what_a_log_may_not_hold() -> None:
    def faults(*lines: dict[str, str] | str) -> list[str]:
        return list(
            faults_in("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        )

    rightly = {"event": "bridge_not_confirmed", "level": "error"}
    assert faults(READY, rightly, {"event": "peer_refused", "level": "warning"}, STOPPED) == []
    for line in ("Traceback (most recent call last):", {"event": "request_tripped", "level": "error"}):
        assert len(faults(READY, line, STOPPED)) == 1
    assert faults(READY) == ["the last event is ready"]

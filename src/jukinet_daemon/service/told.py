"""報告の形: what a report of another process must be, so that whoever shows it can rely on it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from jukinet_daemon.wire.text import MAX_DEPTH, deeper_than


class _Part(BaseModel):
    """What somebody reckons with or prints must be of its kind; the rest is shown as it came."""

    model_config = ConfigDict(strict=True, extra="allow")


class _Door(_Part):
    listen: str
    open: bool
    connections: int = 0
    asked: int = 0
    failing_seconds: float | None = None
    unerased_seconds: float | None = None
    peer_fault: str | None = None
    national_fault: str | None = None


class _Expiry(_Part):
    name: str
    days_left: float


class _Unusable(_Part):
    half: Literal["own", "trust"]
    fault: str


class _Peer(_Part):
    door: str
    address: str
    peer: str | None


class _Refused(_Peer):
    reason: str
    times: int
    last: str


class _Peers(_Part):
    inside: list[_Peer] = []
    refused: list[_Refused] = []


class _Relay(_Part):
    connected: bool
    standby: bool
    fault: str | None
    clock_ahead_s: float | None = None


class _Report(_Part):
    doors: dict[str, _Door]
    certificates: list[_Expiry]
    peers: _Peers
    credentials: list[_Unusable] = []
    relay: _Relay | None = None


def is_report(told: Any) -> bool:
    """Whether something has the form of a report."""
    # Who writes it for people goes down it with a call a level.
    if deeper_than(told, MAX_DEPTH):
        return False
    try:
        _Report.model_validate(told)
    except ValidationError:
        return False
    return True

"""What is remembered and told of peers that were not admitted does not grow with their number."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.service import refused
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.refused import CROWD_TOLD, RefusedPeers
from support.store import CLOCK


def crowding(peers: RefusedPeers, *addresses: str) -> list[str]:
    """The addresses that the log tells of."""
    with capture_logs() as told:
        for address in addresses:
            peers.note("notices", Refusal.CROWDING, address)
    return [line["address"] for line in told]


def test_a_crowd_is_told_of_once_a_minute_for_each_address() -> None:
    now = CLOCK()
    peers = RefusedPeers(Metrics(), lambda: now)
    assert crowding(peers, "a", "a", "b", "a") == ["a", "b"]
    now += CROWD_TOLD - timedelta(seconds=1)
    assert crowding(peers, "a", "b") == []
    now += timedelta(seconds=1)
    assert crowding(peers, "b", "a", "b") == ["b", "a"]
    (latest, _other) = peers.look()
    assert (latest["address"], latest["times"]) == ("b", 4)


def test_crowds_of_ever_new_addresses_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "REMEMBERED_CROWDS", 2)
    peers = RefusedPeers(Metrics(), CLOCK)
    assert crowding(peers, "a", "b", "a", "c", "b", "a") == ["a", "b", "c", "a"]

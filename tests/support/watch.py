"""What a server logs while a test does something to it, and whether it keeps silent about people."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog

from support.world import House, until

_PRIVATE = ("resident_code", "individual_number", "name", "name_kana", "address")
# What belongs to the life of a server and not to what a peer did; the number of a refused parcel is found
# missing by and by.
_ORDINARY = {
    *("ready", "stopping", "stopped", "relay_connected", "relay_interrupted", "relay_waits"),
    "numbers_missing",
    *("parcels_accepted", "relay_sent", "relay_receipted"),
}


class Watch:
    """Everything logged since the watch began, by us and by the libraries."""

    def __init__(self, events: list[Any], caplog: pytest.LogCaptureFixture) -> None:
        self._events = events
        self._caplog = caplog

    @property
    def events(self) -> list[Any]:
        """What was logged about peers; the libraries must say nothing by themselves."""
        assert [record for record in self._caplog.records if record.levelname not in ("DEBUG", "INFO")] == []
        return [event for event in self._events if event["event"] not in _ORDINARY]

    async def one(self) -> Any:
        """Waits for the one event about a peer."""

        async def seen() -> list[Any]:
            return self.events

        events = await until(seen)
        assert len(events) == 1, [event["event"] for event in events]
        return events[0]

    def says_nothing_of(self, secrets: Iterable[str]) -> bool:
        """Whether no secret stands in anything logged."""
        text = repr(self._events) + self._caplog.text
        return not [secret for secret in secrets if secret in text]


@contextmanager
def watching(caplog: pytest.LogCaptureFixture) -> Iterator[Watch]:
    """Watches the logs."""
    with structlog.testing.capture_logs() as events, caplog.at_level("DEBUG"):
        yield Watch(events, caplog)


def secrets_of(notice: dict[str, Any]) -> list[str]:
    """The personal values of a notice."""
    return [notice["person"][name] for name in _PRIVATE]


async def versions(house: House) -> list[str]:
    """The notices in the history, in the order they were recorded."""
    found = await house.rows("SELECT notice_id::text AS id FROM history ORDER BY person_id, version")
    return [row["id"] for row in found]

"""未回答: what a CS that crashed still owes, from its journal alone: it sends these again, in their order."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jukinet_daemon.sim.journal import read_journal


@dataclass(frozen=True, slots=True)
class Owed:
    """The notices of one register that were sent and not answered finally, and the last number used."""

    notices: tuple[dict[str, Any], ...] = field(repr=False)
    last_number: int


def owed(journal: Path, register: str) -> Owed:
    """Reads what is owed out of a journal; nothing where there is none."""
    waiting: dict[str, dict[str, Any]] = {}
    last = 0
    for entry in read_journal(journal):
        if entry["register"] != register:
            continue
        if entry["event"] == "parcel":
            last = max(last, entry["parcel"])
            fresh = list(_notices(entry["signed"]))
        elif entry["event"] == "sent":
            # The lines of a parcel's notices follow it in its order.
            waiting.setdefault(entry["content"], fresh.pop(0))
        elif entry["event"] == "answered":
            waiting.pop(entry["content"], None)
    return Owed(tuple(waiting.values()), last)


def _notices(signed: str) -> Iterator[dict[str, Any]]:
    payload = signed.split(".")[1]
    yield from json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["notices"]

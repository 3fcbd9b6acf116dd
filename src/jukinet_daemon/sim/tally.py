"""日次の集計: what a CS counts of a day, from the parcels and replies in its journal."""

import json
from base64 import urlsafe_b64decode
from datetime import date
from pathlib import Path
from typing import Any

from jukinet_daemon.sim.journal import read_journal
from jukinet_daemon.wire.envelope import digest_of
from jukinet_daemon.wire.tally import UNCOUNTED, Counts, counted, kind_of


def counts_of_day(journal: Path, register: str, day: date) -> Counts:
    """How many notices of each kind had their first answer on a day (received_on)."""
    parcels: dict[str, list[Any]] = {}
    answers: dict[str, tuple[str, str]] = {}
    for entry in read_journal(journal):
        if entry["register"] != register or entry["event"] not in ("parcel", "reply"):
            continue
        payload = _payload(entry["signed"])
        if entry["event"] == "parcel":
            parcels[digest_of(entry["signed"])] = payload["notices"]
            continue
        notices = parcels.get(payload["parcel_digest"], [])
        for notice, answer in zip(notices, payload["answers"], strict=False):
            named = answer.get("received_on") == day.isoformat() and answer.get("id")
            if named and answer["code"] not in UNCOUNTED:
                answers.setdefault(answer["id"], (kind_of(notice), answer["outcome"]))
    return counted(answers)


def _payload(signed: str) -> dict[str, Any]:
    text = signed.split(".")[1]
    payload: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return payload

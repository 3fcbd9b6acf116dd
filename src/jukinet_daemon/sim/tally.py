"""日次の集計: what a CS or a national server counts of a day, from its journal."""

import json
from base64 import urlsafe_b64decode
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from jukinet_daemon.sim.journal import read_journal
from jukinet_daemon.wire.envelope import digest_of
from jukinet_daemon.wire.tally import UNCOUNTED, Counts, counted, kind_of

# The code of a record that a national server took.
TAKEN = "N100"


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


def counts_relayed(journal: Path, prefecture: str, day: date) -> Counts:
    """How many records of each kind of a prefecture a national server took and refused on a day."""
    counts: Counter[tuple[str, bool]] = Counter()
    for entry in read_journal(journal):
        if entry["prefecture"] == prefecture and entry.get("received_on") == day.isoformat():
            counts[kind_of(entry["record"]), entry["code"] == TAKEN] += 1
    return {kind: (counts[kind, True], 0, counts[kind, False]) for kind in {kind for kind, _ in counts}}


def _payload(signed: str) -> dict[str, Any]:
    text = signed.split(".")[1]
    payload: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return payload

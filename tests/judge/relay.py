"""送り: whether each record reached the national server once in effect, in order, as it is in the file."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from .effects import said
from .evidence import TAKEN, Evidence, payload_of
from .findings import Finding


def closed_is_received(evidence: Evidence) -> Iterator[Finding]:
    """What is closed was taken by the national server, whose own journal says so; all is closed at rest."""
    taken = {entry.id for entry in evidence.national if entry.code == TAKEN}
    receipts = {row["receipt_id"]: row["signed"] for row in evidence.tables["receipt"]}
    named = {number: _accepted(signed) for number, signed in receipts.items()}
    for row in evidence.tables["outbox"]:
        name = row["notice_id"]
        if not row["receipt_id"]:
            if evidence.at_rest:
                yield Finding("not_relayed", name)
        elif row["refused"]:
            yield Finding("national_refused", name)
        else:
            if name not in taken:
                yield Finding("closed_not_received", name)
            if name not in named.get(row["receipt_id"], ()):
                yield Finding("closed_without_receipt", name)


def _accepted(signed: str) -> set[str]:
    try:
        answers = json.loads(payload_of(signed))["answers"]
    except (ValueError, IndexError, KeyError):
        return set()
    return {answer["id"] for answer in answers if answer["outcome"] == "ACCEPTED"}


def received_is_recorded(evidence: Evidence) -> Iterator[Finding]:
    """What the national server has is in the file, once, and says what was notified."""
    outbox = {row["notice_id"] for row in evidence.tables["outbox"]}
    for name, count in Counter(entry.id for entry in evidence.national).items():
        if count > 1:
            yield Finding("national_twice", name)
    for entry in evidence.national:
        if entry.id not in outbox:
            yield Finding("national_unknown", entry.id)
        if entry.code != TAKEN:
            yield Finding("national_refused", entry.id)
        sent = evidence.firsts.get(entry.id)
        if sent is not None and said(sent.notice) != said(entry.record):
            yield Finding("national_otherwise", entry.id)


def received_in_order(evidence: Evidence) -> Iterator[Finding]:
    """Of each person the national server took the records in the file's order, none left out between."""
    file: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in evidence.tables["history"]:
        file[row["person_id"]].append((int(row["version"]), row["notice_id"]))
    received: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for entry in evidence.national:
        received[entry.person].append((entry.sequence, entry.id))
    for person, records in received.items():
        for got, wanted in zip(records, sorted(file[person]), strict=False):
            if got != wanted:
                yield Finding("national_out_of_order", got[1])
                break

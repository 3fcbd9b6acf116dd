"""証拠: what the three parties tell, read from their files into plain values."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .findings import Finding
from .tables import Tables

# An id that was used for two contents: what is stored under it is the answer to its first use.
REUSED = ("R390", "R391")
TAKEN = "N100"
# An official's settlement lets held notices go and moves persons on: the ledger says so.
SETTLED = ("held_released", "held_rejected")


@dataclass(frozen=True, slots=True)
class Sent:
    """A notice as a sender wrote it down: whose, the how-manieth it sent, what it says."""

    id: str
    sender: str
    place: int
    notice: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """A final answer that a sender was given: its text word for word, and what of it matters."""

    id: str
    sender: str
    text: str = field(repr=False)
    outcome: str
    code: str
    leaf: str


@dataclass(frozen=True, slots=True)
class Taken:
    """One entry of the national server's journal, in its order."""

    id: str
    code: str
    person: str
    sequence: int
    record: dict[str, Any] = field(repr=False)


@dataclass
class Evidence:
    """All that is told. `at_rest`: everything had come to rest, so nothing may be missing any more."""

    tables: Tables
    national: list[Taken]
    sent: list[Sent] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    # The checkpoints that senders took, each with its sender.
    carried: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    at_rest: bool = True

    @cached_property
    def firsts(self) -> dict[str, Sent]:
        """What was first sent under each id, by the sender whose notice the file has under it."""
        stored = {row["notice_id"]: row["sender"] for row in self.tables["inbox"]}
        firsts: dict[str, Sent] = {}
        for sent in self.sent:
            if stored.get(sent.id, sent.sender) == sent.sender:
                firsts.setdefault(sent.id, sent)
        return firsts

    @cached_property
    def leaves(self) -> list[tuple[dict[str, Any], str]]:
        """What the ledger's leaves say, each with its name: the hash as an answer has it."""
        return [
            (json.loads(row["payload"]), base64url(bytes.fromhex(row["hash"].removeprefix(r"\x"))))
            for row in self.tables["ledger"]
            if row["payload"]
        ]

    @cached_property
    def settled(self) -> set[str]:
        """The held notices that an official let go."""
        return {leaf["id"] for leaf, _ in self.leaves if leaf["event"] in SETTLED}


def gather(
    journals: Iterable[Path], national: Path, tables: Tables, register: str, *, at_rest: bool = True
) -> Evidence:
    """Reads the evidence of one register. What a journal itself shows to be wrong is found at once."""
    evidence = Evidence(tables, list(_national(national)), at_rest=at_rest)
    for journal in journals:
        _read_sender(evidence, journal, register)
    return evidence


def _read_sender(evidence: Evidence, journal: Path, register: str) -> None:
    parcels: dict[str, list[dict[str, Any]]] = {}
    seen: dict[tuple[str, str], None] = {}
    for entry in entries(journal):
        if entry["register"] == register and entry["event"] == "checkpoint":
            evidence.carried.append((entry["sender"], entry["note"]))
        if entry["register"] != register or entry["event"] not in ("parcel", "reply"):
            continue
        payload = payload_of(entry["signed"])
        if entry["event"] == "reply":
            _read_reply(evidence, entry["sender"], payload, parcels)
            continue
        notices = json.loads(payload)["notices"]
        parcels[digest_of(entry["signed"])] = notices
        for notice in notices:
            named = (notice["id"], canonical(notice))
            if named not in seen:
                seen[named] = None
                evidence.sent.append(Sent(notice["id"], entry["sender"], len(seen), notice))


def _read_reply(
    evidence: Evidence, sender: str, payload: str, parcels: dict[str, list[dict[str, Any]]]
) -> None:
    reply = json.loads(payload)
    if "refused" in reply:
        return
    texts = list(answer_texts(payload))
    answers = reply["answers"]
    notices = parcels.get(reply["parcel_digest"], [])
    if reply["receiver"] != sender or [notice["id"] for notice in notices] != [a["id"] for a in answers]:
        evidence.findings.append(Finding("not_told_straight", f"parcel {reply.get('parcel')} of {sender}"))
    for text, answer in zip(texts, answers, strict=True):
        if answer["outcome"] != "LATER":
            leaf = answer["leaf"]
            evidence.told.append(Told(answer["id"], sender, text, answer["outcome"], answer["code"], leaf))


def _national(journal: Path) -> Iterator[Taken]:
    for entry in entries(journal):
        record = entry["record"]
        yield Taken(record["id"], entry["code"], record["person_number"], record["sequence"], record)


def entries(journal: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal; a last one that a crash cut short does not count."""
    if journal.exists():
        with journal.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield json.loads(line)


def payload_of(signed: str) -> str:
    """The payload of a compact JWS."""
    part = signed.split(".")[1]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8")


def answer_texts(payload: str) -> Iterator[str]:
    """The answers of a reply as they stand in it, to the letter."""
    decoder = json.JSONDecoder()
    position = payload.index('"answers":[') + len('"answers":[')
    while payload[position] != "]":
        _, end = decoder.raw_decode(payload, position)
        yield payload[position:end]
        position = end + (payload[end] == ",")


def digest_of(signed: str) -> str:
    """What a reply calls the parcel that it answers."""
    return base64url(hashlib.sha256(signed.encode("ascii")).digest())


def base64url(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def canonical(value: Any) -> str:
    """One text for one value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

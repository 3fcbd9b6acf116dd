"""葉: whether the ledger tells of every outcome once, and of nothing else."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .evidence import REUSED, Evidence, base64url, digest_of
from .findings import Finding


def leaves_are_hashes(evidence: Evidence) -> Iterator[Finding]:
    """A leaf is SHA-256(0x00 || SHA-256(salt || payload)); one whose payload was erased proves by itself."""
    for row in evidence.tables["ledger"]:
        if row["payload"]:
            salted = bytes.fromhex(row["salt"].removeprefix(r"\x")) + row["payload"].encode("utf-8")
            commitment = hashlib.sha256(salted).digest()
            if row["hash"] != rf"\x{hashlib.sha256(bytes(1) + commitment).hexdigest()}":
                yield Finding("leaf_broken", f"entry {row['entry_id']}")


def outcomes_have_one_leaf(evidence: Evidence) -> Iterator[Finding]:
    """Each row of the inbox has one leaf that says the same, and the answer names it; and the reverse."""
    leaves = Counter(
        (leaf["id"], leaf["code"], name) for leaf, name in _leaves(evidence, "notice") if leaf["id"]
    )
    known: set[str] = set()
    for row in evidence.tables["inbox"]:
        known.add(row["notice_id"])
        expected = (row["notice_id"], row["code"], json.loads(row["answer"])["leaf"])
        if leaves[expected] != 1:
            yield Finding("not_one_leaf", row["notice_id"])
    each = Counter(name for name, code, _ in leaves.elements() if code not in REUSED)
    for name, count in each.items():
        if name not in known:
            yield Finding("leaf_without_cause", name)
        elif count > 1:
            yield Finding("not_one_leaf", name)


def answers_name_a_leaf(evidence: Evidence) -> Iterator[Finding]:
    """The leaf that an answer names is in the ledger."""
    leaves = {_name(row["hash"]) for row in evidence.tables["ledger"]}
    for told in evidence.told:
        if told.leaf not in leaves:
            yield Finding("not_one_leaf", told.id)


def receipts_have_leaves(evidence: Evidence) -> Iterator[Finding]:
    """Each receipt has its leaf, and the parcel that it answers was announced in the ledger."""
    sent = {leaf["parcel_digest"] for leaf, _ in _leaves(evidence, "relay_sent")}
    receipted = Counter(
        (leaf["parcel_digest"], leaf["receipt_digest"]) for leaf, _ in _leaves(evidence, "relay_receipted")
    )
    for row in evidence.tables["receipt"]:
        named = (row["parcel_digest"], digest_of(row["signed"]))
        if receipted.pop(named, 0) != 1 or row["parcel_digest"] not in sent:
            yield Finding("receipt_without_leaf", f"receipt {row['receipt_id']}")
    yield from (Finding("receipt_without_leaf", f"parcel {digest}") for digest, _ in receipted)


def _leaves(evidence: Evidence, event: str) -> Iterator[tuple[dict[str, Any], str]]:
    for leaf, name in evidence.leaves:
        if leaf["event"] == event:
            yield leaf, name


def _name(hash_text: str) -> str:
    return base64url(bytes.fromhex(hash_text.removeprefix(r"\x")))

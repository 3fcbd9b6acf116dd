"""封印: whether the tree that was sealed is that of the leaves, and what the senders carry is of it."""

import hashlib
from base64 import b64decode
from collections.abc import Iterator

from .evidence import Evidence
from .findings import Finding
from .tables import Row


def places_are_leaves(evidence: Evidence) -> Iterator[Finding]:
    """Places are one after another; at each stands one leaf, and no leaf stands twice."""
    entries = {int(row["entry_id"]) for row in evidence.tables["ledger"]}
    for log, runs in _runs(evidence).items():
        end, placed = 0, set[int]()
        for position, first, after in runs:
            if (
                position != end
                or placed & set(range(first, after))
                or not entries >= set(range(first, after))
            ):
                yield Finding("sealed_otherwise", f"place {position} of log {log}")
            placed |= set(range(first, after))
            end = position + after - first


def checkpoints_are_of_the_leaves(evidence: Evidence) -> Iterator[Finding]:
    """Each checkpoint says the root of the leaves that stand below its size."""
    for log, roots in _roots(evidence).items():
        for row in evidence.tables.get("ledger_checkpoint", []):
            if row["log_id"] == log and _told(row["note"]) != (int(row["size"]), roots.get(int(row["size"]))):
                yield Finding("sealed_otherwise", f"size {row['size']} of log {log}")


def carried_is_sealed(evidence: Evidence) -> Iterator[Finding]:
    """What a sender carries is of the tree: nothing that it was shown was taken back."""
    known = {_told(row["note"]) for row in evidence.tables.get("ledger_checkpoint", [])}
    for sender, note in evidence.carried:
        if _told(note) not in known:
            yield Finding("carried_not_sealed", f"size {_told(note)[0]} of {sender}")


def _told(note: str) -> tuple[int, bytes | None]:
    _origin, size, root = note.split("\n")[:3]
    return int(size), b64decode(root)


def _runs(evidence: Evidence) -> dict[str, list[tuple[int, int, int]]]:
    logs: dict[str, list[tuple[int, int, int]]] = {}
    for row in evidence.tables.get("ledger_run", []):
        first, after = row["entries"].strip("[)").split(",")
        logs.setdefault(row["log_id"], []).append((int(row["position"]), int(first), int(after)))
    return {log: sorted(runs) for log, runs in logs.items()}


def _roots(evidence: Evidence) -> dict[str, dict[int, bytes]]:
    """The root of every size of every log, as the leaves have it."""
    leaves = {int(row["entry_id"]): _hash(row) for row in evidence.tables["ledger"]}
    logs: dict[str, dict[int, bytes]] = {}
    for log, runs in _runs(evidence).items():
        # Subtrees from the left, each with its height; equal neighbours become one.
        peaks: list[tuple[int, bytes]] = []
        roots = logs[log] = {}
        for place, entry in enumerate(entry for _, first, after in runs for entry in range(first, after)):
            peaks.append((0, leaves.get(entry, b"")))
            while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
                (height, left), (_, right) = peaks[-2:]
                peaks[-2:] = [(height + 1, hashlib.sha256(b"\x01" + left + right).digest())]
            top = peaks[-1][1]
            for _, left in reversed(peaks[:-1]):
                top = hashlib.sha256(b"\x01" + left + top).digest()
            roots[place + 1] = top
    return logs


def _hash(row: Row) -> bytes:
    return bytes.fromhex(row["hash"].removeprefix(r"\x"))

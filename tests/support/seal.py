"""A ledger to seal: its key, a sealer in its own role, leaves, and what stands in the tables."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jukinet_daemon.ledger.checkpoint import LedgerKey, Verifier, open_checkpoint, origin_of
from jukinet_daemon.ledger.leaf import leaf_of, new_salt
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.service.seal import LogName, Sealer
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.store.seal import SealStore

from .merkle import root_of
from .world import TRUST_DOMAIN

KEY = LedgerKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NAME = LogName(TRUST_DOMAIN, "juki", (KEY.public,))
ADD_LEAF = "INSERT INTO ledger (hash, salt, payload) VALUES ($1, $2, $3) RETURNING entry_id"
PLACES = """
SELECT r.position + n AS position, lower(r.entries) + n AS entry_id, l.hash
FROM ledger_run AS r
CROSS JOIN generate_series(0, upper(r.entries) - lower(r.entries) - 1) AS n
LEFT JOIN ledger AS l ON l.entry_id = lower(r.entries) + n
WHERE r.log_id = $1 ORDER BY position
"""
_leaves = count(1)


def ours(register: str) -> Verifier:
    """What opens the checkpoints of a register's ledger."""
    return Verifier(origin_of(TRUST_DOMAIN, register, 1), KEY.public)


OURS = ours("juki")


def ledger_sections(folder: Path, **seal: Any) -> dict[str, Any]:
    """The sections of a configuration that seals its ledger."""
    path = folder / "ledger.pem"
    path.touch(mode=0o600)
    path.write_bytes(KEY.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {
        "ledger": {"keys": [b64encode(KEY.public).decode()]},
        "seal": {"key": path, "interval_seconds": 0.1} | seal,
    }


def sealing_sections(folder: Path) -> str:
    """The same as text."""
    sections = ledger_sections(folder)
    (public,), path = sections["ledger"]["keys"], sections["seal"]["key"]
    return f'[ledger]\nkeys = ["{public}"]\n[seal]\nkey = "{path}"\ninterval_seconds = 0.1\n'


async def add_leaf(connection: asyncpg.Connection) -> int:
    """Writes one more leaf; gives its entry."""
    leaf = leaf_of(f'{{"event":"test","n":{next(_leaves)}}}', new_salt())
    entry: int = await connection.fetchval(ADD_LEAF, leaf.hash, leaf.salt, leaf.payload)
    return entry


@asynccontextmanager
async def sealer(dsn: str, name: LogName = NAME, key: LedgerKey = KEY) -> AsyncIterator[Sealer]:
    database = await open_database(dsn, name.register, "jukinet_seal", size=1)
    try:
        yield Sealer(SealStore(database), name, key)
    finally:
        await database.close()


@dataclass(frozen=True)
class Kept:
    """What the tables say of a log: entries by place, checkpoints, gaps, leaves without a place."""

    entries: list[int]
    checkpoints: list[Tree]
    gaps: list[tuple[int, int]]
    unplaced: list[int]


async def kept(owner: asyncpg.Connection, number: int = 1) -> Kept:
    """Reads the tables at one moment; every checkpoint must open and be of the leaves that stand there."""
    async with owner.transaction(isolation="repeatable_read", readonly=True):
        return await _kept(owner, number)


async def _kept(owner: asyncpg.Connection, number: int) -> Kept:
    places = await owner.fetch(PLACES, number)
    assert [row["position"] for row in places] == list(range(len(places)))
    hashes, entries = [row["hash"] for row in places], [row["entry_id"] for row in places]
    assert len(set(entries)) == len(entries)
    assert None not in hashes
    rows = await owner.fetch(
        "SELECT size, grew_from, note FROM ledger_checkpoint WHERE log_id = $1 ORDER BY size", number
    )
    assert [row["grew_from"] for row in rows] == [0, *(row["size"] for row in rows)][: len(rows)]
    trees = [open_checkpoint(row["note"], NAME.verifiers(number)) for row in rows]
    assert trees == [Tree(row["size"], root_of(hashes[: row["size"]])) for row in rows]
    assert (trees[-1].size if trees else 0) == len(places)
    gaps = await owner.fetch(
        "SELECT lower(entries), upper(entries) FROM ledger_gap WHERE log_id = $1", number
    )
    every = await owner.fetch("SELECT entry_id FROM ledger ORDER BY entry_id")
    unplaced = sorted({row["entry_id"] for row in every} - set(entries))
    return Kept(entries, trees, sorted(tuple(row) for row in gaps), unplaced)

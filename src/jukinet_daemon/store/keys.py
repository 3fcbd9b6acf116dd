"""鍵の更新の保存: reads what stands under which key version, and puts rows under the current one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
from pydantic import BaseModel, ConfigDict, ValidationError

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.faults import StoreFault, store_faults
from jukinet_daemon.store.pool import WHOLE_TABLE_S, Connection, Database
from jukinet_daemon.store.sealed import SEALED, SealedTable, columns_of
from jukinet_daemon.store.vouch import vouched
from jukinet_daemon.vault.fields import VERSION_BYTES, Vault

LOCK_TIMEOUT_S = 5.0


class _Ring(BaseModel):
    model_config = ConfigDict(strict=True)

    current: int
    versions: frozenset[int]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that lives and has a key ring, and what it said of it: current version, all versions."""

    name: str
    current: int
    versions: frozenset[int]


def ring_told(name: str, keys: str | None) -> Process | None:
    """What a process said of its key ring (JSON); None where it has none, which it says by `{}`.

    One that said nothing of keys, or what is nothing of ours, knows none of them: it is waited for by name.
    """
    if keys == "{}":
        return None
    try:
        ring = _Ring.model_validate_json(keys or "")
    except ValidationError:
        return Process(name, 0, frozenset())
    return Process(name, ring.current, ring.versions)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows found under other versions, with their values under the current one; `after` is the last key."""

    table: SealedTable
    rows: list[list[Any]]
    after: tuple[Any, ...]

    @property
    def values(self) -> int:
        """How many sealed values the rows have."""
        fresh = len(self.table.columns)
        return sum(value is not None for row in self.rows for value in row[-fresh:])


class KeyStore:
    """The database behind key rotation, in the role jukinet_keys, on a connection of its own."""

    def __init__(self, connection: Connection, queries: Mapping[str, str], register: str) -> None:
        self._connection = connection
        self._queries = queries
        self.tables = SEALED[register]

    @classmethod
    async def open(cls, database: Database, register: str) -> "KeyStore":
        """Opens the connection. Raises StoreFault."""
        return cls(await database.connect(), database.queries, register)

    async def close(self) -> None:
        """Closes the connection, and its lock goes with it."""
        with suppress(StoreFault), store_faults():
            await self._connection.close(timeout=LOCK_TIMEOUT_S)

    async def lock(self) -> bool:
        """Makes this the only rotation; False while another one runs. Raises StoreFault."""
        with store_faults():
            locked: bool = await self._connection.fetchval(self._queries["lock_keys"])
        return locked

    async def processes(self, silent_s: float) -> list[Process]:
        """The processes that live and have a key ring. One that says nothing of keys knows none of them.

        Raises StoreFault.
        """
        with store_faults():
            found = await self._connection.fetch(self._queries["living_processes"], silent_s)
        told = (ring_told(row["process"], row["keys"]) for row in found)
        return [process for process in told if process is not None]

    async def versions(self) -> dict[str, Counter[int]]:
        """How many values each table has under each key version, by looking at all. Raises StoreFault."""
        counted: dict[str, Counter[int]] = {}
        for table in self.tables:
            with store_faults():
                query = self._queries[f"count_sealed_{table.name}"]
                rows = await self._connection.fetch(query, timeout=WHOLE_TABLE_S)
            counted[table.name] = Counter({row["version"]: row["sealed"] for row in rows})
        return counted

    async def stale(
        self, table: SealedTable, after: tuple[Any, ...], limit: int, vault: Vault
    ) -> Batch | None:
        """The next rows after a key that stand under another version; None at the end.

        Raises StoreFault, and VaultFault for a value that does not open.
        """
        current = vault.ring.current.to_bytes(VERSION_BYTES, "big")
        query = self._queries[f"find_stale_{table.name}"]
        with store_faults():
            found: list[asyncpg.Record] = await self._connection.fetch(
                query, *after, current, limit, timeout=WHOLE_TABLE_S
            )
        rows = [dict(row) for row in found]
        resealed = [table.resealed(row, vault) for row in rows]
        return Batch(table, resealed, table.key_of(rows[-1])) if rows else None

    async def reseal(self, batch: Batch, leaf: Leaf) -> None:
        """Puts rows under the current version, with the evidence, in one transaction. Raises StoreFault."""
        query = self._queries[f"reseal_{batch.table.name}"]
        with store_faults(), vouched(self._connection):
            async with self._connection.transaction():
                await self._connection.execute(query, *columns_of(batch.rows))
                await self._add(leaf)

    async def without_summary(self, limit: int) -> list[tuple[int, bytes]]:
        """Parcels that have no summary, as they are sealed. Raises StoreFault."""
        with store_faults():
            rows = await self._connection.fetch(self._queries["find_without_summary"], limit)
        return [(row["parcel_id"], row["sealed"]) for row in rows]

    async def enter(self, summaries: Iterable[tuple[Any, ...]], leaf: Leaf) -> None:
        """Gives parcels (number, fingerprint, ids, kinds) their summary, and evidence. Raises StoreFault."""
        with store_faults():
            async with self._connection.transaction():
                await self._connection.executemany(self._queries["enter_summary"], summaries)
                await self._add(leaf)

    async def record(self, leaf: Leaf) -> None:
        """Writes down a step, durably, before it is taken. Raises StoreFault."""
        with store_faults(), vouched(self._connection):
            await self._add(leaf)

    async def end(self, version: int, leaf: Leaf) -> bool:
        """Lets nothing be sealed under a version any more, with the evidence; False while it cannot be done.

        It waits until what is being committed has ended, and whoever commits waits for it meanwhile. Raises
        StoreFault.
        """
        with store_faults(), vouched(self._connection):
            try:
                async with self._connection.transaction():
                    await self._connection.execute(self._queries["end_key"], version)
                    await self._add(leaf)
            except asyncpg.LockNotAvailableError:
                return False
        return True

    async def _add(self, leaf: Leaf) -> None:
        await self._connection.execute(self._queries["add_leaf"], leaf.hash, leaf.salt, leaf.payload)

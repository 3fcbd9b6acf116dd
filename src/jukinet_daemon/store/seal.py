"""封印の保存: one round of the sealer as one transaction: what it finds, what it adds."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from jukinet_daemon.ledger.places import Gap, Run
from jukinet_daemon.ledger.tree import Frontier, Node
from jukinet_daemon.store.faults import store_faults
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.vouch import vouched


@dataclass(frozen=True, slots=True)
class Log:
    """One log of the ledger: its number and the origin that its checkpoints name."""

    number: int
    origin: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """How far a log is sealed: its right edge, the checkpoint, the highest entry that has a place."""

    edge: Frontier
    note: str
    seen: int


@dataclass(frozen=True, slots=True)
class Found:
    """Leaves without a place, by entry: those that came late into a gap, and those above all others."""

    late: Sequence[tuple[int, bytes]] = field(repr=False)
    new: Sequence[tuple[int, bytes]] = field(repr=False)

    @property
    def hashes(self) -> list[bytes]:
        """The hashes, in the order of their places."""
        return [leaf for _, leaf in (*self.late, *self.new)]

    @property
    def entries(self) -> list[int]:
        """The entries, in the order of their places."""
        return [entry for entry, _ in (*self.late, *self.new)]


@dataclass(frozen=True, slots=True)
class Growth:
    """What a round adds: runs, subtrees, gaps that went and came, and the checkpoint over it all."""

    runs: Sequence[Run]
    nodes: Mapping[Node, bytes] = field(repr=False)
    closed: Collection[Gap]
    opened: Collection[Gap]
    grew_from: int
    sealed: Sealed


class SealRound:
    """One transaction of the sealer. Without `mine` another one is at work."""

    def __init__(self, connection: Any, queries: Mapping[str, str], *, mine: bool) -> None:
        self._connection = connection
        self._queries = queries
        self.mine = mine

    async def log(self) -> Log | None:
        """The log that grows."""
        row = await self._row("current_log")
        return Log(row["log_id"], row["origin"]) if row else None

    async def begin(self, log: Log) -> None:
        """Begins a log."""
        await self._run("begin_log", log.number, log.origin)

    async def sealed(self, log: Log) -> Sealed | None:
        """How far a log is sealed."""
        row = await self._row("newest_checkpoint", log.number)
        return Sealed(Frontier(row["size"], tuple(row["peaks"])), row["note"], row["seen"]) if row else None

    async def conflicts(self, log: Log) -> int:
        """How many checkpoints witnesses hold that are not of this log."""
        return len(await self._rows("find_conflicts", log.number))

    async def gaps(self, log: Log) -> set[Gap]:
        """The numbers that were passed over."""
        return {Gap(row["first"], row["after"]) for row in await self._rows("find_ledger_gaps", log.number)}

    async def found(self, log: Log, seen: int, most: int) -> Found:
        """Leaves without a place, so many of each kind at most."""
        late = await self._rows("find_late_leaves", log.number, most)
        new = await self._rows("find_new_leaves", seen, most)
        return Found(*([(row["entry_id"], row["hash"]) for row in rows] for rows in (late, new)))

    async def store(self, log: Log, growth: Growth) -> None:
        """Adds what a round found, and the checkpoint over it."""
        runs, nodes, sealed = growth.runs, list(growth.nodes.items()), growth.sealed
        places = ([r.position for r in runs], [r.first for r in runs], [r.length for r in runs])
        await self._run("store_runs", log.number, *places)
        if growth.closed:
            await self._run("clear_ledger_gaps", log.number, *_columns(growth.closed))
        if growth.opened:
            await self._run("store_ledger_gaps", log.number, *_columns(growth.opened))
        if nodes:
            levels, indexes = [node[0] for node, _ in nodes], [node[1] for node, _ in nodes]
            await self._run("store_nodes", log.number, levels, indexes, [top for _, top in nodes])
        edge = sealed.edge
        await self._run(
            "store_checkpoint",
            *(log.number, edge.size, growth.grew_from, sealed.note, list(edge.peaks), sealed.seen),
        )

    async def _row(self, name: str, *values: object) -> Any:
        return await self._connection.fetchrow(self._queries[name], *values)

    async def _rows(self, name: str, *values: object) -> Any:
        return await self._connection.fetch(self._queries[name], *values)

    async def _run(self, name: str, *values: object) -> None:
        await self._connection.execute(self._queries[name], *values)


def _columns(gaps: Collection[Gap]) -> tuple[list[int], list[int]]:
    return [gap.first for gap in gaps], [gap.after for gap in gaps]


class SealStore:
    """The ledger of one register, in the role jukinet_seal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def round(self) -> AsyncIterator[SealRound]:
        """A round; what it adds is durable when it ends well. Raises StoreFault."""
        queries = self._database.queries
        with store_faults():
            async with self._database.pool.acquire() as connection:
                with vouched(connection):
                    async with connection.transaction():
                        mine = await connection.fetchval(queries["lock_seal"])
                        yield SealRound(connection, queries, mine=mine)

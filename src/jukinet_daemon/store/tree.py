"""木の保存: the checkpoints and hashes that stand in the tables, read by whoever makes or checks proofs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jukinet_daemon.ledger.kept import known_from, rows_below
from jukinet_daemon.ledger.tree import Node, Span, hashes_of, nodes_of
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.seal import Log


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest checkpoint of the log that grows."""

    log: Log
    size: int
    note: str


class TreeStore:
    """The tree of one register's ledger."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def log(self) -> Log | None:
        """The log that grows. Raises StoreFault."""
        rows = await self.database.fetch("current_log")
        return Log(rows[0]["log_id"], rows[0]["origin"]) if rows else None

    async def newest(self) -> Newest | None:
        """Its newest checkpoint. Raises StoreFault."""
        log = await self.log()
        rows = await self.database.fetch("newest_checkpoint", log.number) if log else ()
        return Newest(log, rows[0]["size"], rows[0]["note"]) if log and rows else None

    async def checkpoint(self, log: Log, size: int) -> str | None:
        """The checkpoint of one size, if there ever was one. Raises StoreFault."""
        rows = await self.database.fetch("find_checkpoint", log.number, size)
        return rows[0]["note"] if rows else None

    async def hashes(self, log: Log, paths: Sequence[Iterable[Span]]) -> list[list[bytes]]:
        """The hashes of paths through the tree. Raises StoreFault."""
        nodes = [node for path in paths for span in path for node in nodes_of(span)]
        known = await self._known(log, nodes)
        return [hashes_of(path, known) for path in paths]

    async def _known(self, log: Log, nodes: list[Node]) -> dict[Node, bytes]:
        rows = rows_below(nodes)
        kept: dict[Node, bytes] = {}
        if leaves := [row for row in rows if not row.level]:
            stretches = ([row.first for row in leaves], [row.last for row in leaves])
            for found in await self.database.fetch("find_placed", log.number, *stretches):
                kept[0, found["position"]] = found["hash"]
        if above := [row for row in rows if row.level]:
            places = ([row.level for row in above], [row.first for row in above], [row.last for row in above])
            for found in await self.database.fetch("find_nodes", log.number, *places):
                kept[found["level"], found["index"]] = found["hash"]
        try:
            return known_from(kept, nodes)
        except KeyError:
            raise StoreFault("a hash of the tree is missing: jukinetctl ledger verify") from None

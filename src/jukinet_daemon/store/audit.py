"""証跡の検査の読み取り: the tables of a log as steps, and one receipt with its proof. Writes nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta

from jukinet_daemon.ledger.audit import PlacedLeaf, Rest, Step
from jukinet_daemon.ledger.kept import KEPT_EVERY
from jukinet_daemon.ledger.places import Gap
from jukinet_daemon.ledger.receipt import LeafProof
from jukinet_daemon.ledger.tree import Frontier, Node, inclusion_path
from jukinet_daemon.store.seal import Log
from jukinet_daemon.store.tree import TreeStore
from jukinet_daemon.wire.envelope import from_base64url
from jukinet_daemon.wire.reply import leaf_in

MOST_STEPS = 500
# The clocks of daemon and database may differ by less than this.
SLACK = timedelta(minutes=10)


class AuditStore(TreeStore):
    """The ledger of one register, in the role jukinet_audit."""

    async def steps(self, log: Log) -> AsyncIterator[Step]:
        """The checkpoints of a log in order, each with what it added. Raises StoreFault."""
        size = 0
        while rows := await self.database.fetch("audit_checkpoints", log.number, size, MOST_STEPS):
            leaves = await self._leaves(log, size, rows[-1]["size"])
            nodes = await self._nodes(log, size, rows[-1]["size"])
            for row in rows:
                after = row["size"]
                yield Step(
                    size=after,
                    grew_from=row["grew_from"],
                    note=row["note"],
                    edge=Frontier(after, tuple(row["peaks"])),
                    seen=row["seen"],
                    leaves=[leaf for leaf in leaves if size <= leaf.position < after],
                    nodes={node: top for node, top in nodes.items() if size < _end(node) <= after},
                )
                size = after

    async def rest(self, log: Log, size: int, seen: int) -> Rest:
        """What stands beside the steps. Raises StoreFault."""
        row = (await self.database.look("audit_rest", log.number, size, seen))[0]
        gaps = await self.database.fetch("find_ledger_gaps", log.number)
        holes = await self.database.look("audit_holes", log.number)
        return Rest(
            places_left=row["places_left"],
            nodes=row["nodes"],
            gaps=frozenset(Gap(gap["first"], gap["after"]) for gap in gaps),
            holes=frozenset(Gap(hole["first"], hole["after"]) for hole in holes),
            below=row["below"],
            late=row["late"],
            above=row["above"],
        )

    async def witnesses(self, log: Log) -> list[tuple[str, str]]:
        """Who returned which checkpoint. Raises StoreFault."""
        rows = await self.database.fetch("all_witnesses", log.number)
        return [(row["sender"], row["note"]) for row in rows]

    async def prove(self, notice_id: str) -> LeafProof | None:
        """The first answer to a notice, proved against the newest checkpoint; None if it is not sealed.

        Raises StoreFault.
        """
        newest, known = await self.newest(), await self.database.fetch("find_receipt", notice_id)
        named = leaf_in(known[0]["answer"]) if known else None
        if newest is None or named is None:
            return None
        leaf = from_base64url(named)
        since = known[0]["received_at"]
        found = await self.database.fetch("find_leaf", leaf, since - SLACK if since else None)
        places = (
            await self.database.fetch("find_place", newest.log.number, found[0]["entry_id"]) if found else ()
        )
        if not places or (position := places[0]["position"]) >= newest.size:
            return None
        (proof,) = await self.hashes(newest.log, [inclusion_path(position, newest.size)])
        return LeafProof(found[0]["salt"], found[0]["payload"], position, tuple(proof), newest.note)

    async def _leaves(self, log: Log, begin: int, end: int) -> list[PlacedLeaf]:
        rows = await self.database.fetch("audit_leaves", log.number, begin, end)
        return [
            PlacedLeaf(row["position"], row["entry_id"], row["hash"], row["salt"], row["payload"])
            for row in rows
        ]

    async def _nodes(self, log: Log, begin: int, end: int) -> dict[Node, bytes]:
        levels = list(range(KEPT_EVERY, end.bit_length(), KEPT_EVERY))
        first, last = [begin >> level for level in levels], [(end >> level) - 1 for level in levels]
        rows = await self.database.fetch("find_nodes", log.number, levels, first, last)
        return {(row["level"], row["index"]): row["hash"] for row in rows}


def _end(node: Node) -> int:
    """The first place after the leaves of a node."""
    level, index = node
    return (index + 1) << level

"""証人の保存: which checkpoint each municipality returned last, and those that are not of this log."""

from dataclasses import dataclass

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.seal import Log
from jukinet_daemon.store.tree import TreeStore
from jukinet_daemon.store.vouch import vouched_call


@dataclass(frozen=True, slots=True)
class Returned:
    """A checkpoint as a municipality returned it, under its signature on a parcel."""

    sender: str
    size: int
    note: str
    parcel_digest: str


class WitnessStore(TreeStore):
    """The witnesses of one register, in the role jukinet_watch."""

    async def held(self, log: Log) -> dict[str, int]:
        """The checkpoints that municipalities are known to hold, with their sizes. Raises StoreFault."""
        rows = await self.database.fetch("find_witnesses", log.number)
        return {row["note"]: row["size"] for row in rows}

    async def witness(self, log: Log, returned: Returned) -> None:
        """Keeps what a municipality returned, if it is newer than before. Raises StoreFault."""
        fields = (returned.sender, log.number, returned.size, returned.note, returned.parcel_digest)
        await vouched_call(self.database, "store_witness", *fields)

    async def conflict(self, log: Log, returned: Returned, leaf: Leaf) -> bool:
        """Keeps a checkpoint that the log does not have, with its evidence; gives whether it is new.

        Raises StoreFault.
        """
        fields = (log.number, returned.sender, returned.size, returned.note, returned.parcel_digest)
        known = await vouched_call(
            self.database, "store_conflict", *fields, leaf.hash, leaf.salt, leaf.payload
        )
        return known is not None

    async def doubted(self, log: Log) -> bool:
        """Whether somebody holds a checkpoint that the log does not have. Raises StoreFault."""
        return bool(await self.database.fetch("find_conflicts", log.number))

    async def settle(self) -> None:
        """Commits durably: what was read before can then not be lost any more. Raises StoreFault."""
        await vouched_call(self.database, "pulse_write")

"""保守の保存: until when no new work is taken; it outlives a restart."""

from dataclasses import dataclass
from datetime import datetime

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.pool import Database


@dataclass(frozen=True, slots=True)
class Maintenance:
    """New work is refused until a time; the reason is told to whoever comes."""

    until: datetime
    reason: str
    operator: str


class MaintenanceStore:
    """The one maintenance of a register."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> Maintenance | None:
        """What is on now, by the database's clock. Raises StoreFault."""
        rows = await self._database.fetch("maintenance_now")
        return Maintenance(rows[0]["until"], rows[0]["reason"], rows[0]["operator"]) if rows else None

    async def begin(self, planned: Maintenance, leaf: Leaf) -> None:
        """Begins or changes it, with its evidence. Raises StoreFault."""
        fields = (planned.until, planned.reason, planned.operator)
        await self._database.fetch("begin_maintenance", *fields, leaf.hash, leaf.salt, leaf.payload)

    async def end(self, leaf: Leaf) -> None:
        """Ends it, with its evidence. Raises StoreFault."""
        await self._database.fetch("end_maintenance", leaf.hash, leaf.salt, leaf.payload)

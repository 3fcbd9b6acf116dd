"""記録列の保存: a new log begins, with its evidence."""

from typing import Any

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.seal import Log
from jukinet_daemon.store.tree import TreeStore
from jukinet_daemon.store.vouch import vouched_call


class LogStore(TreeStore):
    """The logs of one register, in the role jukinet_control."""

    async def conflicts(self, log: Log) -> list[dict[str, Any]]:
        """Who holds a checkpoint that the log does not have. Raises StoreFault."""
        rows = await self.database.fetch("find_conflicts", log.number)
        return [{"sender": row["sender"], "size": row["size"], "checkpoint": row["note"]} for row in rows]

    async def restart(self, log: Log, leaf: Leaf) -> None:
        """Begins a log. Raises StoreFault, also when another was begun meanwhile."""
        await vouched_call(
            self.database, "restart_log", log.number, log.origin, leaf.hash, leaf.salt, leaf.payload
        )

"""送りの保存: what waits for the national server, and its receipts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg

from jukinet_daemon.domain.record import Record
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store import rows
from jukinet_daemon.store.faults import store_faults
from jukinet_daemon.store.pool import Database
from jukinet_daemon.vault.fields import Vault


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record waiting to be relayed."""

    outbox_id: int
    record: Record


@dataclass(frozen=True, slots=True)
class Closed:
    """What a receipt says of one record: taken, or refused with a code."""

    outbox_id: int
    refused: str | None


class Outbox:
    """The database behind the relay: a connection of its own, with the lock that makes it the only one."""

    def __init__(
        self, connection: "asyncpg.pool.PoolConnectionProxy", database: Database, vault: Vault
    ) -> None:
        self._connection = connection
        self._database = database
        self._vault = vault
        self._wake: Callable[..., None] | None = None

    @classmethod
    async def open(cls, database: Database, vault: Vault) -> "Outbox | None":
        """Takes the relay's lock; gives None while another process holds it. Raises StoreFault."""
        with store_faults():
            connection = await database.pool.acquire()
            if await connection.fetchval(database.queries["lock_relay"]):
                return cls(connection, database, vault)
            await database.pool.release(connection)
            return None

    async def close(self) -> None:
        """Gives the connection and its lock back."""
        if self._wake:
            await self._connection.remove_listener("outbox", self._wake)
        await self._database.pool.release(self._connection)

    async def number(self) -> int:
        """The running number of the next parcel. Raises StoreFault."""
        with store_faults():
            number: int = await self._connection.fetchval(self._database.queries["take_relay_number"])
        return number

    async def waiting(self, limit: int) -> list[Outgoing]:
        """The oldest records that no receipt covers, in an order that is right for every person."""
        with store_faults():
            found = await self._connection.fetch(self._database.queries["find_outgoing"], limit)
        return [Outgoing(row["outbox_id"], rows.record_of(row, self._vault)) for row in found]

    async def close_with(self, digest: str, signed: str, closed: Sequence[Closed], leaf: Leaf) -> None:
        """Stores a receipt, what it closes, and the evidence of it, in one transaction. Raises StoreFault."""
        queries = self._database.queries
        with store_faults():
            async with self._connection.transaction():
                receipt_id = await self._connection.fetchval(queries["store_receipt"], digest, signed)
                await self._connection.execute(
                    queries["close_outbox"],
                    receipt_id,
                    [item.outbox_id for item in closed],
                    [item.refused for item in closed],
                )
                await self._connection.execute(queries["add_leaf"], leaf.hash, leaf.salt, leaf.payload)

    async def listen(self, wake: Callable[[], None]) -> None:
        """Calls `wake` whenever a batch was committed. Raises StoreFault."""
        with store_faults():
            self._wake = lambda *_: wake()
            await self._connection.add_listener("outbox", self._wake)

"""送りの保存: what waits for the national server, and its receipts."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from jukinet_daemon.domain.record import Record
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store import rows
from jukinet_daemon.store.faults import StoreFault, store_faults
from jukinet_daemon.store.pool import Connection, Database
from jukinet_daemon.store.vouch import vouched
from jukinet_daemon.vault.fields import Vault, VaultFault

CLOSE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record waiting to be relayed."""

    outbox_id: int
    record: Record


@dataclass(frozen=True, slots=True)
class Closed:
    """What a receipt says of one record: taken or refused with a code, and on which day."""

    outbox_id: int
    refused: str | None
    received_on: date


class Outbox:
    """The database behind the relay: a connection of its own, with the lock that makes it the only one."""

    def __init__(self, connection: Connection, queries: Mapping[str, str], vault: Vault) -> None:
        self._connection = connection
        self._queries = queries
        self._vault = vault

    @classmethod
    async def open(cls, database: Database, vault: Vault) -> "Outbox | None":
        """Takes the relay's lock; gives None while another process holds it. Raises StoreFault."""
        outbox = cls(await database.connect(), database.queries, vault)
        locked = False
        try:
            with store_faults():
                locked = await outbox._connection.fetchval(database.queries["lock_relay"])
        finally:
            if not locked:
                await outbox.close()
        return outbox if locked else None

    async def close(self) -> None:
        """Closes the connection, and its lock goes with it; one that was lost took its lock along."""
        with suppress(StoreFault), store_faults():
            await self._connection.close(timeout=CLOSE_TIMEOUT_S)

    async def number(self) -> int:
        """The running number of the next parcel. Raises StoreFault."""
        with store_faults():
            number: int = await self._connection.fetchval(self._queries["take_relay_number"])
        return number

    async def waiting(self, limit: int) -> list[Outgoing]:
        """The oldest records that no receipt covers, in an order that is right for every person.

        Raises StoreFault, also for a record whose sealed values do not open.
        """
        with store_faults():
            found = await self._connection.fetch(self._queries["find_outgoing"], limit)
        try:
            return [Outgoing(row["outbox_id"], rows.record_of(row, self._vault)) for row in found]
        except VaultFault as fault:
            raise StoreFault(f"a record that waits cannot be opened: {fault}") from None

    async def origins(self, outgoing: Sequence[Outgoing]) -> list[str]:
        """The digests of the parcels in which records that wait came. Raises StoreFault."""
        with store_faults():
            found = await self._connection.fetch(
                self._queries["find_origins"], [item.outbox_id for item in outgoing]
            )
        return [row["digest"] for row in found]

    async def announce(self, leaf: Leaf) -> None:
        """Writes, durably, that a parcel is about to be sent. Raises StoreFault.

        What was found waiting may have been committed asynchronously, its batch not yet flushed. This commit
        is synchronous and stands after it in the log: once it returns, no crash can take back what is sent.
        """
        with store_faults(), vouched(self._connection):
            await self._connection.execute(self._queries["add_leaf"], leaf.hash, leaf.salt, leaf.payload)

    async def close_with(self, digest: str, signed: str, closed: Sequence[Closed], leaf: Leaf) -> None:
        """Stores a receipt, what it closes, and the evidence of it, in one transaction. Raises StoreFault."""
        queries = self._queries
        with store_faults(), vouched(self._connection):
            async with self._connection.transaction():
                receipt_id = await self._connection.fetchval(queries["store_receipt"], digest, signed)
                await self._connection.execute(
                    queries["close_outbox"],
                    receipt_id,
                    [item.outbox_id for item in closed],
                    [item.refused for item in closed],
                    [item.received_on for item in closed],
                )
                await self._connection.execute(queries["add_leaf"], leaf.hash, leaf.salt, leaf.payload)

    async def listen(self, wake: Callable[[], None]) -> None:
        """Calls `wake` whenever a batch was committed. Raises StoreFault."""
        with store_faults():
            await self._connection.add_listener("outbox", lambda *_: wake())

"""日次照合の保存: what was received on a day, and what both sides counted of it."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.faults import store_faults
from jukinet_daemon.store.pool import Database

# Parcels held in memory together: sixteen megabytes at most.
_TOGETHER = 8


@dataclass(frozen=True, slots=True)
class KeptParcel:
    """A parcel as it is kept."""

    parcel_id: int
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """The newest comparison with a peer of a day: the counts of both sides by kind, and what differs."""

    peer: str
    day: date
    theirs: dict[str, Any]
    ours: dict[str, Any]
    differing: tuple[str, ...]


class Comparisons:
    """Reads a day and keeps what was compared."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def parcels(self, sender: str, begin: datetime, end: datetime) -> AsyncIterator[list[KeptParcel]]:
        """The parcels of a sender that came in a time, some at once. Raises StoreFault."""
        after, last = begin, -1
        while True:
            rows = await self._database.fetch("parcels_of_day", sender, begin, end, after, last, _TOGETHER)
            if not rows:
                return
            yield [KeptParcel(row["parcel_id"], row["sealed"]) for row in rows]
            after, last = rows[-1]["received_at"], rows[-1]["parcel_id"]

    async def first_answers(
        self, sender: str, notice_ids: Sequence[str], parcels: Sequence[int]
    ) -> dict[tuple[int, str], str]:
        """The outcomes of notices whose first answer was given in one of these parcels. Raises StoreFault."""
        rows = await self._database.fetch("first_answers", notice_ids, sender, parcels)
        return {(row["parcel_id"], row["notice_id"]): row["outcome"] for row in rows}

    async def relayed(self, day: date) -> dict[str, tuple[int, int, int]]:
        """Of each kind how many records the national server took, held (none), refused. Raises StoreFault."""
        rows = await self._database.fetch("relayed_of_day", day)
        return {row["change"]: (row["accepted"], 0, row["refused"]) for row in rows}

    async def compared_with(self, peer: str, since: date) -> dict[date, bool]:
        """The days compared with a peer, and whether each differs. Raises StoreFault."""
        rows = await self._database.fetch("compared_with", peer, since)
        return {row["day"]: row["differs"] for row in rows}

    async def store(self, compared: Compared, signed: str, leaf: Leaf) -> None:
        """Keeps a comparison with its evidence, in one transaction. Raises StoreFault."""
        queries = self._database.queries
        with store_faults():
            async with self._database.pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    queries["store_comparison"],
                    compared.peer,
                    compared.day,
                    signed,
                    json.dumps(compared.theirs),
                    json.dumps(compared.ours),
                    compared.differing,
                )
                await connection.execute(queries["add_leaf"], leaf.hash, leaf.salt, leaf.payload)

    async def since(self, day: date) -> list[Compared]:
        """The newest comparison of each peer and day. Raises StoreFault."""
        return [
            Compared(
                row["peer"],
                row["day"],
                json.loads(row["theirs"]),
                json.loads(row["ours"]),
                tuple(row["differing"]),
            )
            for row in await self._database.fetch("find_comparisons", day)
        ]

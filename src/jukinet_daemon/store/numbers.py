"""電文番号の保存: which numbers came, which are missing, which came twice."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from jukinet_daemon.domain.numbering import LONGEST_LEAP, Gap, Numbering
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.faults import store_faults
from jukinet_daemon.store.pool import Database, PooledConnection

# What one look reads of a sender, or of a gap, at most; the rest is found by the next look.
MOST_NUMBERS = 2000


@dataclass(frozen=True, slots=True)
class Seen:
    """A parcel by its number."""

    sender: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A parcel as it is kept under its number.

    `same` says whether it tells what the first of its number tells; None where an older program took one.
    """

    digest: str
    same: bool | None


@dataclass(frozen=True, slots=True)
class Reuse:
    """A number that came again with another payload, and when that was seen."""

    sender: str
    number: int
    digest: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Leap:
    """A number too far above a sender's highest to be followed."""

    sender: str
    highest: int
    number: int


class NumberLook:
    """One look at the numbers, in one transaction that no other process looks beside."""

    def __init__(self, connection: PooledConnection, queries: Mapping[str, str]) -> None:
        self._connection = connection
        self._queries = queries

    async def numberings(self) -> dict[str, Numbering]:
        """What is known of each sender's numbers."""
        gaps = _by_sender(await self._connection.fetch(self._queries["find_gaps"]))
        rows = await self._connection.fetch(self._queries["find_numberings"])
        return {row["sender"]: Numbering(row["highest"], tuple(gaps.get(row["sender"], ()))) for row in rows}

    async def came(self, highest: Mapping[str, int]) -> list[Seen]:
        """Parcels above a sender's highest number, and those in its gaps, by index."""
        senders, numbers = list(highest), list(highest.values())
        fresh = await self._connection.fetch(
            self._queries["find_new_numbers"], senders, numbers, MOST_NUMBERS, LONGEST_LEAP
        )
        late = await self._connection.fetch(self._queries["find_late_numbers"], MOST_NUMBERS)
        return [Seen(row["sender"], row["number"], row["digest"]) for row in (*fresh, *late)]

    async def leap(self, sender: str) -> Leap | None:
        """Where a sender leapt to, if it did."""
        rows = await self._connection.fetch(self._queries["find_leaps"], LONGEST_LEAP)
        return next((leap for leap in _leaps(rows) if leap.sender == sender), None)

    async def kept(self, sender: str, number: int) -> list[Kept]:
        """Every parcel that came under a number, the first one first."""
        rows = await self._connection.fetch(self._queries["find_parcels_of_number"], sender, number)
        return [Kept(row["digest"], row["same"]) for row in rows]

    async def store(self, sender: str, numbering: Numbering) -> None:
        """Keeps what is known of a sender's numbers now."""
        gaps = numbering.gaps
        await self._connection.execute(self._queries["store_numbering"], sender, numbering.highest)
        await self._connection.execute(self._queries["clear_gaps"], sender)
        await self._connection.execute(
            self._queries["store_gaps"],
            sender,
            [gap.first for gap in gaps],
            [gap.last for gap in gaps],
            [gap.found_at for gap in gaps],
        )

    async def store_reuse(self, seen: Seen, leaf: Leaf) -> bool:
        """Keeps, with its evidence, that a number was used again; gives whether that is new."""
        known = await self._connection.fetchval(
            self._queries["store_reuse"], seen.sender, seen.number, seen.digest
        )
        if known is not None:
            await self.store_leaf(leaf)
        return known is not None

    async def reused(self, sender: str, first: int, last: int) -> list[int]:
        """The numbers among those given that were used again and that nobody has looked at."""
        rows = await self._connection.fetch(self._queries["find_reuses"])
        return [row["number"] for row in rows if row["sender"] == sender and first <= row["number"] <= last]

    async def settle_reuses(self, sender: str, first: int, last: int) -> None:
        """Closes reuses of numbers."""
        await self._connection.execute(self._queries["settle_reuses"], sender, first, last)

    async def store_leaf(self, leaf: Leaf) -> None:
        """One leaf of evidence."""
        await self._connection.execute(self._queries["add_leaf"], leaf.hash, leaf.salt, leaf.payload)


class NumberStore:
    """The numbers of all senders of one register."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def look(self) -> AsyncIterator[NumberLook]:
        """A look at the numbers; what it writes is kept when it ends well. Raises StoreFault."""
        with store_faults():
            async with self._database.pool.acquire() as connection, connection.transaction():
                await connection.execute(self._database.queries["lock_numbers"])
                yield NumberLook(connection, self._database.queries)

    async def reuses(self) -> list[Reuse]:
        """Numbers used again that nobody has looked at. Raises StoreFault."""
        rows = await self._database.fetch("find_reuses")
        return [Reuse(row["sender"], row["number"], row["digest"], row["found_at"]) for row in rows]

    async def leaps(self) -> list[Leap]:
        """Numbers that leapt in the last two weeks, the lowest of each sender. Raises StoreFault."""
        return _leaps(await self._database.fetch("find_leaps", LONGEST_LEAP))

    async def unsummarised(self) -> bool:
        """Whether there are parcels without a summary. Raises StoreFault."""
        return bool((await self._database.fetch("has_unsummarised"))[0]["waits"])

    async def gaps(self) -> Mapping[str, list[Gap]]:
        """The numbers that are missing, by sender. Raises StoreFault."""
        return _by_sender(await self._database.fetch("find_gaps"))


def _leaps(rows: Iterable[asyncpg.Record]) -> list[Leap]:
    return [Leap(row["sender"], row["highest"], row["number"]) for row in rows]


def _by_sender(rows: Iterable[asyncpg.Record]) -> Mapping[str, list[Gap]]:
    gaps: dict[str, list[Gap]] = defaultdict(list)
    for row in rows:
        gaps[row["sender"]].append(Gap(row["first"], row["last"], row["found_at"]))
    return gaps


def twice(seen: Iterable[Seen]) -> list[Seen]:
    """Of parcels that came, those whose number others of another digest bear too."""
    digests: dict[tuple[str, int], set[str]] = defaultdict(set)
    found = list(seen)
    for item in found:
        digests[item.sender, item.number].add(item.digest)
    return [item for item in found if len(digests[item.sender, item.number]) > 1]

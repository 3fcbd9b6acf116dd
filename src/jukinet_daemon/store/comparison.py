"""日次照合の保存: what was received on a day, and what both sides counted of it."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.faults import StoreFault, store_faults
from jukinet_daemon.store.pool import Database
from jukinet_daemon.wire.reply import CountsMessage


@dataclass(frozen=True, slots=True)
class Compared:
    """The newest comparison with a peer of a day: the counts of both sides by kind, and what differs."""

    peer: str
    day: date
    theirs: dict[str, Any]
    ours: dict[str, Any]
    differing: tuple[str, ...]


_COUNTS = TypeAdapter(CountsMessage)


def counts_in(text: str) -> dict[str, Any]:
    """Counts as they were kept; nothing where there are none: not this process alone writes them."""
    try:
        return {kind: count.model_dump() for kind, count in _COUNTS.validate_json(text).items()}
    except ValidationError:
        return {}


class Comparisons:
    """Reads a day and keeps what was compared."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counted(self, sender: str, begin: datetime, end: datetime) -> list[tuple[str, str, int]]:
        """Kind, outcome and number of the notices that were first answered in a time. Raises StoreFault."""
        if (await self._database.fetch("day_without_summary", sender, begin, end))[0]["lacking"]:
            raise StoreFault("a parcel of that day has no summary: run jukinetctl summarise")
        rows = await self._database.fetch("count_day", sender, begin, end)
        return [(row["kind"], row["outcome"], row["notices"]) for row in rows]

    async def relayed(self, day: date) -> dict[str, tuple[int, int, int]]:
        """Of each kind how many records the national server took, held (none), refused. Raises StoreFault."""
        rows = await self._database.fetch("relayed_of_day", day)
        return {row["change"]: (row["accepted"], 0, row["refused"]) for row in rows}

    async def compared_with(self, peer: str, since: date, now: datetime) -> dict[date, bool]:
        """The days compared with a peer after they had ended, and whether each differs. Raises StoreFault.

        A clock that ran ahead may have had a day compared before it was over, or later than now.
        """
        rows = await self._database.fetch("compared_with", peer, since, now)
        ended = [row for row in rows if row["day"] < row["compared_at"].astimezone(now.tzinfo).date()]
        return {row["day"]: row["differs"] for row in ended}

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
                counts_in(row["theirs"]),
                counts_in(row["ours"]),
                tuple(row["differing"]),
            )
            for row in await self._database.fetch("find_comparisons", day)
        ]

"""個人番号の重なりの保存: the look at all residents, and what the newest one found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jukinet_daemon.store.pool import Database


@dataclass(frozen=True, slots=True)
class Holder:
    """A resident who shares a number, by the notice and the area of the record that holds good."""

    notice: str
    area: str


class SharedNumberStore:
    """Numbers that more than one resident shows. No number goes in or out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> int | None:
        """Looks at all residents, if it is time; gives how many numbers are shared. Raises StoreFault."""
        shared: int | None = (await self._database.look("look_for_shared_numbers"))[0]["shared"]
        return shared

    async def looked_at(self) -> datetime:
        """When all residents were looked at. Raises StoreFault."""
        moment: datetime = (await self._database.fetch("shared_number_looked_at"))[0]["looked_at"]
        return moment

    async def found(self) -> Sequence[Sequence[Holder]]:
        """Who shares a number still, eight of each number at most. Raises StoreFault."""
        return [
            [Holder(str(notice), area) for notice, area in zip(row["notice_ids"], row["areas"], strict=True)]
            for row in await self._database.fetch("find_shared_numbers")
        ]

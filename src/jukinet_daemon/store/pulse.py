"""脈の保存: one small commit as an acknowledgement needs it, and what the server says of itself meanwhile."""

from dataclasses import dataclass
from datetime import datetime

from jukinet_daemon.store.faults import StoreFault, store_faults
from jukinet_daemon.store.pool import Database, unsafe_settings
from jukinet_daemon.store.vouch import vouched


@dataclass(frozen=True, slots=True)
class Beat:
    """What a beat found: what is unsafe of the settings, whether it may not write, the database's clock."""

    unsafe: tuple[str, ...]
    read_only: bool
    database_time: datetime


class PulseStore:
    """The database of one register, as far as its pulse can be felt."""

    def __init__(self, database: Database, durability: str) -> None:
        self._database = database
        self._durability = durability

    async def beat(self) -> Beat:
        """Looks at the settings and commits once, durably, unless the server may not write.

        Raises StoreFault, also when the commit was not vouched for.
        """
        queries = self._database.queries
        with store_faults():
            async with self._database.pool.acquire() as connection:
                settings = await connection.fetch(queries["database_settings"])
                defaults = await connection.fetch(queries["session_defaults"])
                state = await connection.fetchrow(queries["pulse_state"])
                if state is None:
                    raise StoreFault("the database says nothing of itself")
                read_only = state["read_only"] or state["standby"]
                if not read_only:
                    with vouched(connection):
                        await connection.execute(queries["pulse_write"])
        found = {row["name"]: row["setting"] for row in settings}
        problems = unsafe_settings(found, self._durability)
        for row in defaults:
            problems += unsafe_settings(found | {row["name"]: row["setting"]}, self._durability)
        return Beat(tuple(dict.fromkeys(problems)), read_only, state["database_time"])

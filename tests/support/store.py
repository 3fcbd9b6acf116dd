"""The commit path without its doors: a house, an inbox and a receiver on a database."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import Any

import asyncpg

from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.register import Strictness
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.service.batch import House, Plan, items_of
from jukinet_daemon.service.clock import clock_of
from jukinet_daemon.service.lanes import Answer, Arrival
from jukinet_daemon.service.receive import Receiver
from jukinet_daemon.store.inbox import Committed, DecisionRow, Inbox, ParcelRow
from jukinet_daemon.store.pool import Database, open_database
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.keyring import Keyring
from jukinet_daemon.wire.parcel import Parcel

from .plans import plan_of
from .world import FUKUOKA, until

VAULT = Vault(Keyring(MappingProxyType({1: bytes(32)}), 1, bytes(32)))
CLOCK = clock_of("Asia/Tokyo")
_numbers = count(1)


class RacedInbox(Inbox):
    """An inbox that lets something happen between read and commit, once for each of `meanwhile`."""

    meanwhile: list[Callable[[], Awaitable[Any]]]

    async def commit(
        self, parcels: Iterable[ParcelRow], decisions: Sequence[DecisionRow], repeats: Sequence[str]
    ) -> list[Committed]:
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        return await super().commit(parcels, decisions, repeats)


def arrival(*notices: Any, register: str = "juki", sender: str = FUKUOKA) -> Arrival:
    """A parcel of notices as it comes from the door."""
    number = next(_numbers)
    parcel = Parcel(register, sender, number, notices)
    return Arrival(parcel, f"signed.{number}", f"digest-{number}", "thumbprint", CLOCK())


@dataclass(frozen=True)
class Bench:
    """One session with a register's database, in the role of the notices door."""

    register: str
    database: Database
    inbox: RacedInbox
    house: House

    async def receive(self, *notices: Any, sender: str = FUKUOKA) -> list[Answer]:
        """What the receiver answers to a parcel."""
        came = arrival(*notices, register=self.register, sender=sender)
        return (await Receiver(self.house, self.inbox).receive([came]))[0]

    async def planned(self, *notices: Any, sender: str = FUKUOKA) -> Plan:
        """Reads and decides a parcel, and commits nothing yet."""
        items = list(items_of([arrival(*notices, register=self.register, sender=sender)], [0], self.house))
        keys = [key for item in items for key in item.keys]
        known = await self.inbox.known([(item.id, item.fingerprint) for item in items if item.id], keys)
        fresh = await self.inbox.person_numbers(len(items))
        return plan_of(items, known, iter(fresh), self.house)

    async def commit(self, made: Plan) -> list[str]:
        """Commits what was planned; gives a word a decision."""
        decisions = await self.inbox.decision_rows([entry for _, entry, _ in made.entries])
        repeats = [item.id for item, _ in made.repeats if item.id]
        return [word.value for word in await self.inbox.commit((), decisions, repeats)]


@asynccontextmanager
async def bench(dsn: str, register: str = "juki", *, size: int = 2) -> AsyncIterator[Bench]:
    database = await open_database(dsn, register, "jukinet_notices", size=size)
    try:
        inbox = RacedInbox(database, register, VAULT)
        inbox.meanwhile = []
        rules = {"juki": JUKI, "fuhyo": FUHYO}[register]
        house = House(rules, read_areas(), Strictness.WARN, CLOCK, VAULT)
        yield Bench(register, database, inbox, house)
    finally:
        await asyncio.wait_for(database.close(), 10)


@asynccontextmanager
async def session(dsn: str, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner, or of a role by `role=`."""
    connection = await asyncpg.connect(dsn, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


@asynccontextmanager
async def holding(dsn: str, sql: str) -> AsyncIterator[None]:
    """Keeps the locks that a statement takes until the block ends."""
    async with session(dsn) as connection, connection.transaction():
        await connection.execute(sql)
        yield


async def waiting_calls(watcher: asyncpg.Connection, how_many: int = 1, event: str = "Lock") -> list[int]:
    """The process ids of sessions whose CALL waits for `event`, once there are so many."""

    async def look() -> list[int] | None:
        found = await watcher.fetch(_WAITING, event)
        return [row["pid"] for row in found] if len(found) == how_many else None

    pids: list[int] = await until(look)
    return pids


_WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE '%CALL commit_parcels%'
    AND $1 IN (wait_event_type, wait_event)
"""


def outcomes(answers: Sequence[Answer]) -> list[str]:
    """What answers say: their outcome, or REPEATED."""
    return ["REPEATED" if answer.repeated else json.loads(answer.text)["outcome"] for answer in answers]

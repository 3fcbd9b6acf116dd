"""A key version that has ended: whoever stood still meanwhile cannot commit what it sealed under it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest

from jukinet_daemon.ledger.leaf import leaf_of, new_salt
from jukinet_daemon.service.bridge_case import leaf
from jukinet_daemon.store.bridge_request import CaseRow, Opening, RequestStore, Settling
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.held import HeldNotices, Settlement
from jukinet_daemon.store.keys import KeyStore
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.vault.fields import Vault
from support.notices import juki_change
from support.store import VAULT, Bench, bench, holding, outcomes, session, waiting_calls
from support.world import until

COMMITTED = (
    "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM parcel) + (SELECT count(*) FROM ledger)"
)
WAITING_TO_END = (
    "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND NOT granted"
)
SEALING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'"
BAD = """CALL commit_batch('{}', ARRAY[ROW(NULL, 0, NULL, '{}', '{}', NULL, NULL, NULL,
    ROW(''::bytea, ''::bytea, '{}')::ledger_row)::decision], '{}', '{}')"""


@pytest.fixture
def dsn(new_database: Callable[[str], str]) -> str:
    return new_database("juki")


@pytest.fixture
async def desk(dsn: str) -> AsyncIterator[Bench]:
    async with bench(dsn, size=1) as opened:
        yield opened


@asynccontextmanager
async def keys(dsn: str, register: str = "juki") -> AsyncIterator[KeyStore]:
    database = await open_database(dsn, register, "jukinet_keys")
    store = await KeyStore.open(database, register)
    try:
        yield store
    finally:
        await store.close()
        await database.close()


async def end(dsn: str, version: int = 1, register: str = "juki") -> bool:
    async with keys(dsn, register) as store:
        return await store.end(version, leaf_of('{"event": "keys"}', new_salt()))


def newer() -> Vault:
    ring = VAULT.ring.added()
    return Vault(ring.using(2))


async def test_what_was_sealed_before_is_not_committed_after(
    dsn: str, desk: Bench, owner: asyncpg.Connection
) -> None:
    assert outcomes(await desk.receive(juki_change())) == ["ACCEPTED"]
    assert await end(dsn)
    before = await owner.fetchval(COMMITTED)
    assert set(
        outcomes(await desk.receive(juki_change(), juki_change(change="deletion", cause="death")))
    ) == {"LATER"}
    assert await owner.fetchval(COMMITTED) == before
    assert await owner.fetchval(SEALING) == 1  # it goes with the next batch
    again = juki_change()
    fresh = Bench("juki", desk.database, desk.inbox, replace(desk.house, vault=newer()))
    desk.inbox._vault = fresh.house.vault
    assert outcomes(await fresh.receive(again)) == ["ACCEPTED"]
    assert await owner.fetchval(SEALING) == 0


@pytest.mark.parametrize("column", ["parcel", "held", "record"])
async def test_each_sealed_value_is_looked_at(
    dsn: str, desk: Bench, owner: asyncpg.Connection, column: str
) -> None:
    """One value alone under the ended version is enough, all others being under the new one."""
    assert await end(dsn)
    old, new = VAULT, newer()
    notice = juki_change(change="deletion", cause="death") if column == "held" else juki_change()
    desk.inbox._vault = new if column == "parcel" else old
    seen = Bench(
        "juki", desk.database, desk.inbox, replace(desk.house, vault=old if column == "parcel" else new)
    )
    assert set(outcomes(await seen.receive(notice))) == {"LATER"}
    assert await owner.fetchval(COMMITTED) == 1  # the evidence of the end


async def test_a_batch_under_way_is_waited_for(dsn: str, desk: Bench, owner: asyncpg.Connection) -> None:
    """Its first decision is committed, its second waits, when the version is to end."""
    entry = juki_change()
    assert outcomes(await desk.receive(entry)) == ["ACCEPTED"]
    moved = juki_change(change="correction", cause="correction_ex_officio", person=entry["person"])
    async with session(dsn) as watcher:
        async with holding(dsn, "SELECT FROM person FOR UPDATE"):
            batch = asyncio.create_task(desk.receive(juki_change(), moved, juki_change()))
            await waiting_calls(watcher)
            ending = asyncio.create_task(end(dsn))
            await until(lambda: watcher.fetchval(WAITING_TO_END))
            assert not ending.done()
        assert outcomes(await batch) == ["ACCEPTED"] * 3
        assert await ending
    assert set(outcomes(await desk.receive(juki_change()))) == {"LATER"}


async def test_a_batch_that_does_not_end_keeps_the_version(
    dsn: str, desk: Bench, owner: asyncpg.Connection
) -> None:
    entry = juki_change()
    assert outcomes(await desk.receive(entry)) == ["ACCEPTED"]
    moved = juki_change(change="correction", cause="correction_ex_officio", person=entry["person"])
    async with holding(dsn, "SELECT FROM person FOR UPDATE"):
        batch = asyncio.create_task(desk.receive(moved))
        await waiting_calls(owner)
        assert not await end(dsn)
    assert outcomes(await batch) == ["ACCEPTED"]
    assert await owner.fetchval("SELECT count(*) FROM ended_key") == 0
    assert await end(dsn)


async def test_a_batch_that_failed_keeps_no_version_for_long(
    dsn: str, desk: Bench, owner: asyncpg.Connection
) -> None:
    async with desk.database.pool.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(BAD)
    assert await owner.fetchval(SEALING) == 1
    assert outcomes(await desk.receive(juki_change())) == ["ACCEPTED"]
    assert await owner.fetchval(SEALING) == 0
    assert await end(dsn)


async def test_a_held_notice_is_not_let_go_under_it(dsn: str, desk: Bench, owner: asyncpg.Connection) -> None:
    nobody = juki_change(change="deletion", cause="death")
    assert outcomes(await desk.receive(nobody)) == ["HELD"]
    assert await end(dsn)
    database = await open_database(dsn, "juki", "jukinet_control")
    try:
        store = HeldNotices(database, "juki", VAULT)
        held = await store.one(nobody["id"])
        assert held is not None
        (state,) = await store.states(held.people)
        made = await desk.planned(juki_change())
        decision, notice = made.entries[0][1].decision, made.entries[0][1].notice
        after = replace(state, version=state.version + 1, waiting=0)
        settlement = Settlement(
            held, (after,), notice, decision, leaf_of('{"event": "held_released"}', new_salt())
        )
        with pytest.raises(StoreFault, match="55000"):
            await store.settle(settlement)
    finally:
        await database.close()
    assert await owner.fetchval("SELECT count(*) FROM held") == 1


async def test_the_bridge_holds_nothing_under_it(new_database: Callable[[str], str]) -> None:
    dsn = new_database("fuhyo")
    assert await end(dsn, register="fuhyo")
    database = await open_database(dsn, "fuhyo", "jukinet_bridge")
    case, request = str(uuid4()), str(uuid4())
    try:
        store = RequestStore(database, VAULT)
        row = CaseRow(case, "zeimu", "J5-4-3", "prefectural-tax", "a", "b", None, str(uuid4()))
        await store.open_case(row, 600, leaf("fuhyo", "bridge_test"))
        opening = Opening(request, case, 1, "juki", None, b"", None, leaf("fuhyo", "bridge_test"))
        await store.open_requests(case, [opening])
        with pytest.raises(StoreFault, match="55000"):
            await store.settle(
                case, [Settling(request, 1, "B100", "123456789012", leaf("fuhyo", "bridge_test"))]
            )
        await store.settle(case, [Settling(request, 1, "B320", None, leaf("fuhyo", "bridge_test"))])
    finally:
        await database.close()
    async with session(dsn) as owner:
        assert await owner.fetchval("SELECT count(*) FROM bridge_held") == 0


@pytest.mark.parametrize(
    ("version", "ended"), [(1, False), (256, False), (257, True), (513, False), (65535, False)]
)
async def test_a_version_is_read_from_both_its_bytes(
    owner: asyncpg.Connection, version: int, ended: bool
) -> None:
    await owner.execute("INSERT INTO ended_key (version) VALUES (257)")
    sealed = version.to_bytes(2, "big") + b"sealed"
    assert await owner.fetchval("SELECT under_ended_key(ARRAY[NULL, ''::bytea, $1])", sealed) is ended

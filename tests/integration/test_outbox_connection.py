"""The relay's connection: its lock makes it the only one, and its loss is a fault like any other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any

import pytest

from conftest import HouseMaker
from jukinet_daemon.ledger.leaf import leaf_of, new_salt
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.outbox import Closed, Outbox
from jukinet_daemon.store.pool import Database, open_database
from support.notices import juki_change
from support.store import VAULT, bench, session
from support.world import House, until

DAY = date(2026, 11, 20)
END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'jukinet%'
"""
RELAY_PID = """
SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND datname = current_database()
"""


@pytest.fixture
def dsn(new_database: Callable[[str], str]) -> str:
    return new_database("juki")


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    opened = await open_database(dsn, "juki", "jukinet_relay", size=2)
    yield opened
    await asyncio.wait_for(opened.close(), 10)


async def _opened(database: Database) -> Outbox:
    outbox = await Outbox.open(database, VAULT)
    assert outbox is not None
    return outbox


async def test_there_is_one_relay_a_register(database: Database) -> None:
    first = await _opened(database)
    assert await Outbox.open(database, VAULT) is None
    await first.close()
    await (await _opened(database)).close()


async def test_a_connection_that_could_not_be_looked_at_is_not_left_open(
    dsn: str, database: Database
) -> None:
    async with session(dsn) as owner:
        open_now = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        before = await owner.fetchval(open_now)
        await owner.execute("REVOKE SELECT ON pg_settings FROM PUBLIC")
        with pytest.raises(StoreFault, match="InsufficientPrivilege") as fault:
            await database.connect()

        async def as_before() -> bool:
            return bool(await owner.fetchval(open_now) == before)

        await until(as_before, 5)
    assert (
        fault.value
    )  # it holds the frames of the look, and with them the connection: nothing else closes it


async def test_the_role_outlasts_the_return_to_the_pool(database: Database) -> None:
    for _ in range(3):
        async with database.pool.acquire() as connection:
            assert await connection.fetchval("SELECT current_user") == "jukinet_relay"
            await connection.execute("SET statement_timeout = 1")


async def test_a_lost_connection_is_a_fault_and_gives_the_lock_up(dsn: str, database: Database) -> None:
    outbox = await _opened(database)
    await outbox.listen(lambda: None)
    async with session(dsn) as owner:
        await owner.execute("SELECT pg_terminate_backend($1)", await owner.fetchval(RELAY_PID))
    with pytest.raises(StoreFault):
        await outbox.waiting(10)
    await outbox.close()
    await (await _opened(database)).close()


async def test_an_opening_that_fails_leaves_no_connection_behind(database: Database) -> None:
    broken = Database(database.pool, {"lock_relay": "SELECT 1 / 0"}, database.connect)
    before = await _sessions(database)
    for _ in range(3):
        with pytest.raises(StoreFault):
            await asyncio.wait_for(Outbox.open(broken, VAULT), 10)
    await until(lambda: _back_to(database, before))


async def _sessions(database: Database) -> int:
    rows = await database.pool.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    )
    return int(rows[0][0])


async def _back_to(database: Database, count: int) -> bool:
    return await _sessions(database) == count


async def test_a_commit_wakes_the_relay_and_a_receipt_closes_once(dsn: str, database: Database) -> None:
    outbox = await _opened(database)
    woken = asyncio.Event()
    await outbox.listen(woken.set)
    async with bench(dsn) as desk:
        await desk.receive(juki_change(), juki_change())
    await asyncio.wait_for(woken.wait(), 30)
    first, second = await outbox.waiting(10)
    leaf = leaf_of('{"event": "relay_receipted"}', new_salt())
    await outbox.close_with("digest", "signed", [Closed(first.outbox_id, None, DAY)], leaf)
    assert [item.outbox_id for item in await outbox.waiting(10)] == [second.outbox_id]
    both = [Closed(first.outbox_id, "R1", DAY), Closed(second.outbox_id, "R1", DAY)]
    await outbox.close_with("digest", "signed", both, leaf_of('{"event": "relay_receipted"}', new_salt()))
    async with session(dsn) as owner:
        rows = await owner.fetch("SELECT receipt_id, refused FROM outbox ORDER BY outbox_id")
    assert [tuple(row) for row in rows] == [(1, None), (2, "R1")]
    await outbox.close()


async def test_a_receipt_is_stored_with_its_evidence_or_not_at_all(dsn: str, database: Database) -> None:
    async with bench(dsn) as desk:
        await desk.receive(juki_change())
    outbox = await _opened(database)
    (item,) = await outbox.waiting(10)
    async with session(dsn) as owner:
        await owner.execute("""ALTER TABLE ledger ADD CHECK (payload NOT LIKE '%"bad"%')""")
        with pytest.raises(StoreFault):
            await outbox.close_with(
                "digest",
                "signed",
                [Closed(item.outbox_id, None, DAY)],
                leaf_of('{"event": "relay_receipted", "bad": 1}', new_salt()),
            )
        assert await owner.fetchval("SELECT count(*) FROM receipt") == 0
    assert [waiting.outbox_id for waiting in await outbox.waiting(10)] == [item.outbox_id]
    await outbox.close()


async def test_the_server_outlives_the_loss_of_all_its_connections(open_house: HouseMaker) -> None:
    house = await open_house("juki")
    await until(lambda: house.rows(RELAY_PID))
    await house.rows(END_ALL)
    notice = juki_change()
    await until(lambda: _taken(house, notice))
    await until(lambda: house.rows("SELECT FROM outbox WHERE receipt_id IS NOT NULL"))
    assert [loop.get_name() for loop in house.daemon.loops if loop.done()] == []


async def _taken(house: House, notice: dict[str, Any]) -> bool:
    async with house.line() as line:
        (answer,) = await line.tell(notice)
    return bool(answer.outcome != "LATER")

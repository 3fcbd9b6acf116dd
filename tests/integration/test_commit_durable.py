"""確定の耐久性: nothing is answered that a crash could take back, on a server of these tests' own."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from jukinet_daemon.ledger.leaf import leaf_of, new_salt
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.migrate import migrate
from jukinet_daemon.store.outbox import Outbox
from jukinet_daemon.store.pool import open_database
from support.notices import juki_change
from support.store import VAULT, Bench, bench, outcomes, waiting_calls
from support.world import until

# Nobody but a commit flushes the WAL, or hardly ever: the writer looks every ten seconds.
SETTINGS = {
    "wal_writer_delay": "10s",
    "wal_writer_flush_after": "1GB",
    "bgwriter_lru_maxpages": "0",
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
}
_numbers = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "data", SETTINGS) as server:
        server.psql("postgres", "CREATE DATABASE model")
        asyncio.run(migrate(server.dsn("model"), "juki"))
        yield server


@pytest.fixture
def dsn(server: EmbeddedPostgres) -> str:
    name = f"juki_{next(_numbers)}"
    server.psql("postgres", f"CREATE DATABASE {name} TEMPLATE model")
    return server.dsn(name)


@pytest.fixture
async def desk(dsn: str) -> AsyncIterator[Bench]:
    async with bench(dsn, size=1) as opened:
        yield opened


@pytest.fixture
async def no_standby(desk: Bench, owner: asyncpg.Connection) -> AsyncIterator[None]:
    """Commits wait for a standby that does not come, until the test lets them."""
    # Taking a block of numbers is a commit of its own, which would wait first.
    await desk.inbox.parcel_numbers(1)
    await desk.inbox.person_numbers(1)
    await _standby(owner, "nobody")
    yield
    await _standby(owner, "")


async def _standby(owner: asyncpg.Connection, name: str) -> None:
    await owner.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await owner.execute("SELECT pg_reload_conf()")

    async def in_force() -> bool:
        return bool(await owner.fetchval("SHOW synchronous_standby_names") == name)

    await until(in_force)


async def _flushed(desk: Bench, owner: asyncpg.Connection) -> bool:
    """Whether all that was written is on the disk once a batch is committed."""
    look = "SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()"
    await owner.fetchval(look)  # whoever looks first may tidy a page of the catalog, which is written too
    made = await desk.planned(juki_change(), juki_change())
    assert await desk.commit(made) == ["done", "done"]
    return bool(await owner.fetchval(look))


async def _changed_procedure(owner: asyncpg.Connection, *statements: str) -> None:
    """Replaces the procedure by one without these statements."""
    text = await owner.fetchval("SELECT pg_get_functiondef('commit_batch'::regproc)")
    for statement in statements:
        assert statement in text
        text = text.replace(statement, "NULL;")
    await owner.execute(text)


async def test_a_committed_batch_is_flushed(desk: Bench, owner: asyncpg.Connection) -> None:
    assert all([await _flushed(desk, owner) for _ in range(5)])


async def test_it_is_the_closing_write_that_flushes(desk: Bench, owner: asyncpg.Connection) -> None:
    await _changed_procedure(
        owner,
        "UPDATE closing SET batches = batches + 1 WHERE slot = pg_backend_pid() % 16;",
        "PERFORM pg_notify('outbox', '');",
    )
    assert not all([await _flushed(desk, owner) for _ in range(5)])


async def test_a_batch_costs_one_flush_however_many_notices(desk: Bench, owner: asyncpg.Connection) -> None:
    async def flushes(notices: int) -> int:
        made = await desk.planned(*(juki_change() for _ in range(notices)))
        before = await _wal_syncs(desk, owner)
        await desk.commit(made)
        return await _wal_syncs(desk, owner) - before

    await flushes(1)
    assert [await flushes(1), await flushes(50)] == [1, 1]


async def _wal_syncs(desk: Bench, owner: asyncpg.Connection) -> int:
    await desk.database.pool.execute("SELECT pg_stat_force_next_flush()")
    syncs: int = await owner.fetchval(
        "SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal' AND backend_type = 'client backend'"
    )
    return syncs


@pytest.mark.usefixtures("no_standby")
async def test_nothing_is_answered_that_no_standby_has(desk: Bench, owner: asyncpg.Connection) -> None:
    notices = [juki_change(), juki_change()]
    for again in (False, True):
        # The second time the rows are there, and still only here: the first answer must not be found so.
        answers = asyncio.create_task(desk.receive(*notices))
        (pid,) = await waiting_calls(owner, event="SyncRep")
        assert (await owner.fetchval("SELECT count(*) FROM inbox")) == 2
        assert not answers.done()
        await owner.execute("SELECT pg_cancel_backend($1)", pid)
        assert outcomes(await answers) == ["LATER"] * 2, again

    await _standby(owner, "")
    batches = await owner.fetchval("SELECT sum(batches) FROM closing")
    assert outcomes(await desk.receive(*notices)) == ["REPEATED"] * 2
    assert await owner.fetchval("SELECT sum(batches) FROM closing") == batches + 1
    assert await owner.fetchval("SELECT array_agg(redelivered) FROM inbox") == [2, 2]
    assert await owner.fetchval("SELECT count(*) FROM history") == 2


@pytest.mark.usefixtures("no_standby")
async def test_a_cancelled_wait_for_the_standby_is_a_fault(desk: Bench, owner: asyncpg.Connection) -> None:
    committing = asyncio.create_task(desk.commit(await desk.planned(juki_change())))
    (pid,) = await waiting_calls(owner, event="SyncRep")
    await owner.execute("SELECT pg_cancel_backend($1)", pid)
    with pytest.raises(StoreFault, match="warning"):
        await committing


@pytest.mark.usefixtures("no_standby")
async def test_a_session_ended_in_its_wait_is_a_fault(desk: Bench, owner: asyncpg.Connection) -> None:
    notice = juki_change()
    answers = asyncio.create_task(desk.receive(notice))
    (pid,) = await waiting_calls(owner, event="SyncRep")
    await owner.execute("SELECT pg_terminate_backend($1)", pid)
    assert outcomes(await answers) == ["LATER"]
    await _standby(owner, "")
    assert outcomes(await desk.receive(notice)) == ["REPEATED"]


async def test_a_killed_server_has_kept_what_was_answered(server: EmbeddedPostgres, dsn: str) -> None:
    notices = [juki_change() for _ in range(20)]
    async with bench(dsn) as desk:
        answers = await desk.receive(*notices)
        server.kill()
        server.start()
    async with bench(dsn) as desk:
        again = await desk.receive(*notices)
    assert outcomes(again) == ["REPEATED"] * 20
    assert [answer.text for answer in again] == [answer.text for answer in answers]


@pytest.fixture
async def outbox(dsn: str) -> AsyncIterator[Outbox]:
    database = await open_database(dsn, "juki", "jukinet_relay")
    opened = await Outbox.open(database, VAULT)
    assert opened is not None
    yield opened
    await opened.close()
    await database.close()


async def test_the_relay_sends_nothing_that_a_crash_could_take_back(
    outbox: Outbox, owner: asyncpg.Connection
) -> None:
    """An asynchronous commit is visible before it is durable; announcing a parcel makes it so."""
    await owner.execute("SET synchronous_commit = off")
    await owner.execute("INSERT INTO person VALUES (1, 1, NULL, '{}', 0, false)")
    written = await owner.fetchval("SELECT pg_current_wal_insert_lsn()")
    assert await owner.fetchval("SELECT pg_current_wal_flush_lsn() < $1", written)
    await outbox.announce(leaf_of('{"event": "relay_sent"}', new_salt()))
    assert await owner.fetchval("SELECT pg_current_wal_flush_lsn() >= $1", written)


@pytest.mark.usefixtures("no_standby")
async def test_the_relay_sends_nothing_that_no_standby_has(outbox: Outbox, owner: asyncpg.Connection) -> None:
    announcing = asyncio.create_task(outbox.announce(leaf_of('{"event": "relay_sent"}', new_salt())))

    async def waits() -> int | None:
        pid: int | None = await owner.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'"
        )
        return pid

    await owner.execute("SELECT pg_cancel_backend($1)", await until(waits))
    with pytest.raises(StoreFault, match="warning"):
        await announcing

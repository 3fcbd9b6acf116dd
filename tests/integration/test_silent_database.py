"""A database that accepts and does not answer holds up no stop; one that is large holds up no long look."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.store import pool
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.keys import KeyStore
from jukinet_daemon.store.pool import open_database
from support.store import session
from support.world import Pki, config_for, until, write_keyring

SERVE = """
import sys
from jukinet_daemon.cli import jukinetd
sys.exit(jukinetd.main(sys.argv[1:]))
"""
CONFIG = """
register = "juki"
prefecture = "400009"
trust_domain = "jukinet.test"
[database]
dsn = "postgresql://postgres@127.0.0.1:{port}/juki?sslmode=disable"
[keys]
ring = "{ring}"
[health]
listen = "127.0.0.1:0"
"""


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port that takes connections and says nothing; when it has one is an event."""
    met = asyncio.Event()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        met.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], met


async def test_a_start_on_a_silent_database_is_stopped_at_once(tmp_path: Path) -> None:
    async with silent() as (port, met):
        config = tmp_path / "juki.toml"
        config.write_text(CONFIG.format(port=port, ring=write_keyring(tmp_path)), "utf-8")
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SERVE, "--config", str(config)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        await asyncio.wait_for(met.wait(), 60)
        os.kill(program.pid, signal.SIGTERM)
        # A connection of asyncpg gives up after a minute; who stops waits for none.
        output, _ = await asyncio.wait_for(program.communicate(), 30)
    assert program.returncode == 0, output.decode()
    assert "stopped" in output.decode().splitlines()[-1]
    assert "start_failed" not in output.decode()


async def test_a_stop_does_not_wait_for_a_connection_that_is_not_given_back(
    new_database: Callable[[str], str], pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CLOSE_LIMIT_S", 0.1)
    dsn = new_database("juki")
    daemon = Daemon(config_for("juki", pki, dsn, write_keyring(tmp_path)))
    await daemon.start()
    database = await open_database(dsn, "juki", "jukinet_status")
    async with session(dsn) as owner, owner.transaction():
        await owner.execute("LOCK TABLE maintenance IN ACCESS EXCLUSIVE MODE")
        stands = asyncio.create_task(database.fetch("maintenance_now"))
        waits = "SELECT count(*) FROM pg_locks WHERE relation = 'maintenance'::regclass AND NOT granted"
        async with session(dsn) as other:
            await until(lambda: other.fetchval(waits))
        await asyncio.wait_for(database.close(), 30)
        await asyncio.wait_for(daemon.stop(), 30)
    with pytest.raises(StoreFault):
        await stands


async def test_a_look_at_whole_tables_outlasts_the_limit_of_a_command(
    new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "COMMAND_TIMEOUT_S", 0.3)
    dsn = new_database("juki")
    database = await open_database(dsn, "juki", "jukinet_keys")
    store = await KeyStore.open(database, "juki")
    try:
        async with session(dsn) as owner, owner.transaction():
            await owner.execute("LOCK TABLE history, held, parcel IN ACCESS EXCLUSIVE MODE")
            counted = asyncio.create_task(store.versions())
            await owner.execute("SELECT pg_sleep(1)")
        assert {table: sum(values.values()) for table, values in (await counted).items()} == {
            "held": 0,
            "history": 0,
            "parcel": 0,
        }
    finally:
        await store.close()
        await database.close()

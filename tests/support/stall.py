"""Standstills and breakdowns of the database, and lives to be notified while they last."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.migrate import migrate
from support.notices import juki_change
from support.world import House, Pki, config_for, until, write_keyring


def life_of_a_person(corrections: int) -> list[dict[str, Any]]:
    """記載, so many 修正, 消除 of one person."""
    entry = juki_change()
    person = entry["person"]
    moves = [
        juki_change(
            change="correction", cause="change_of_address", person=person | {"address": f"福岡市東区{n}番"}
        )
        for n in range(corrections)
    ]
    return [entry, *moves, juki_change(change="deletion", cause="death", person=person)]


@asynccontextmanager
async def commits_stand_still(house: House) -> AsyncIterator[None]:
    """Holds up the closing transaction of every batch, and so all answers."""
    connection = await asyncpg.connect(house.dsn)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE closing IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def a_batch_waits(house: House) -> None:
    """Waits until a batch stands before its closing transaction."""
    waiting = "SELECT 1 FROM pg_locks WHERE relation = 'closing'::regclass AND NOT granted"
    await until(lambda: house.rows(waiting))


@asynccontextmanager
async def house_on(server: EmbeddedPostgres, pki: Pki, folder: Path, **sections: Any) -> AsyncIterator[House]:
    """A house on a PostgreSQL of its own, which may be killed."""
    server.psql("postgres", "CREATE DATABASE house")
    dsn = server.dsn("house")
    await migrate(dsn, "juki")
    config = config_for("juki", pki, dsn, write_keyring(folder), **sections)
    daemon = Daemon(config)
    await daemon.start()
    try:
        yield House("juki", pki, config, daemon, dsn, folder / "national.ndjson")
    finally:
        await daemon.stop()

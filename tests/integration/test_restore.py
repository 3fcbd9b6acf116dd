"""復元: a base backup and the archived WAL give the register back as it was at a point in time."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from judge.tables import Tables, copy_tables
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.sim.postgres_wheel import binary, hand_over, identity, run
from jukinet_daemon.store.migrate import migrate
from support.notices import juki_change
from support.store import bench, outcomes
from support.world import until

ARCHIVE = "archive"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="jukinet-restore-") as made:
        yield Path(made)


def _archived(folder: Path) -> EmbeddedPostgres:
    """A PostgreSQL that keeps every finished piece of its WAL in a folder."""
    archive = folder / ARCHIVE
    archive.mkdir()
    hand_over(archive)
    command = f"test ! -f {archive}/%f && cp %p {archive}/%f.part && mv {archive}/%f.part {archive}/%f"
    settings = {"archive_mode": "on", "archive_command": command, "wal_level": "replica"}
    return EmbeddedPostgres(folder / "first", settings)


def _base_backup(server: EmbeddedPostgres, folder: Path) -> Path:
    base = folder / "base"
    base.mkdir(mode=0o700)
    hand_over(base)
    options = ("--checkpoint=fast", "--wal-method=none", f"--pgdata={base}", f"--dbname={server.dsn()}")
    run([binary("pg_basebackup"), *options], cwd=folder, **identity())
    return base


def _restored(folder: Path, base: Path, point: str) -> EmbeddedPostgres:
    """Another server, from the base backup and the archive up to a named point."""
    settings = {
        "restore_command": f"cp {folder / ARCHIVE}/%f %p",
        "recovery_target_name": point,
        "recovery_target_action": "promote",
    }
    second = folder / "second"
    second.mkdir()
    shutil.copytree(base, second / "pgdata", copy_function=shutil.copy2)
    (second / "pgdata" / "recovery.signal").touch()
    for path in (second / "pgdata", *(second / "pgdata").rglob("*")):
        hand_over(path)
    return EmbeddedPostgres(second, settings)


def _tables(server: EmbeddedPostgres) -> Tables:
    return copy_tables(server.binary("psql"), server.dsn("juki"))


async def test_a_point_in_time_is_given_back(folder: Path) -> None:
    early, middle, late = ([juki_change() for _ in range(10)] for _ in range(3))
    with _archived(folder) as server:
        server.psql("postgres", "CREATE DATABASE juki")
        await migrate(server.dsn("juki"), "juki")
        async with bench(server.dsn("juki")) as desk:
            await desk.receive(*early)
            base = await asyncio.to_thread(_base_backup, server, folder)
            await desk.receive(*middle)
            server.psql("postgres", "SELECT pg_create_restore_point('noon')")
            at_noon = _tables(server)
            await desk.receive(*late)
            server.psql("postgres", "SELECT pg_switch_wal()")
    with _restored(folder, base, "noon") as server:

        async def promoted() -> bool:
            return server.psql("postgres", "SELECT pg_is_in_recovery()") == "f"

        await until(promoted, 60)
        assert _tables(server) == at_noon
        assert len(at_noon["inbox"]) == len(early) + len(middle)
        # What came after the point is sent again: new to this file. What it has is known as a repeat.
        async with bench(server.dsn("juki")) as desk:
            assert outcomes(await desk.receive(*middle)) == ["REPEATED"] * len(middle)
            assert outcomes(await desk.receive(*late)) == ["ACCEPTED"] * len(late)

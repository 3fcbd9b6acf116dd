"""A database that could lose what it confirmed, or is not this register's, is refused by name."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.sim.postgres_wheel import binary, identity, run
from jukinet_daemon.store.faults import StoreFault, UnsafeDatabase
from jukinet_daemon.store.migrate import migrate, schema_version_of
from jukinet_daemon.store.pool import open_database, unsafe_settings
from support.store import session

UNSAFE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "log_error_verbosity": "default",
    "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "64",
}
SAFE = {
    "fsync": "on",
    "full_page_writes": "on",
    "data_checksums": "on",
    "synchronous_commit": "on",
    "server_version_num": "180000",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
QUOTES = ": the database log would quote personal values"
LEVELS = ("off", "local", "remote_write", "on", "remote_apply")


@pytest.fixture(scope="module")
def unsafe_server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "data", UNSAFE)
        with server:
            pass
        data = server.folder / "pgdata"
        run([binary("pg_checksums"), "--disable", "--pgdata", data], cwd=data, **identity())
        with server:
            yield server


async def problems(dsn: str, register: str = "juki", durability: str = "on") -> list[str]:
    """What open_database finds wrong."""
    try:
        database = await open_database(dsn, register, "jukinet_status", durability=durability)
    except UnsafeDatabase as refusal:
        return refusal.problems
    await database.close()
    return []


async def test_every_unsafe_setting_is_named(unsafe_server: EmbeddedPostgres) -> None:
    await migrate(unsafe_server.dsn(), "juki")
    assert sorted(await problems(unsafe_server.dsn())) == [
        "data_checksums is off",
        "fsync is off",
        "full_page_writes is off",
        f"log_error_verbosity is default, must be terse{QUOTES}",
        f"log_parameter_max_length is -1, must be 0{QUOTES}",
        f"log_parameter_max_length_on_error is 64, must be 0{QUOTES}",
        "synchronous_commit is off, below on",
    ]


async def test_a_safe_database_is_opened(new_database: Callable[[str], str]) -> None:
    assert await problems(new_database("juki")) == []


async def test_less_durability_than_the_configuration_asks(new_database: Callable[[str], str]) -> None:
    dsn = new_database("juki")
    assert await problems(dsn, durability="remote_apply") == ["synchronous_commit is on, below remote_apply"]
    async with session(dsn) as owner:
        name = await owner.fetchval("SELECT current_database()")
        await owner.execute(f"ALTER DATABASE {name} SET synchronous_commit = 'local'")
    assert await problems(dsn) == ["synchronous_commit is local, below on"]
    assert await problems(dsn, durability="local") == []


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ("DELETE FROM schema_migration WHERE version > 1", 2),
        ("DELETE FROM schema_migration WHERE version = 3", 3),
        ("DELETE FROM schema_migration", 1),
        ("DROP TABLE schema_migration", 1),
    ],
)
async def test_an_older_schema_is_named(
    new_database: Callable[[str], str], change: str, missing: int
) -> None:
    dsn = new_database("juki")
    async with session(dsn) as owner:
        await owner.execute(change)
    assert await problems(dsn) == [f"schema {missing} is missing in the database: run jukinetctl migrate"]


async def test_a_newer_schema_is_named(new_database: Callable[[str], str]) -> None:
    dsn = new_database("juki")
    async with session(dsn) as owner:
        await owner.execute("INSERT INTO schema_migration VALUES (9999, 'of_tomorrow', 'juki')")
    (problem,) = await problems(dsn)
    assert problem.startswith("the database has schema 9999, of a newer program than this one")
    assert f"(which knows {schema_version_of('juki')})" in problem


async def test_the_other_register_is_named(new_database: Callable[[str], str]) -> None:
    found = await problems(new_database("juki"), "fuhyo")
    assert found == ["the database keeps the register juki, not fuhyo"]


async def test_a_database_that_is_not_there_is_a_fault(new_database: Callable[[str], str]) -> None:
    with pytest.raises(StoreFault, match="3D000"):
        await open_database(new_database("juki").replace("/juki_", "/nothing_"), "juki", "jukinet_status")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"fsync": "off"}, "fsync is off"),
        ({"full_page_writes": "off"}, "full_page_writes is off"),
        ({"data_checksums": "off"}, "data_checksums is off"),
        (
            {"log_error_verbosity": "default"},
            f"log_error_verbosity is default, must be terse{QUOTES}",
        ),
        ({"server_version_num": "149999"}, "PostgreSQL is older than version 15"),
    ],
)
def test_a_setting_that_is_unsafe(change: dict[str, str], problem: str) -> None:
    assert unsafe_settings(SAFE, "on") == []
    assert unsafe_settings(SAFE | {"server_version_num": "150000"}, "on") == []
    assert unsafe_settings(SAFE | change, "on") == [problem]


@pytest.mark.parametrize("asked", LEVELS)
def test_a_server_may_do_more_than_is_asked_and_not_less(asked: str) -> None:
    enough = [level for level in LEVELS if not unsafe_settings(SAFE | {"synchronous_commit": level}, asked)]
    assert enough == list(LEVELS[LEVELS.index(asked) :])

"""接続: connections to the register's database, checked to be safe before anything is entrusted to them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import asyncpg

from jukinet_daemon.store.faults import StoreFault, UnsafeDatabase, store_faults
from jukinet_daemon.store.migrate import migrations_of
from jukinet_daemon.store.queries import load_queries

Connection = asyncpg.Connection
PooledConnection = asyncpg.pool.PoolConnectionProxy

OLDEST_SERVER = 150000
COMMAND_TIMEOUT_S = 60.0
# What reads a whole table may take so long: the file only grows.
WHOLE_TABLE_S = 86_400.0
# A database that stands still must not hold up a stop: systemd kills after 75 s.
CLOSE_LIMIT_S = 3.0
_MUST_BE_ON = ("fsync", "full_page_writes", "data_checksums")
_MUST_BE_SILENT = {
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# Each level of synchronous_commit, weakest first: a server may be set to more than the configuration asks.
_DURABILITY = ("off", "local", "remote_write", "on", "remote_apply")


class Database:
    """A pool for one door, in that door's role, with the register's named queries."""

    def __init__(
        self, pool: asyncpg.Pool, queries: Mapping[str, str], connect: Callable[[], Awaitable[Connection]]
    ) -> None:
        self.pool = pool
        self.queries = queries
        self._connect = connect

    async def fetch(self, name: str, *values: object) -> list[asyncpg.Record]:
        """Runs a named query. Raises StoreFault."""
        with store_faults():
            return await self.pool.fetch(self.queries[name], *values)

    async def look(self, name: str, *values: object) -> list[asyncpg.Record]:
        """Runs a named query that reads whole tables, however long it takes. Raises StoreFault."""
        with store_faults():
            return await self.pool.fetch(self.queries[name], *values, timeout=WHOLE_TABLE_S)

    async def connect(self) -> Connection:
        """A connection of its own, for whoever keeps a lock or listens. Raises StoreFault."""
        with store_faults():
            return await self._connect()

    async def close(self) -> None:
        """Closes the pool; connections in use are waited for, and given up where the database is silent."""
        with suppress(TimeoutError, StoreFault), store_faults():
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self.pool.close()
        # Nothing is left to end where it closed well.
        self.pool.terminate()


async def open_database(
    dsn: str, register: str, role: str, *, durability: str = "on", size: int = 2
) -> Database:
    """Opens a pool in a role. Raises UnsafeDatabase, naming every setting that is wrong, or StoreFault."""
    queries = load_queries(register)
    settings = {"role": role, "application_name": f"{role} {register}"}
    options: dict[str, Any] = {"server_settings": settings, "command_timeout": COMMAND_TIMEOUT_S}
    guard = _Guard(queries["database_settings"], durability)
    with store_faults():
        pool = await asyncpg.create_pool(
            dsn, min_size=1, max_size=size, init=guard.look, reset=_as_it_is, **options
        )

    async def connect() -> Connection:
        connection: Connection = await asyncpg.connect(dsn, **options)
        try:
            await guard.look(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    database = Database(pool, queries, connect)
    try:
        await _check(database, register, durability)
    except StoreFault:
        await database.close()
        raise
    guard.armed = True
    return database


async def _as_it_is(_connection: Connection) -> None:
    """Nothing to reset: nobody sets, listens or locks on a connection of a pool. A round trip less a use."""


class _Guard:
    """Looks at every connection opened later: it may lead to another server than the first."""

    def __init__(self, query: str, durability: str) -> None:
        self._query = query
        self._durability = durability
        self.armed = False

    async def look(self, connection: Any) -> None:
        """Raises UnsafeDatabase, and the connection is not used."""
        if not self.armed:
            return
        rows = await connection.fetch(self._query)
        problems = unsafe_settings({row["name"]: row["setting"] for row in rows}, self._durability)
        if problems:
            await connection.close()
            raise UnsafeDatabase(problems)


async def _check(database: Database, register: str, durability: str) -> None:
    rows = await database.fetch("database_settings")
    problems = unsafe_settings({row["name"]: row["setting"] for row in rows}, durability)
    problems += await _wrong_schema(database, register)
    if problems:
        raise UnsafeDatabase(problems)


async def _wrong_schema(database: Database, register: str) -> list[str]:
    found: set[int] = set()
    owner = None
    if (await database.fetch("has_schema"))[0]["migrated"]:
        versions, owner = (await database.fetch("schema_version"))[0]
        found = set(versions)
    if owner not in (None, register):
        return [f"the database keeps the register {owner}, not {register}"]
    return schema_problems(found, {step.version for step in migrations_of(register)})


def schema_problems(found: set[int], known: set[int]) -> list[str]:
    """What of a database's migrations does not fit a program that knows some, a sentence each."""
    problems = []
    if newer := found - known:
        problems.append(
            f"the database has schema {max(newer)}, of a newer program than this one (which knows"
            f" {max(known)}): start the program that migrated it"
        )
    if missing := known - found:
        problems.append(f"schema {min(missing)} is missing in the database: run jukinetctl migrate")
    return problems


def unsafe_settings(settings: Mapping[str, str], durability: str) -> list[str]:
    """What of a server's settings could lose a confirmed record or log a personal value, a sentence each."""
    problems = [f"{name} is off" for name in _MUST_BE_ON if settings[name] != "on"]
    level = settings["synchronous_commit"]
    if _DURABILITY.index(level) < _DURABILITY.index(durability):
        problems.append(f"synchronous_commit is {level}, below {durability}")
    # Elsewise a row that is refused stands in the log: DETAIL "Failing row contains (...)", "Key (..)=(..)".
    problems += [
        f"{name} is {settings[name]}, must be {value}: the database log would quote personal values"
        for name, value in _MUST_BE_SILENT.items()
        if settings[name] != value
    ]
    if int(settings["server_version_num"]) < OLDEST_SERVER:
        problems.append("PostgreSQL is older than version 15")
    return problems

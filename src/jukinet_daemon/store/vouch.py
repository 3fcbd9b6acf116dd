"""保証: a commit that returned with a warning is not one that the database vouches for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.faults import StoreFault, store_faults
from jukinet_daemon.store.pool import Database


@contextmanager
def vouched(connection: Any) -> Iterator[None]:
    """Watches a connection while something is committed.

    Raises StoreFault at the end if a warning of class 01 came: 01000 on commit says that the wait for the
    standby was cancelled, so that only this server has the rows.
    """
    warnings: list[str] = []

    def listen(_connection: Any, message: asyncpg.PostgresLogMessage) -> None:
        warnings.append(message.sqlstate or "")

    connection.add_log_listener(listen)
    try:
        yield
    finally:
        connection.remove_log_listener(listen)
    if any(sqlstate.startswith("01") for sqlstate in warnings):
        raise StoreFault("the commit returned with a warning: not vouched for")


async def vouched_call(database: Database, name: str, *values: object) -> Any:
    """Runs a named query that writes, and gives its one value once it is durable. Raises StoreFault."""
    with store_faults():
        async with database.pool.acquire() as connection:
            with vouched(connection):
                return await connection.fetchval(database.queries[name], *values)


def leaf_row(leaf: Leaf) -> tuple[object, ...]:
    """A leaf as a row."""
    return (leaf.hash, leaf.salt, leaf.payload)

"""保証: a commit that returned with a warning is not one that the database vouches for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from jukinet_daemon.store.faults import StoreFault


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

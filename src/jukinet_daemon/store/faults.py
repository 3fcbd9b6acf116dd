"""障害: whatever breaks at the database, as the one fault the rest of the program knows."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg


class StoreFault(Exception):
    """The database did not do what was asked, or did not say so: acknowledge nothing."""


class RowFault(StoreFault):
    """The database refuses a row: one of the batch cannot be stored as it is, however often it is tried."""


class OverFault(StoreFault):
    """What was to be worked on ended meanwhile; the database is well."""


class RightFault(StoreFault):
    """The database does not let this role do it, or one of our own functions there does not."""


class UnsafeDatabase(StoreFault):
    """The database may lose what it confirmed, or has another schema. `problems` names each setting."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@contextmanager
def store_faults() -> Iterator[None]:
    """Turns what asyncpg and the socket below it raise into StoreFault. Details carry no row values."""
    try:
        yield
    except asyncpg.PostgresError as fault:
        # str(fault) may quote values; the SQLSTATE and its name do not.
        raise _kind(fault.sqlstate or "")(f"{type(fault).__name__} ({fault.sqlstate})") from None
    except (TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as fault:
        # InternalClientError too: asyncpg's answer on a connection that the server ended while it was idle.
        raise StoreFault(f"{type(fault).__name__}: connection to the database lost or refused") from None


def _kind(sqlstate: str) -> type[StoreFault]:
    """Class 22: data, 23: constraints. P0002 is raised by our own functions alone."""
    if sqlstate.startswith(("22", "23")):
        return RowFault
    return {"P0002": OverFault, "42501": RightFault}.get(sqlstate, StoreFault)

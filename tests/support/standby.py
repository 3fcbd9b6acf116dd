"""A standby that does not come: commits wait for it, and tests end such waits in every way."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import asyncpg

from .world import until

_WAITING = """
SELECT pid, application_name, query FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'SyncRep'
"""
END_STATEMENT = "SELECT pg_cancel_backend($1)"
END_SESSION = "SELECT pg_terminate_backend($1)"


async def name_standby(owner: asyncpg.Connection, name: str) -> None:
    """Says whom commits wait for from now on; the empty name: nobody."""
    await owner.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await owner.execute("SELECT pg_reload_conf()")

    async def in_force() -> bool:
        return bool(await owner.fetchval("SHOW synchronous_standby_names") == name)

    await until(in_force, 60)


async def waiting_for_standby(owner: asyncpg.Connection, role: str) -> list[int]:
    """The sessions of a door's role whose commit waits, once there is one."""

    async def found() -> list[int]:
        return [row["pid"] for row in await owner.fetch(_WAITING) if row["application_name"].startswith(role)]

    pids: list[int] = await until(found, 60)
    return pids


async def ended(owner: asyncpg.Connection, how: str, work: Awaitable[Any], sparing: str | None = None) -> Any:
    """Lets work go on by ending, in one way, every wait for the standby, but for queries with such a word."""
    task = asyncio.ensure_future(work)

    async def over() -> bool:
        for row in await owner.fetch(_WAITING):
            if sparing is None or sparing not in row["query"]:
                await owner.execute(how, row["pid"])
        return task.done()

    await until(over, 120)
    return await task

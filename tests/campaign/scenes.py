"""場面: moments at which one harm is decisive, brought about by waiting for them, not by chance.

Each scene works on any server: on a sound one it must leave nothing behind. `visible` waits for what a
planted fault shows meanwhile.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from judge.evidence import entries
from jukinet_daemon.sim.line import Harm
from jukinet_daemon.sim.municipality import MunicipalCs

from .planted import GATE
from .prefecture import Prefecture
from .program import poll

SEEN_S = 60.0
Life = list[dict[str, Any]]
Scene = Callable[[Prefecture, MunicipalCs, Life, "Visible"], Awaitable[None]]
Visible = Callable[[Prefecture, Life], Awaitable[None]]


async def nothing_visible(_prefecture: Prefecture, _life: Life) -> None:
    """A sound server shows nothing."""


async def answered(prefecture: Prefecture, life: Life) -> None:
    """Waits until every notice of a life has its answer in its sender's journal."""
    ids = {notice["id"] for notice in life}

    def told() -> bool:
        journals = prefecture.journals.glob("*.ndjson")
        lines = [line for journal in journals for line in entries(journal) if line["event"] == "answered"]
        return ids <= {line["id"] for line in lines}

    await poll(told, SEEN_S, "an answer")


@asynccontextmanager
async def holding(prefecture: Prefecture, sql: str) -> AsyncIterator[None]:
    """Keeps what a statement locks until the block ends."""
    connection = await asyncpg.connect(prefecture.dsn)
    try:
        async with connection.transaction():
            await connection.execute(sql)
            yield
    finally:
        await connection.close()


async def someone_waits(prefecture: Prefecture) -> list[str]:
    """Waits until a session stands before a lock; gives the process ids of those."""
    found: list[str] = []

    def look() -> bool:
        waiting = "SELECT DISTINCT pid FROM pg_locks WHERE NOT granted"
        found[:] = prefecture.sql(waiting).split()
        return bool(found)

    await poll(look, SEEN_S, "a session that waits")
    return found


async def session_lost_before_commit(p: Prefecture, cs: MunicipalCs, life: Life, visible: Visible) -> None:
    """The database ends the session that is about to write the first notice, and the daemon is killed."""
    async with holding(p, "LOCK TABLE inbox IN SHARE MODE"):
        cs.post(life)
        waiting = await someone_waits(p)
        await visible(p, life)
        _terminate(p, waiting)
        p.daemon.kill()
        await p.daemon.ended()
    await p.daemon.ensure()


async def session_lost_while_committing(p: Prefecture, cs: MunicipalCs, life: Life, visible: Visible) -> None:
    """The database ends the session before it has written anything; the daemon lives on."""
    async with holding(p, "LOCK TABLE inbox IN SHARE MODE"):
        cs.post(life)
        _terminate(p, await someone_waits(p))
        await visible(p, life)


async def session_lost_at_the_gate(p: Prefecture, cs: MunicipalCs, life: Life, visible: Visible) -> None:
    """The session ends between two transactions: of a planted procedure, or before the closing one."""
    gate = f"SELECT pg_advisory_xact_lock({GATE})"
    async with holding(p, f"LOCK TABLE closing; {gate}"):
        cs.post(life)
        waiting = await someone_waits(p)
        await visible(p, life)
        _terminate(p, waiting)


async def line_cut_before_the_reply(p: Prefecture, cs: MunicipalCs, life: Life, visible: Visible) -> None:
    """The sender's line is reset when its notices are written and not yet answered."""
    (line,) = p.lines.values()
    async with holding(p, "LOCK TABLE closing"):
        cs.post(life)
        await someone_waits(p)
        await line.cut(Harm.RST)
    await visible(p, life)
    line.restore()


async def national_away(p: Prefecture, cs: MunicipalCs, life: Life, visible: Visible) -> None:
    """The national server cannot be reached while a person's notices come in."""
    await p.national_line.cut(Harm.RST)
    cs.post(life)
    await cs.done()
    await visible(p, life)
    p.national_line.restore()


_LAST_TOLD = """
SELECT payload::json ->> 'event' FROM ledger
WHERE payload LIKE '%"event":"relay_%' ORDER BY entry_id DESC LIMIT 1
"""


async def relay_parcel_lost(p: Prefecture, cs: MunicipalCs, life: Life, visible: Visible) -> None:
    """A parcel to the national server is sent and lost with its line."""
    sent = """SELECT count(*) FROM ledger WHERE payload LIKE '%"relay_sent"%'"""
    await poll(lambda: p.sql(_LAST_TOLD) == "relay_receipted", SEEN_S, "the receipt of what was sent before")
    before = p.sql(sent)
    await p.national_line.cut(Harm.HANG)
    cs.post(life)
    await poll(lambda: p.sql(sent) != before, SEEN_S, "a parcel to the national server")
    await visible(p, life)
    await p.national_line.cut(Harm.RST)
    p.national_line.restore()


async def receipt_lost(p: Prefecture, cs: MunicipalCs, life: Life, visible: Visible) -> None:
    """The national server has taken a parcel; it and the relay are killed before the receipt is stored."""
    ids = {notice["id"] for notice in life}

    def taken() -> bool:
        return bool(ids & {line["record"]["id"] for line in entries(p.national_journal)})

    async with holding(p, "LOCK TABLE receipt IN SHARE MODE"):
        cs.post(life)
        await poll(taken, SEEN_S, "a record at the national server")
        for program in (p.relay, p.national):
            program.kill()
            await program.ended()
    await visible(p, life)
    for program in (p.national, p.relay):
        await program.ensure()


def _terminate(prefecture: Prefecture, sessions: list[str]) -> None:
    for pid in sessions:
        prefecture.sql(f"SELECT pg_terminate_backend({pid})")

"""What pgbench is made to do is what a notice does: the same rows in the same tables, near in size."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from benchmarks.parcels import Press, code_of
from benchmarks.stage import SQL
from jukinet_daemon.schemas import read_areas
from support.store import Bench, bench, outcomes, session

TABLES = ("inbox", "person", "person_key", "history", "outbox", "ledger")
NEAR = 0.2
FIRST, ANOTHER = 1001, 1_000_020


async def _looked_at(owner: asyncpg.Connection) -> dict[str, tuple[int, int]]:
    """How many rows each table has, and how many bytes they have together."""
    found = {}
    for name in TABLES:
        rows = await owner.fetch(f"SELECT count(*), coalesce(sum(pg_column_size(t.*)), 0) FROM {name} AS t")
        found[name] = (rows[0][0], rows[0][1])
    return found


async def _added(owner: asyncpg.Connection, before: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    now = await _looked_at(owner)
    return {name: (now[name][0] - before[name][0], now[name][1] - before[name][1]) for name in TABLES}


async def _by_call(owner: asyncpg.Connection, call: str) -> dict[str, tuple[int, int]]:
    before = await _looked_at(owner)
    await owner.execute(f"SELECT take_record({call})")
    return await _added(owner, before)


async def _by_notice(
    owner: asyncpg.Connection, door: Bench, notice: dict[str, Any]
) -> dict[str, tuple[int, int]]:
    before = await _looked_at(owner)
    sender = next(s for s in read_areas().senders if read_areas().may_write(s, notice["area"]))
    assert outcomes(await door.receive(notice, sender=sender)) == ["ACCEPTED"]
    return await _added(owner, before)


@pytest.mark.parametrize("reads", ["true", "false"])
async def test_a_call_writes_what_a_notice_writes(new_database: Callable[[str], str], reads: str) -> None:
    press = Press(read_areas().senders)
    dsn = new_database("juki")
    async with bench(dsn) as door, session(dsn) as owner:
        await owner.execute((SQL / "record.sql").read_text("utf-8"))
        await owner.execute(f"SELECT setval('person_number', {FIRST - 1})")
        entered = await _by_call(owner, f"0, true, {reads}")
        assert await owner.fetchval("SELECT value FROM person_key") == code_of(FIRST)
        pairs = (
            (entered, await _by_notice(owner, door, press.entry(ANOTHER))),
            (
                await _by_call(owner, f"{FIRST}, false, {reads}"),
                await _by_notice(owner, door, press.correction(ANOTHER)),
            ),
        )
    for call, notice in pairs:
        assert {name: rows for name, (rows, _) in call.items()} == {
            name: n for name, (n, _) in notice.items()
        }
        apart = {n: (call[n][1], notice[n][1]) for n in TABLES if abs(call[n][1] - notice[n][1]) > 20}
        assert {n: sizes for n, sizes in apart.items() if abs(sizes[0] - sizes[1]) > NEAR * sizes[1]} == {}

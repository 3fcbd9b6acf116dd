"""Those who lock several persons at once lock them in one order: none of them ends in a deadlock."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from jukinet_daemon.ledger.leaf import leaf_of, new_salt
from jukinet_daemon.store.bridge_release import Burning, ReleaseStore
from jukinet_daemon.store.pool import open_database
from support.notices import juki_change, resident_code
from support.store import VAULT, bench, holding, outcomes, session, waiting_calls
from support.world import until

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"


def both(first: str, second: str) -> dict[str, Any]:
    """A 修正 that names two persons: it is held, and both wait (H213)."""
    return juki_change(
        change="code_correction",
        cause="code_change_request",
        previous_code=first,
        person={"resident_code": second},
    )


def burning(code: str, expected: int, request_id: str | None = None) -> Burning:
    request, case = request_id or str(uuid4()), str(uuid4())
    evidence = leaf_of(
        json.dumps({"event": "bridge_refused", "request": request, "code": "B320"}), new_salt()
    )
    return Burning(request, case, "a", "b", "c", "t", "B320", code, expected, evidence)


async def blocked(watcher: asyncpg.Connection, how_many: int) -> None:
    async def look() -> bool:
        return bool(await watcher.fetchval(BLOCKED) >= how_many)

    await until(look)


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0)])
async def test_a_burning_and_a_batch_about_the_same_two_persons(
    new_database: Callable[[str], str], numbers: tuple[int, int]
) -> None:
    """The batch has its first person and waits for its second; the burning comes in the other order."""
    dsn = new_database("juki")
    codes = [resident_code(), resident_code()]
    database = await open_database(dsn, "juki", "jukinet_bridge")
    try:
        async with bench(dsn) as desk, session(dsn) as watcher:
            entries = [juki_change(person={"resident_code": code}) for code in codes]
            assert outcomes(await desk.receive(*entries)) == ["ACCEPTED"] * 2
            one, two = (codes[number] for number in numbers)
            shared = (
                "SELECT FROM person WHERE person_id = (SELECT person_id FROM person_key"
                f" WHERE value = '{two}') FOR SHARE"
            )
            async with holding(dsn, shared):
                batch = asyncio.create_task(desk.receive(both(one, two)))
                await waiting_calls(watcher)
                burns = ReleaseStore(database, VAULT).burn([burning(two, 1), burning(one, 1)])
                burnt = asyncio.create_task(burns)
                # It ends at once where it needs nobody who is locked; elsewise it waits, holding nothing.
                waiting = asyncio.create_task(blocked(watcher, 2))
                await asyncio.wait({burnt, waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
            assert outcomes(await batch) == ["HELD"]
            assert set(await burnt) in ({"done"}, {"moved"})
    finally:
        await database.close()


async def test_two_burnings_of_the_same_requests_in_opposite_order(
    new_database: Callable[[str], str],
) -> None:
    """Each has its first one, and both wait for the one between."""
    dsn = new_database("juki")
    ids = [str(UUID(int=number)) for number in (1, 2, 3)]
    burnings = [burning(str(place), 0, request_id) for place, request_id in enumerate(ids)]
    between = f"INSERT INTO bridge_answer SELECT '{ids[1]}', '{ids[1]}', 'a', 'b', 'c', 't', NULL, 'B320'"
    database = await open_database(dsn, "juki", "jukinet_bridge")
    try:
        store = ReleaseStore(database, VAULT)
        async with session(dsn) as watcher, session(dsn) as other:
            transaction = other.transaction()
            await transaction.start()
            await other.execute(between)
            forth = asyncio.create_task(store.burn(burnings))
            back = asyncio.create_task(store.burn(burnings[::-1]))
            await blocked(watcher, 2)
            await transaction.rollback()
        assert sorted([await forth, await back]) == [["burnt"] * 3, ["done"] * 3]
    finally:
        await database.close()

"""A row that the database refuses: what is about the same person does not overtake it (ADR 0005, H290)."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from support.notices import departure, fuhyo_change, juki_change, resident_code
from support.store import Bench, bench, session


@pytest.fixture
def dsn(new_database: Callable[[str], str]) -> str:
    return new_database("juki")


@pytest.fixture
async def desk(dsn: str) -> AsyncIterator[Bench]:
    async with bench(dsn) as opened:
        yield opened


def entry_of(code: str, **more: Any) -> dict[str, Any]:
    return juki_change(person={"resident_code": code}, **more)


def correction_of(code: str, **more: Any) -> dict[str, Any]:
    return entry_of(code, change="correction", cause="correction_ex_officio", **more)


async def codes(desk: Bench, *notices: dict[str, Any]) -> list[str]:
    return [json.loads(answer.text)["code"] for answer in await desk.receive(*notices)]


async def refuse(owner: asyncpg.Connection, table: str, bad: dict[str, Any]) -> None:
    await owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT no CHECK (notice_id <> '{bad['id']}')")


async def test_what_follows_a_held_stranger_queues_behind(desk: Bench, owner: asyncpg.Connection) -> None:
    """In the same parcel and in a later one; and everybody else is answered."""
    code = resident_code()
    bad = entry_of(code)
    await refuse(owner, "history", bad)
    assert await codes(desk, bad, correction_of(code), juki_change()) == ["H290", "H200", "A100"]
    assert await codes(desk, correction_of(code)) == ["H200"]
    assert await owner.fetchval("SELECT waiting FROM person WHERE waiting > 0") == 3


async def test_what_follows_a_notice_that_stays_later_stays_later(
    desk: Bench, owner: asyncpg.Connection
) -> None:
    code = resident_code()
    bad = entry_of(code)
    await refuse(owner, "inbox", bad)
    life = [bad, correction_of(code), correction_of(code)]
    assert await codes(desk, *life, juki_change()) == ["L500", "L500", "L500", "A100"]
    await owner.execute("ALTER TABLE inbox DROP CONSTRAINT no")
    assert await codes(desk, *life) == ["A100"] * 3


async def test_nor_does_it_overtake_under_another_key(desk: Bench, owner: asyncpg.Connection) -> None:
    """Two codes of one person, none of which the two notices share."""
    old, new = resident_code(), resident_code()
    change = juki_change(
        change="code_correction",
        cause="code_change_request",
        previous_code=old,
        person={"resident_code": new},
    )
    assert await codes(desk, entry_of(old), change) == ["A100", "A100"]
    bad = correction_of(old)
    await refuse(owner, "inbox", bad)
    assert await codes(desk, bad, departure(resident_code=new), juki_change()) == ["L500", "L500", "A100"]


async def test_nor_under_a_record_key_of_one_who_is_known_by_both(
    new_database: Callable[[str], str],
) -> None:
    dsn = new_database("fuhyo")
    entry = fuhyo_change()
    bad = fuhyo_change(change="correction", record_key=..., person=entry["person"])
    by_key = fuhyo_change(
        change="correction", record_key=entry["record_key"], person=entry["person"] | {"resident_code": ...}
    )
    async with bench(dsn, "fuhyo") as desk, session(dsn) as owner:
        assert await codes(desk, entry) == ["A100"]
        await refuse(owner, "inbox", bad)
        assert await codes(desk, bad, by_key, fuhyo_change()) == ["L500", "L500", "A100"]

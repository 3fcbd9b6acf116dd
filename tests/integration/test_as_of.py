"""Questions about the past, asked of what a real server stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from conftest import HouseMaker
from jukinet_daemon.domain.as_of import Recorded, as_of
from jukinet_daemon.domain.change import Change
from jukinet_daemon.domain.notice import Key, KeyKind
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.history import History
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.keyring import Keyring, read_keyring
from support.notices import departure, fuhyo_change, individual_number, juki_change, resident_code
from support.store import CLOCK
from support.world import House

OMUTA = "402028"
TICK = timedelta(microseconds=1)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def history_of(house: House, vault: Vault | None = None) -> AsyncIterator[History]:
    database = await open_database(house.dsn, house.register, "jukinet_history")
    try:
        yield History(database, vault or Vault(read_keyring(house.config.keys.ring)))
    finally:
        await database.close()


def code_key(code: str) -> Key:
    return Key(KeyKind.CODE, code)


def days_ago(days: int) -> str:
    return (CLOCK().date() - timedelta(days=days)).strftime("%Y%m%d")


def day_of(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def changes(history: list[Recorded]) -> list[Change]:
    return [entry.record.notice.change for entry in history]


async def tell(house: House, municipality: str, *notices: dict[str, Any]) -> list[str]:
    async with house.line(municipality) as line:
        return [answer.code for answer in await line.tell(*notices)]


async def test_a_move_seen_from_both_sides_of_the_late_deletion(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    entry = juki_change(event_date=days_ago(30))
    who = {"person": entry["person"], "foreign": False}
    move_in = juki_change(area=OMUTA, change="entry", cause="domestic_move_in", event_date=days_ago(5), **who)
    move_out = juki_change(change="deletion", cause="domestic_move_out", event_date=days_ago(8), **who)
    left = departure(resident_code=entry["person"]["resident_code"])
    assert await tell(house, "401307", entry) == ["A100"]
    assert await tell(house, OMUTA, move_in) == ["A100"]
    assert await tell(house, "401307", left, move_out) == ["A110", "A100"]

    async with history_of(house) as history:
        told = await history.of(code_key(entry["person"]["resident_code"]))
    assert [entry.record.version for entry in told] == [1, 2, 4]
    assert told[0].record.notice.person.individual_number == entry["person"]["individual_number"]
    assert told[0].record.notified_on == told[0].recorded_at.astimezone(CLOCK().tzinfo).date()
    moments = [entry.recorded_at for entry in told]
    assert moments == sorted(moments)

    def said(known_at: datetime, event: str) -> str | None:
        found = as_of(told, known_at, day_of(event))
        return found.notice.id if found else None

    between, after = moments[2] - TICK, FOREVER
    assert said(moments[0] - TICK, days_ago(10)) is None
    assert said(between, days_ago(6)) == entry["id"]
    assert said(after, days_ago(6)) == move_out["id"]
    assert said(between, days_ago(5)) == said(after, days_ago(5)) == move_in["id"]
    assert said(after, days_ago(9)) == entry["id"]
    assert said(after, days_ago(31)) is None


@pytest.mark.parametrize("register", ["juki", "fuhyo"])
async def test_every_code_past_or_present_gives_the_whole_history(
    open_house: HouseMaker, register: str
) -> None:
    house = await open_house(register, national=False)
    make = {"juki": juki_change, "fuhyo": fuhyo_change}[register]
    cause = {"juki": {"cause": "code_change_request"}, "fuhyo": {"record_key": "F-1"}}[register]
    entry = make(**({} if register == "juki" else cause))
    codes = [entry["person"]["resident_code"], resident_code(), resident_code()]
    chain = [
        make(
            change="code_correction",
            previous_code=old,
            person=entry["person"] | {"resident_code": new},
            **cause,
        )
        for old, new in pairwise(codes)
    ]
    assert await tell(house, "401307", entry, *chain) == ["A100"] * 3
    async with history_of(house) as history:
        told = [await history.of(code_key(code)) for code in codes]
        assert await history.of(code_key(resident_code())) == []
        if register == "fuhyo":
            told.append(await history.of(Key(KeyKind.RECORD, "401315/F-1")))
    assert all(one == told[0] for one in told)
    assert changes(told[0]) == [Change.ENTRY, Change.CODE_CORRECTION, Change.CODE_CORRECTION]
    now = as_of(told[0], FOREVER, date(2026, 12, 31))
    assert now is not None
    assert now.notice.person.resident_code == codes[-1]


async def test_a_number_in_the_history_opens_only_with_the_key(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    old, new = individual_number(), individual_number()
    entry = juki_change(person={"individual_number": old})
    changed = juki_change(
        change="number_correction",
        cause="number_change_request",
        previous_number=old,
        person=entry["person"] | {"individual_number": new},
    )
    assert await tell(house, "401307", entry, changed) == ["A100"] * 2
    key = code_key(entry["person"]["resident_code"])
    async with history_of(house) as history:
        first, second = await history.of(key)
    assert (first.record.notice.person.individual_number, second.record.notice.previous_number) == (old, old)
    assert second.record.notice.person.individual_number == new
    async with history_of(house, Vault(Keyring({1: bytes(32)}, 1, bytes(32)))) as history:
        with pytest.raises(StoreFault, match="cannot be opened"):
            await history.of(key)


async def test_a_planned_departure_is_seen_before_its_day(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    entry = juki_change(event_date=days_ago(30))
    planned = days_ago(-20)
    leaving = juki_change(
        change="deletion", cause="overseas_move_out", event_date=planned, person=entry["person"]
    )
    assert await tell(house, "401307", entry, leaving) == ["A100"] * 2
    async with history_of(house) as history:
        told = await history.of(code_key(entry["person"]["resident_code"]))
    found = [as_of(told, FOREVER, day_of(planned) - timedelta(days=days)) for days in (1, 0)]
    assert [record.notice.id for record in found if record] == [entry["id"], leaving["id"]]

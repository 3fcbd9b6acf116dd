"""Daily comparison: both sides count a day by kind; what differs is told, to the sender too."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conftest import HouseMaker
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.journal import Journal, read_journal
from jukinet_daemon.sim.municipality import Answered, MunicipalCs, Window
from support.comparison import COUNTS, some_notices, tally, today
from support.notices import fuhyo_change, juki_change
from support.world import FUKUOKA, KITAKYUSHU, House


async def report_of(house: House) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{house.health_url}/healthz") as answer:
        return await answer.json()


@pytest.fixture
async def house(open_house: HouseMaker) -> House:
    opened: House = await open_house(national=False)
    return opened


async def test_both_sides_count_the_same(house: House) -> None:
    async with house.line() as line:
        await some_notices(line)
        async with house.line(KITAKYUSHU) as other:
            await other.tell(juki_change(area="401013"))
        reply = await line.exchange(tally(line, COUNTS))
    assert reply.comparison.differing == []
    assert reply.comparison.day == today().isoformat()
    assert reply.comparison.counts["entry"].model_dump() == {"accepted": 2, "held": 0, "refused": 1}
    told = (await report_of(house))["comparison"]
    assert told == {"compared": 1, "newest": today().isoformat(), "national": None, "differing": []}
    leaves = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%days_compared%'")
    assert len(leaves) == 1


async def test_a_difference_is_named_until_the_day_agrees(house: House) -> None:
    async with house.line() as line:
        await some_notices(line)
        reply = await line.exchange(tally(line, COUNTS | {"correction": (2, 0, 0), "deletion": (0, 1, 0)}))
        assert reply.comparison.differing == ["correction", "deletion"]
        problems = [p for p in (await report_of(house))["problems"] if "daily counts" in p]
        assert len(problems) == 2
        assert FUKUOKA in problems[0]
        assert today().isoformat() in problems[0]
        assert "先方 適用 2 保留 0 拒否 0, 当方 適用 1 保留 0 拒否 0" in problems[0]
        await line.exchange(tally(line, COUNTS))
    assert not [p for p in (await report_of(house))["problems"] if "daily counts" in p]


async def test_a_day_is_that_of_the_answers(house: House) -> None:
    async with house.line() as line:
        await some_notices(line)
        reply = await line.exchange(tally(line, {}, day=today() - timedelta(days=1)))
    assert (reply.comparison.counts, reply.comparison.differing) == ({}, [])


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"sender": KITAKYUSHU}, ("P402", "sender")),
        ({"register": "fuhyo"}, ("P403", "register")),
        ({"day": date(2999, 1, 1)}, ("P401", "day")),
        ({"counts": {"birth": (1, 0, 0)}}, ("P401", "counts")),
        ({"counts": {"entry": (-1, 0, 0)}}, ("P401", "counts")),
    ],
)
async def test_a_tally_that_is_none_is_refused_and_the_line_goes_on(
    house: House, changes: dict[str, Any], refusal: tuple[str, str]
) -> None:
    async with house.line() as line:
        reply = await line.exchange(tally(line, **({"counts": {}} | changes)))
        assert (reply.refused.code, reply.refused.field) == refusal
        assert (await line.tell(juki_change()))[0].code == "A100"


@pytest.mark.parametrize(("register", "notice"), [("juki", juki_change), ("fuhyo", fuhyo_change)])
async def test_a_cs_compares_yesterday_by_itself_and_today_when_asked(
    open_house: HouseMaker, tmp_path: Path, register: str, notice: Any
) -> None:
    house = await open_house(register, national=False)
    answered: list[Answered] = []
    journal = Journal(tmp_path / "cs.ndjson")
    window = Window(register, FUKUOKA, house.notices_url, house.pki.caller(Role.CS, FUKUOKA, register))
    cs = MunicipalCs(window, journal, answered.append)
    work = asyncio.create_task(cs.run())
    try:
        cs.post([notice() for _ in range(120)])
        cs.compare(today())
        async with asyncio.timeout(60):
            await cs.done()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        journal.close()
    compared = [entry for entry in read_journal(journal.path) if entry["event"] == "compared"]
    assert {entry["day"] for entry in compared} >= {today().isoformat()}
    assert [entry["differing"] for entry in compared] == [[]] * 2
    (row,) = await house.rows("SELECT ours FROM comparison WHERE day = $1", today())
    assert '"accepted": 120' in row["ours"]

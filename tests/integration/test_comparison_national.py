"""日次照合 with the national server: what it has of a day beside what it has receipted."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from conftest import HouseMaker
from jukinet_daemon.keys import signing_key, verifying_key
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.compare_relayed import RelayedComparer, days_due
from jukinet_daemon.sim.national import NationalServer
from jukinet_daemon.store.comparison import Comparisons
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.wire.envelope import REPLY_TYPE, SigningKey, VerifyingKey, unseal
from jukinet_daemon.wire.reply import read_reply
from support.national import FallingNational, national, national_of, relay_of, relayed
from support.notices import fuhyo_change, juki_change
from support.store import session
from support.world import House, Pki, until

TOKYO = ZoneInfo("Asia/Tokyo")
TODAY = datetime.now(TOKYO).date()
YESTERDAY = TODAY - timedelta(days=1)


class Yesterdays(NationalServer):
    """Takes every record as of yesterday, so that the day may be compared at once."""

    def _today(self) -> date:
        return YESTERDAY


class Losing(Yesterdays):
    """Answers for the first record it is sent as if it had taken it, and has it nowhere."""

    lost = False

    def _judge(self, prefecture: str, record: dict[str, Any], digest: str) -> dict[str, Any]:
        entry = super()._judge(prefecture, record, digest)
        if not self.lost:
            self.lost, entry["prefecture"] = True, "nowhere"
        return entry


class Doubling(Yesterdays):
    """Writes down twice what it takes."""

    def _take(self, parcel: Any, digest: str) -> list[str]:
        answers = super()._take(parcel, digest)
        self._journal.write(self._judge(parcel.sender, record, digest) for record in parcel.notices)
        return answers


class Midnight(FallingNational):
    """Takes the first parcel before midnight; its receipt is lost; when it comes again it is tomorrow."""

    def _today(self) -> date:
        return TODAY if self.fallen else YESTERDAY


class Old(Yesterdays):
    """Knows of no tally."""

    asked = 0

    def _compare(self, signed: str, _key: VerifyingKey, now: str) -> bytes:
        type(self).asked += 1
        return self._refuse(signed[:43], now)


async def report_of(house: House) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{house.health_url}/healthz") as answer:
        return await answer.json()


async def compared_of(house: House) -> Any:
    """The comparisons that were kept, once there is one."""

    async def look() -> Any:
        return await house.rows("SELECT * FROM comparison WHERE peer = 'national' ORDER BY comparison_id")

    return await until(look)


async def tell(house: House, *notices: Any) -> None:
    async with house.line() as line:
        assert {answer.code for answer in await line.tell(*notices)} == {"A100"}


def some() -> list[Any]:
    entry = juki_change()
    return [
        entry,
        juki_change(),
        juki_change(change="correction", cause="minor_correction", person=entry["person"]),
    ]


async def test_both_count_the_same(open_house: HouseMaker, pki: Pki, tmp_path: Path) -> None:
    house = await open_house("juki", national=False)
    await tell(house, *some())
    async with national(pki, tmp_path / "n", kind=Yesterdays) as url, relay_of(house, url=url):
        (row,) = await compared_of(house)
    assert (row["day"], row["differing"]) == (YESTERDAY, [])
    assert row["ours"] == row["theirs"]
    assert '"entry": {"held": 0, "refused": 0, "accepted": 2}' in row["ours"]
    key = verifying_key(load_certificate(pki.files(Role.NATIONAL, "juki").certificate))
    assert read_reply(unseal(row["signed"], REPLY_TYPE, key)).comparison is not None
    report = await report_of(house)
    assert report["comparison"]["national"] == YESTERDAY.isoformat()
    assert not [text for text in report["problems"] if "counts a day otherwise" in text]
    (leaf,) = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%days_compared%'")
    assert '"sender":"national"' in leaf["payload"]


async def test_the_other_register_compares_too(open_house: HouseMaker, pki: Pki, tmp_path: Path) -> None:
    house = await open_house("fuhyo", national=False)
    await tell(house, fuhyo_change())
    files = pki.files(Role.NATIONAL, "fuhyo")
    async with (
        national_of(files, tmp_path / "n", kind=Yesterdays, register="fuhyo") as url,
        relay_of(house, url=url),
    ):
        (row,) = await compared_of(house)
    assert ('"entry"' in row["theirs"], row["differing"]) == (True, [])


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        (Losing, "先方 適用 1 保留 0 拒否 0, 当方 適用 2"),
        (Doubling, "先方 適用 2 保留 0 拒否 2, 当方 適用 2"),
    ],
)
async def test_what_it_lost_or_has_twice_is_a_problem(
    open_house: HouseMaker, pki: Pki, tmp_path: Path, kind: type[NationalServer], theirs: str
) -> None:
    house = await open_house("juki", national=False)
    await tell(house, juki_change(), juki_change())
    async with national(pki, tmp_path / "n", kind=kind) as url, relay_of(house, url=url):
        (row,) = await compared_of(house)
    assert row["differing"] == ["entry"]
    (problem,) = [text for text in (await report_of(house))["problems"] if "counts a day otherwise" in text]
    assert problem.startswith(f"全国サーバ: {YESTERDAY} の entry の件数が食い違う ({theirs}")


async def test_records_under_way_at_midnight_are_no_difference(
    open_house: HouseMaker, pki: Pki, tmp_path: Path
) -> None:
    house = await open_house("juki", national=False)
    await tell(house, *some())
    async with national(pki, tmp_path / "n", kind=Midnight) as url, relay_of(house, url=url):
        (row,) = await compared_of(house)
        assert await relayed(house)
        await tell(house, juki_change())
        await until(lambda: relayed(house))
    assert (row["day"], row["differing"], "entry" in row["ours"]) == (YESTERDAY, [], True)
    days = await house.rows("SELECT received_on, count(*) FROM outbox GROUP BY 1 ORDER BY 1")
    assert [tuple(day.values()) for day in days] == [(YESTERDAY, 3), (TODAY, 1)]


async def test_a_national_server_that_knows_no_tally_is_relayed_to_all_the_same(
    open_house: HouseMaker, pki: Pki, tmp_path: Path
) -> None:
    house = await open_house("juki", national=False)
    async with national(pki, tmp_path / "n", kind=Old) as url, relay_of(house, url=url):

        async def asked() -> bool:
            return Old.asked > 0

        await until(asked)
        await tell(house, juki_change())
        await until(lambda: relayed(house))
    assert Old.asked == 1
    assert (await report_of(house))["comparison"]["national"] is None


@asynccontextmanager
async def comparer(dsn: str, clock: Clock) -> AsyncIterator[RelayedComparer]:
    """Without a line: what it would ask next."""
    database = await open_database(dsn, "juki", "jukinet_relay")
    try:
        yield RelayedComparer("juki", "400009", Comparisons(database), clock)
    finally:
        await database.close()


async def asked_for(one: RelayedComparer, key: SigningKey) -> list[date]:
    days = []
    while asked := await one.ask(key):
        days.append(asked.day)
    return days


async def test_a_clock_that_ran_ahead_puts_no_comparison_off(
    new_database: Callable[[str], str], pki: Pki
) -> None:
    now = datetime.now(TOKYO)
    key = signing_key(pki.files(Role.PREF, "juki"))
    async with comparer(new_database("juki"), lambda: now) as one:
        now += timedelta(days=90)
        assert await asked_for(one, key) == [(now - timedelta(minutes=10)).date() - timedelta(days=1)]
        now -= timedelta(days=90)
        assert await asked_for(one, key) == [(now - timedelta(minutes=10)).date() - timedelta(days=1)]


async def test_a_day_that_was_compared_before_it_had_ended_is_compared_again(
    new_database: Callable[[str], str], pki: Pki
) -> None:
    """As it is left behind by a clock that ran three days ahead."""
    dsn, now = new_database("juki"), datetime.now(TOKYO) + timedelta(days=1)
    today = (now - timedelta(minutes=10)).date()
    compared = (
        "INSERT INTO comparison (peer, day, signed, theirs, ours, differing, compared_at)"
        " VALUES ('national', $1, '', '{}', '{}', '{}', $2)"
    )
    async with session(dsn) as owner, comparer(dsn, lambda: now) as one:
        # Of these one was over when it was compared; one was not; one was compared later than now.
        await owner.execute(compared, today - timedelta(days=3), now - timedelta(days=2))
        await owner.execute(compared, today - timedelta(days=2), now - timedelta(days=2))
        await owner.execute(compared, today - timedelta(days=1), now + timedelta(days=2))
        due = await asked_for(one, signing_key(pki.files(Role.PREF, "juki")))
        assert due == [today - timedelta(days=2), today - timedelta(days=1)]


def test_days_are_due_until_they_agree() -> None:
    day = date(2026, 11, 20)
    before = [day - timedelta(days=n) for n in range(30)]
    assert days_due({}, day) == [before[1]]
    assert days_due({before[1]: False}, day) == []
    assert days_due({before[5]: True, before[4]: False}, day) == [before[n] for n in (5, 3, 2, 1)]
    assert days_due({before[29]: False}, day) == [before[n] for n in range(14, 0, -1)]

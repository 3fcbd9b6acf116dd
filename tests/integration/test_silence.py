"""Silence on a real database: what parcels teach, and who is told of, at a clock that the test sets."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from structlog.testing import capture_logs

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.service_hours import ServiceHours
from jukinet_daemon.loops.watch import WatchLoop
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.silence import LEARN_EVERY, Silence, silence_problems
from jukinet_daemon.store.pool import open_database
from support.store import holding, session
from support.world import FUKUOKA, KITAKYUSHU, until

TOKYO = ZoneInfo("Asia/Tokyo")
HOURS = ServiceHours()
OMUTA = "402028"
# In the order in which they are learnt.
THREE = Areas(read_areas()[code] for code in (KITAKYUSHU, FUKUOKA, OMUTA))
PARCEL = (
    "INSERT INTO parcel (parcel_id, sender, number, digest, thumbprint, sealed, received_at)"
    " VALUES ($1, $2, $3, 'x', 'x', '', $4)"
)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), TOKYO)


def no_time_passes() -> float:
    return 0.0


async def written(dsn: str, until: dict[str, datetime]) -> None:
    """Parcels of six weeks, one every twenty minutes of service, of each sender until its last moment."""
    rows, day = [], date(2026, 10, 5)
    while day <= date(2026, 11, 24):
        if HOURS.is_service_day(day):
            for step in range(26):
                moment = at(day, 8, 31) + timedelta(minutes=20 * step)
                rows += [(sender, moment) for sender, last in until.items() if moment <= last]
        day += timedelta(days=1)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.executemany(
            PARCEL, [(number, sender, number, moment) for number, (sender, moment) in enumerate(rows, 1)]
        )
    finally:
        await connection.close()


async def test_a_clock_that_was_set_back_does_not_put_off_the_next_lesson(
    new_database: Callable[[str], str],
) -> None:
    dsn, now = new_database("juki"), at(date(2026, 12, 24), 9)
    database = await open_database(dsn, "juki", "jukinet_status")
    try:
        silence = Silence(database, read_areas(), lambda: now, HOURS, Metrics(), no_time_passes)
        assert (await silence.part())["known"] == 0
        await written(dsn, {FUKUOKA: at(date(2026, 11, 24), 9)})
        now = at(date(2026, 11, 24), 9)
        assert (await silence.part())["known"] == 1
    finally:
        await database.close()


@pytest.mark.parametrize("moved", [LEARN_EVERY + timedelta(seconds=1), -LEARN_EVERY - timedelta(seconds=1)])
async def test_health_learns_one_after_another_and_keeps_what_it_learnt(
    new_database: Callable[[str], str], moved: timedelta
) -> None:
    """Each look at the monotonic clock is a second later: a question has time for one lesson."""
    dsn, now = new_database("juki"), at(date(2026, 11, 24), 17)
    last = at(date(2026, 11, 24), 9)
    await written(dsn, {KITAKYUSHU: last, FUKUOKA: last, OMUTA: last})
    database = await open_database(dsn, "juki", "jukinet_status")
    try:
        silence = Silence(database, THREE, lambda: now, HOURS, Metrics(), count().__next__)

        async def asked() -> tuple[int, list[str]]:
            part = await silence.part()
            return part["known"], [item["code"] for item in part["silent"]]

        assert await asked() == (1, [KITAKYUSHU])
        assert await asked() == (2, [KITAKYUSHU, FUKUOKA])
        assert await asked() == (3, [KITAKYUSHU, FUKUOKA, OMUTA])
        async with session(dsn) as owner:
            await owner.execute("DELETE FROM parcel")
        now += LEARN_EVERY
        assert await asked() == (3, []), "nobody is learnt again before it is time"
        now += moved - LEARN_EVERY
        assert [await asked() for _ in range(4)] == [(2, []), (1, []), (0, []), (0, [])]
    finally:
        await database.close()


async def test_a_lesson_that_is_cut_off_keeps_off_no_other(new_database: Callable[[str], str]) -> None:
    dsn, now = new_database("juki"), at(date(2026, 11, 24), 9)
    await written(dsn, {KITAKYUSHU: now, OMUTA: now})
    database = await open_database(dsn, "juki", "jukinet_status")
    try:
        silence = Silence(database, THREE, lambda: now, HOURS, Metrics(), count().__next__)
        async with session(dsn) as watcher, holding(dsn, "LOCK TABLE parcel IN ACCESS EXCLUSIVE MODE"):
            question = asyncio.create_task(silence.part())
            waits = "SELECT 1 FROM pg_locks WHERE relation = 'parcel'::regclass AND NOT granted"
            await until(lambda: watcher.fetch(waits))
            question.cancel()
            await asyncio.gather(question, return_exceptions=True)
        assert [(await silence.part())["known"] for _ in range(3)] == [0, 1, 2]
    finally:
        await database.close()


async def test_the_watch_learns_everybody_in_one_look(new_database: Callable[[str], str]) -> None:
    dsn, now = new_database("juki"), at(date(2026, 11, 24), 17)
    await written(dsn, {KITAKYUSHU: at(date(2026, 11, 24), 9), OMUTA: at(date(2026, 11, 24), 9)})
    database = await open_database(dsn, "juki", "jukinet_watch")
    try:
        silence = Silence(database, THREE, lambda: now, HOURS, Metrics(), count().__next__)
        with capture_logs() as events:
            loop = WatchLoop((), None, silence)  # type: ignore[arg-type] # the numbers are not looked at here
            await loop._listen()
    finally:
        await database.close()
    assert [event["sender"] for event in events] == [KITAKYUSHU, OMUTA]


@pytest.mark.parametrize(
    ("now", "silent"),
    [
        (at(date(2026, 11, 24), 9), []),  # ten minutes of service since, and a long weekend
        (at(date(2026, 11, 24), 12), [KITAKYUSHU]),
        (at(date(2026, 11, 24), 18), []),  # in the evening nobody is there to be asked
        (at(date(2026, 11, 23), 12), []),  # 勤労感謝の日
    ],
)
async def test_planted_silence_is_told_and_a_holiday_is_not(
    new_database: Callable[[str], str], now: datetime, silent: list[str]
) -> None:
    dsn = new_database("juki")
    await written(
        dsn, {FUKUOKA: min(now, at(date(2026, 11, 24), 11, 50)), KITAKYUSHU: at(date(2026, 11, 20), 17)}
    )
    database = await open_database(dsn, "juki", "jukinet_status")
    try:
        silence = Silence(database, read_areas(), lambda: now, HOURS, Metrics(), no_time_passes)
        report: dict[str, Any] = {"silence": await silence.part()}
        with capture_logs() as events:
            loop = WatchLoop((), None, silence)  # type: ignore[arg-type] # the numbers are not looked at here
            await loop._listen()
    finally:
        await database.close()
    assert [item["code"] for item in report["silence"]["silent"]] == silent
    assert report["silence"]["known"] == 2
    assert [event["sender"] for event in events if event["event"] == "municipality_silent"] == silent
    assert [KITAKYUSHU in problem for problem in silence_problems(report)] == [True] * len(silent)

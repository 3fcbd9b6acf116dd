"""Silence: a municipality silent beyond its usual pattern is found; nights, weekends and holidays are not."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from jukinet_daemon.domain.service_hours import ServiceHours
from jukinet_daemon.domain.silence import LEAST_LIMIT_S, habit_of, silence_of

TOKYO = ZoneInfo("Asia/Tokyo")
HOURS = ServiceHours()
FIRST, LAST = date(2026, 9, 28), date(2026, 11, 20)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), TOKYO)


def days() -> Iterator[date]:
    day = FIRST
    while day <= LAST:
        if HOURS.is_service_day(day):
            yield day
        day += timedelta(days=1)


def history(seed: int, a_day: float) -> list[datetime]:
    """What a municipality of so many parcels a day sent in eight weeks."""
    dice = random.Random(seed)
    heard = []
    for day in days():
        moment = at(day, 8, 30) + timedelta(hours=dice.expovariate(a_day / 8.75))
        while moment < at(day, 17, 15):
            heard.append(moment)
            moment += timedelta(hours=dice.expovariate(a_day / 8.75))
    return heard


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (at(date(2026, 11, 24), 9), at(date(2026, 11, 24), 12), 3),
        (at(date(2026, 11, 20), 17), at(date(2026, 11, 24), 9), 0.75),  # over a long weekend
        (at(date(2026, 11, 21), 9), at(date(2026, 11, 23), 17), 0),  # Saturday to a holiday
        (at(date(2026, 12, 28), 8), at(date(2027, 1, 4), 9), 8.75 + 0.5),  # the turn of the year
        (at(date(2026, 11, 24), 20), at(date(2026, 11, 25), 7), 0),  # a night
    ],
)
def test_seconds_of_service_between_two_moments(start: datetime, end: datetime, hours: float) -> None:
    assert HOURS.between(start, end) == hours * 3600


@pytest.mark.parametrize("a_day", [0.4, 3, 60, 400])
@pytest.mark.parametrize("seed", range(10))
def test_planted_silence_is_found_and_a_usual_one_is_not(seed: int, a_day: float) -> None:
    heard = history(seed, a_day)
    habit = habit_of(heard, HOURS)
    assert habit.limit is not None
    assert habit.limit >= LEAST_LIMIT_S
    last = heard[-1]
    moment, found = last, None
    while found is None and moment < last + timedelta(days=90):
        moment += timedelta(minutes=15)
        silent = silence_of(last, moment, habit, HOURS)
        assert silent is None or silent > habit.limit
        found = silent
    assert found is not None
    assert found <= habit.limit + 900


def test_one_outage_in_the_past_does_not_teach_that_outages_are_usual() -> None:
    heard = history(1, 60)
    usual = habit_of(heard, HOURS)
    cut = [moment for moment in heard if not date(2026, 10, 14) <= moment.date() <= date(2026, 10, 16)]
    learnt = habit_of(cut, HOURS)
    assert learnt.usual == pytest.approx(usual.usual, rel=0.1)


@pytest.mark.parametrize(
    "now",
    [
        at(date(2026, 11, 23), 11),
        at(date(2026, 11, 22), 11),
        at(date(2026, 11, 24), 3),
        at(date(2026, 11, 24), 18),
    ],
)
def test_nobody_is_silent_while_offices_are_closed(now: datetime) -> None:
    habit = habit_of(history(2, 60), HOURS)
    assert silence_of(at(date(2026, 11, 10), 9), now, habit, HOURS) is None


def test_planted_closed_day_is_no_silence() -> None:
    heard = [moment for moment in history(3, 60) if moment.date() < date(2026, 11, 19)]
    now = at(date(2026, 11, 20), 8, 45)
    assert silence_of(heard[-1], now, habit_of(heard, HOURS), HOURS) is not None
    closed = ServiceHours(closed=frozenset({date(2026, 11, 19)}))
    assert silence_of(heard[-1], now, habit_of(heard, closed), closed) is None


def test_of_whom_little_is_known_nothing_is_said() -> None:
    heard = history(4, 60)[:3]
    assert habit_of(heard, HOURS).limit is None
    assert silence_of(heard[-1], at(date(2026, 11, 20), 11), habit_of(heard, HOURS), HOURS) is None

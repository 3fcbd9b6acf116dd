"""休日: the days on which municipalities are closed, by law.

国民の祝日に関する法律 as it stands since 2022 (Acts for the Olympic Games moved some days of 2020 and 2021);
the equinoxes by the formula the almanac has followed since 1980, sound until 2099. A day made a holiday once,
by an Act of its own, is for whoever calls to add.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

# 2条: 元日, 建国記念の日, 天皇誕生日, 昭和の日, 憲法記念日, みどりの日, こどもの日, 山の日, 文化の日,
# 勤労感謝の日.
_FIXED = ((1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23))
# 2条: the how-manieth Monday: 成人の日, 海の日, 敬老の日, スポーツの日.
_MONDAYS = ((1, 2), (7, 3), (9, 3), (10, 2))
_SUNDAY = 6
_DAY = timedelta(days=1)


def is_closed(day: date) -> bool:
    """Whether offices are closed (地方自治法4条の2第2項): weekend, holiday, 12月29日 to 1月3日."""
    year_end = (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
    return year_end or day.weekday() >= _SUNDAY - 1 or is_holiday(day)


def is_holiday(day: date) -> bool:
    """Whether a day is a 休日 of the Act: a 国民の祝日, its substitute, or a day between two."""
    return day in holidays_of(day.year)


@cache
def holidays_of(year: int) -> frozenset[date]:
    """The 休日 of a year (3条)."""
    named = frozenset(_named(year))
    substitutes = {_substitute(day, named) for day in named if day.weekday() == _SUNDAY}
    between = {day + _DAY for day in named if day + 2 * _DAY in named and day + _DAY not in named}
    return named | substitutes | between


def _named(year: int) -> Iterator[date]:
    yield from (date(year, month, day) for month, day in _FIXED)
    for month, nth in _MONDAYS:
        first = date(year, month, 1)
        yield first + timedelta(days=-first.weekday() % 7 + 7 * (nth - 1))
    since = year - 1980
    yield date(year, 3, int(20.8431 + 0.242194 * since) - since // 4)
    yield date(year, 9, int(23.2488 + 0.242194 * since) - since // 4)


def _substitute(day: date, named: frozenset[date]) -> date:
    """3条2項: the nearest day after a 国民の祝日 on a Sunday that is none itself."""
    while day in named:
        day += _DAY
    return day

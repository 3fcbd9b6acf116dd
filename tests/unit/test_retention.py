"""The terms of 令30条の6 and 令30条の12の4: which notification starts them, and their last day."""

from calendar import isleap, monthrange
from datetime import date, timedelta

import pytest

from jukinet_daemon.domain.change import Change
from jukinet_daemon.domain.record import Record
from jukinet_daemon.domain.retention import erasable_on, keep_until, last_kept_day, term_starts
from support.records import record

ENTRY, DELETION, CORRECTION = Change.ENTRY, Change.DELETION, Change.CORRECTION


@pytest.mark.parametrize(
    ("start", "last", "erasable"),
    [
        (date(2026, 11, 23), date(2176, 11, 22), date(2176, 11, 23)),
        (date(2026, 1, 1), date(2175, 12, 31), date(2176, 1, 1)),
        # 2028 is a leap year, 2178 is not: the anniversary of 29 February is missing.
        (date(2028, 2, 28), date(2178, 2, 27), date(2178, 2, 28)),
        (date(2028, 2, 29), date(2178, 2, 28), date(2178, 3, 1)),
        (date(2028, 3, 1), date(2178, 2, 28), date(2178, 3, 1)),
        # 2176 is a leap year, 2026 is not: the day before 1 March is 29 February.
        (date(2026, 2, 28), date(2176, 2, 27), date(2176, 2, 28)),
        (date(2026, 3, 1), date(2176, 2, 29), date(2176, 3, 1)),
        # 2050 and 2200 are both common years though 2200 is divisible by four.
        (date(2050, 3, 1), date(2200, 2, 28), date(2200, 3, 1)),
    ],
)
def test_the_last_day_and_the_first_erasable_one(start: date, last: date, erasable: date) -> None:
    assert (last_kept_day(start), erasable_on(start)) == (last, erasable)


def test_every_day_of_400_years_has_its_term() -> None:
    day, end = date(2002, 8, 5), date(2402, 8, 5)
    while day < end:
        anniversary_year = day.year + 150
        # 民法143条2項, word by word: the day before the one that answers to it, or the end of that month.
        answers = day.day <= monthrange(anniversary_year, day.month)[1]
        if answers:
            assert last_kept_day(day) == day.replace(year=anniversary_year) - timedelta(days=1)
        else:
            assert (day.month, day.day) == (2, 29)
            assert not isleap(anniversary_year)
            assert last_kept_day(day) == date(anniversary_year, 2, 28)
        assert erasable_on(day) == last_kept_day(day) + timedelta(days=1)
        day += timedelta(days=1)


def test_a_term_past_the_calendar_is_an_error() -> None:
    with pytest.raises(ValueError, match="year"):
        last_kept_day(date(9850, 1, 1))


def on(day: int) -> date:
    return date(2026, 11, day)


def kept(day: int) -> date:
    return date(2176, 11, day) - timedelta(days=1)


@pytest.mark.parametrize(
    ("records", "until"),
    [
        ([], []),
        ([record(1, ENTRY, on(1))], [None]),
        # 一号: from the next notification; the newest record of a resident has no end.
        ([record(1, ENTRY, on(1)), record(2, CORRECTION, on(5))], [kept(5), None]),
        # 二号: a 消除 from its own, whether anything follows or not.
        ([record(1, ENTRY, on(1)), record(2, DELETION, on(5))], [kept(5), kept(5)]),
        (
            [record(1, ENTRY, on(1)), record(2, DELETION, on(5)), record(3, ENTRY, on(9))],
            [kept(5), kept(5), None],
        ),
        # Versions that are no records (転出確定, 保留) leave gaps and start nothing.
        ([record(1, ENTRY, on(1)), record(4, CORRECTION, on(7))], [kept(7), None]),
        # Whatever the area: B's 記載 starts the term of A's record, A's late 消除 that of B's.
        (
            [
                record(1, ENTRY, on(1)),
                record(2, ENTRY, on(10), area="402028"),
                record(3, DELETION, on(12), event_date="20261108"),
            ],
            [kept(10), kept(12), kept(12)],
        ),
        # Sent again under a new id, it is a notification of its own.
        (
            [record(1, ENTRY, on(1)), record(2, DELETION, on(5)), record(3, DELETION, on(6))],
            [kept(5), kept(5), kept(6)],
        ),
        # Held, and let go after what it had waited for: no term begins before its record came.
        ([record(2, ENTRY, on(29)), record(3, CORRECTION, on(20))], [kept(29), None]),
        ([record(2, ENTRY, on(29)), record(3, DELETION, on(20))], [kept(29), kept(20)]),
        # Two on one day: the term of the first starts on that day.
        ([record(1, DELETION, on(1)), record(2, ENTRY, on(1))], [kept(1), None]),
        # 異動年月日 has no part in it.
        (
            [
                record(1, ENTRY, on(1), event_date="20200401"),
                record(2, CORRECTION, on(5), event_date="00000000"),
            ],
            [kept(5), None],
        ),
    ],
)
def test_what_starts_the_term(records: list[Record], until: list[date | None]) -> None:
    assert keep_until(records) == until


def test_the_term_starts_where_the_law_counts_from() -> None:
    records = [record(1, ENTRY, on(1)), record(2, DELETION, on(5)), record(3, ENTRY, on(9))]
    assert term_starts(records) == [on(5), on(5), None]

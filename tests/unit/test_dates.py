"""Dates that no calendar has are kept; the range beside them is for search only."""

from datetime import date

import pytest

from jukinet_daemon.domain.dates import date_range, is_date_text


@pytest.mark.parametrize(
    "text",
    [
        "19120730",
        "19261225",
        "20230229",
        "20230431",
        "00000000",
        "19500000",
        "1950A100",
        "195003A1",
        "0000A4A3",
    ],
)
def test_unknown_parts_and_days_outside_the_calendar_are_dates(text: str) -> None:
    assert is_date_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "20231301",
        "20230132",
        "1950A500",
        "195000A4",
        "1950A000",
        "1950a100",
        "2023010",
        "202301010",
        "2023-1-1",
        "２０２３０１０１",
        "20230101\n",
        "",
    ],
)
def test_other_text_is_not_a_date(text: str) -> None:
    assert not is_date_text(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("20240229", date(2024, 2, 29), date(2024, 2, 29)),
        # A day past the end of its month is searched for at the month's end, never moved into the next.
        ("20230229", date(2023, 2, 28), date(2023, 2, 28)),
        ("20230431", date(2023, 4, 30), date(2023, 4, 30)),
        ("20240200", date(2024, 2, 1), date(2024, 2, 29)),
        ("19500000", date(1950, 1, 1), date(1950, 12, 31)),
        ("19500015", date(1950, 1, 15), date(1950, 12, 15)),
        ("1950A100", date(1950, 3, 1), date(1950, 5, 31)),
        ("1950A2A3", date(1950, 6, 21), date(1950, 8, 31)),
        ("195002A3", date(1950, 2, 21), date(1950, 2, 28)),
        ("00010101", date(1, 1, 1), date(1, 1, 1)),
        ("99991231", date(9999, 12, 31), date(9999, 12, 31)),
    ],
)
def test_the_range_spans_every_day_that_the_text_can_mean(text: str, first: date, last: date) -> None:
    assert date_range(text) == (first, last)


def test_an_unknown_year_has_no_range() -> None:
    assert date_range("00000704") is None


def test_a_winter_birth_may_lie_in_january() -> None:
    span = date_range("1950A400")
    assert span is not None
    assert span[0] <= date(1950, 1, 15) <= span[1]

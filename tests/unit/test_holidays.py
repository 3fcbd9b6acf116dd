"""休日: the computed days are those the Cabinet Office published, and a planted holiday is closed."""

from datetime import date, timedelta

import pytest

from jukinet_daemon.domain.holidays import holidays_of, is_closed

# 内閣府「国民の祝日について」.
PUBLISHED = {
    2024: "0101 0108 0211 0212 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0922 0923 1014 1103 "
    " 1104 1123",
    2025: "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 1124",
    2026: "0101 0112 0211 0223 0320 0429 0503 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123",
    2027: "0101 0111 0211 0223 0321 0322 0429 0503 0504 0505 0719 0811 0920 0923 1011 1103 1123",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_holidays_of_a_year_are_those_published(year: int) -> None:
    assert sorted(f"{day:%m%d}" for day in holidays_of(year)) == PUBLISHED[year].split()


@pytest.mark.parametrize(
    ("day", "closed"),
    [
        (date(2026, 11, 21), True),  # Saturday
        (date(2026, 11, 22), True),  # Sunday
        (date(2026, 11, 23), True),  # 勤労感謝の日
        (date(2026, 11, 24), False),
        (date(2026, 9, 22), True),  # 国民の休日
        (date(2026, 12, 28), False),
        (date(2026, 12, 29), True),
        (date(2026, 12, 31), True),
        (date(2025, 1, 2), True),
        (date(2025, 1, 3), True),
        (date(2025, 1, 6), False),
    ],
)
def test_when_offices_are_closed(day: date, closed: bool) -> None:
    assert is_closed(day) == closed


def test_a_substitute_is_never_a_sunday_and_every_year_has_its_sixteen() -> None:
    for year in range(2022, 2100):
        days = holidays_of(year)
        assert len(days) >= 16
        assert not [day for day in days if day - timedelta(days=1) in days and day.year != year]

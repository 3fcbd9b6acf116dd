"""Dates in words: as they came, unknown parts and impossible days included."""

from datetime import date, timedelta

import pytest

from jukinet_daemon.domain.dates import Era
from jukinet_daemon.domain.wareki import ERA_RULES, date_words, era_fits


@pytest.mark.parametrize(
    ("text", "era", "words"),
    [
        ("19800229", Era.SHOWA, "昭和55年2月29日"),
        ("19000101", Era.MEIJI, "明治33年1月1日"),
        # The first year of an era.
        ("18680908", Era.MEIJI, "明治元年9月8日"),
        ("19261231", Era.SHOWA, "昭和元年12月31日"),
        ("19890108", Era.HEISEI, "平成元年1月8日"),
        ("20190501", Era.REIWA, "令和元年5月1日"),
        ("20200101", Era.REIWA, "令和2年1月1日"),
        # Days that two eras claim (標準仕様書 1.1.8).
        ("19120730", Era.MEIJI, "明治45年7月30日"),
        ("19120730", Era.TAISHO, "大正元年7月30日"),
        ("19261225", Era.TAISHO, "大正15年12月25日"),
        ("19261225", Era.SHOWA, "昭和元年12月25日"),
        # Days outside the calendar.
        ("20230229", Era.REIWA, "令和5年2月29日"),
        ("19500431", Era.SHOWA, "昭和25年4月31日"),
        # 不詳日 (標準仕様書 1.1.8).
        ("00000000", None, "年月日不詳"),
        ("00000000", Era.SHOWA, "昭和年月日不詳"),
        ("19450000", Era.SHOWA, "昭和20年月日不詳"),
        ("19450300", Era.SHOWA, "昭和20年3月日不詳"),
        ("00000704", Era.SHOWA, "昭和年不詳7月4日"),
        ("19450015", Era.SHOWA, "昭和20年月不詳15日"),
        ("1945A100", Era.SHOWA, "昭和20年春"),
        ("1945A200", Era.SHOWA, "昭和20年夏"),
        ("1945A300", Era.SHOWA, "昭和20年秋"),
        ("1945A400", Era.SHOWA, "昭和20年冬"),
        ("1945A4A3", Era.SHOWA, "昭和20年冬下旬"),
        ("194503A1", Era.SHOWA, "昭和20年3月上旬"),
        ("194503A2", Era.SHOWA, "昭和20年3月中旬"),
        ("1945A115", Era.SHOWA, "昭和20年春15日"),
        # 外国人住民 (標準仕様書 1.1.9).
        ("19800229", None, "1980年2月29日"),
        ("19800000", None, "1980年月日不詳"),
        ("198003A3", None, "1980年3月下旬"),
        # An era and a date that contradict each other.
        ("19890301", Era.SHOWA, "昭和64年3月1日"),
        ("20200101", Era.HEISEI, "平成32年1月1日"),
        ("19890101", Era.HEISEI, "平成元年1月1日"),
        ("19800229", Era.HEISEI, "平成(西暦1980年)2月29日"),
    ],
)
def test_a_date_is_written_as_it_came(text: str, era: Era | None, words: str) -> None:
    assert date_words(text, era) == words


@pytest.mark.parametrize(
    ("era", "first", "last"),
    [
        (Era.MEIJI, "18680125", "19120730"),
        (Era.TAISHO, "19120730", "19261225"),
        (Era.SHOWA, "19261225", "19890107"),
        (Era.HEISEI, "19890108", "20190430"),
        (Era.REIWA, "20190501", "99991231"),
    ],
)
def test_the_first_and_last_day_of_an_era(era: Era, first: str, last: str) -> None:
    assert era_fits(era, first)
    assert era_fits(era, last)
    assert not era_fits(era, _text(_date(first) - timedelta(days=1)))
    assert era is Era.REIWA or not era_fits(era, _text(_date(last) + timedelta(days=1)))


@pytest.mark.parametrize(
    ("era", "text", "fits"),
    [
        (Era.SHOWA, "00000704", True),
        (Era.TAISHO, "19120000", True),
        (Era.MEIJI, "19120000", True),
        (Era.TAISHO, "19120600", False),
        (Era.SHOWA, "1989A100", False),
        (Era.HEISEI, "198901A1", True),
        (Era.SHOWA, "198901A1", True),
        (Era.REIWA, "20230229", True),
    ],
)
def test_an_uncertain_date_fits_where_one_of_its_days_does(era: Era, text: str, fits: bool) -> None:
    assert era_fits(era, text) is fits


def test_every_era_has_its_row_in_order() -> None:
    assert [rule.era for rule in ERA_RULES] == list(Era)
    assert sorted(rule.first for rule in ERA_RULES) == [rule.first for rule in ERA_RULES]


def _date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _text(day: date) -> str:
    return f"{day:%Y%m%d}"

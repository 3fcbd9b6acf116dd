"""年月日: dates that need not be calendar dates, kept as the eight characters that came.

A 生年月日 or 異動年月日 may have unknown parts (00), a season for a month (A1 春 to A4 冬), a third of a
month for a day (A1 上旬 to A3 下旬), or be a day that no calendar has (29 February of a common year). Nothing
here repairs one; a range of calendar days stands beside it for search only.
"""

import calendar
import re
from datetime import date
from enum import StrEnum

DATE_TEXT = re.compile(r"[0-9]{4}(?:0[0-9]|1[0-2]|A[1-4])(?:[0-2][0-9]|3[01]|A[1-3])")

# 冬 begins in one year and ends in the next; which of the two was written down is not known.
_SEASONS = {"A1": (3, 5), "A2": (6, 8), "A3": (9, 11), "A4": (1, 12)}
_THIRDS = {"A1": (1, 10), "A2": (11, 20), "A3": (21, 31)}


class Era(StrEnum):
    """元号 of a date kept in 和暦. Two eras may claim one day (明治45年7月30日 = 大正元年7月30日)."""

    MEIJI = "meiji"
    TAISHO = "taisho"
    SHOWA = "showa"
    HEISEI = "heisei"
    REIWA = "reiwa"


def is_date_text(text: str) -> bool:
    """Whether text has the eight-character form."""
    return bool(DATE_TEXT.fullmatch(text))


def date_range(text: str) -> tuple[date, date] | None:
    """The first and last calendar day that text can mean; None where the year is unknown.

    Takes eight characters that is_date_text accepts. A day past the end of its month gives the last day.
    """
    if day := _calendar_day(text):
        return day, day
    year = int(text[:4])
    if year == 0:
        return None
    first_month, last_month = _months(text[4:6])
    first_day, last_day = _days(text[6:])
    return _clamped(year, first_month, first_day), _clamped(year, last_month, last_day)


def _calendar_day(text: str) -> date | None:
    """The day, if the calendar has it, as nearly always."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _months(text: str) -> tuple[int, int]:
    if text == "00":
        return 1, 12
    return _SEASONS.get(text) or (int(text), int(text))


def _days(text: str) -> tuple[int, int]:
    if text == "00":
        return 1, 31
    return _THIRDS.get(text) or (int(text), int(text))


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))

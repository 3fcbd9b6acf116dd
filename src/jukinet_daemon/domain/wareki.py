"""和暦: a date of eight characters in words, as a certificate shows it (標準仕様書 1.1.8, 1.1.9).

The era that came with a date is the one that is written: 19120730 is 明治45年7月30日 or 大正元年7月30日. An
era and a date that contradict each other are written as they came; era_fits tells, and nothing repairs it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from types import MappingProxyType

from jukinet_daemon.domain.dates import Era, date_range


@dataclass(frozen=True, slots=True)
class EraRule:
    """One 元号: its name and first day. Where `shared`, that day is the last of the era before it too."""

    era: Era
    name: str
    first: date
    shared: bool = False


# In order. A new era is one row here, and its name in Era. 明治 was reckoned back to the first day of its
# year, by the calendar of today 25 January 1868; 大正 and 昭和 began within a day, 平成 and 令和 at midnight.
ERA_RULES = (
    EraRule(Era.MEIJI, "明治", date(1868, 1, 25)),
    EraRule(Era.TAISHO, "大正", date(1912, 7, 30), shared=True),
    EraRule(Era.SHOWA, "昭和", date(1926, 12, 25), shared=True),
    EraRule(Era.HEISEI, "平成", date(1989, 1, 8)),
    EraRule(Era.REIWA, "令和", date(2019, 5, 1)),
)

_RULES: Mapping[Era, EraRule] = MappingProxyType({rule.era: rule for rule in ERA_RULES})
_LAST_DAYS: Mapping[Era, date] = MappingProxyType(
    {
        rule.era: following.first - timedelta(days=0 if following.shared else 1)
        for rule, following in pairwise(ERA_RULES)
    }
)
_SEASONS = {"A1": "春", "A2": "夏", "A3": "秋", "A4": "冬"}
_THIRDS = {"A1": "上旬", "A2": "中旬", "A3": "下旬"}


def date_words(text: str, era: Era | None) -> str:
    """A date in words: 「昭和55年2月29日」, or 「1980年2月29日」 where it came without an era (外国人住民).

    Takes eight characters that is_date_text accepts. Unknown parts are said to be so: 「昭和20年月日不詳」,
    「昭和20年3月日不詳」, 「昭和20年春」, 「昭和20年3月上旬」, 「年月日不詳」.
    """
    words = _year(text[:4], era) + _month(text[4:6]) + _day(text[6:], text[4:6])
    return re.sub("不詳(?=[月日]不詳)", "", words)


def era_fits(era: Era, text: str) -> bool:
    """Whether some day that the date can mean lies in the era; an unknown year fits every era."""
    days = date_range(text)
    if days is None:
        return True
    first, last = days
    return last >= _RULES[era].first and first <= _LAST_DAYS.get(era, date.max)


def _year(text: str, era: Era | None) -> str:
    name = _RULES[era].name if era else ""
    if text == "0000":
        return f"{name}年不詳"
    if era is None:
        return f"{int(text)}年"
    year = int(text) - _RULES[era].first.year + 1
    if year < 1:  # no such year in this era: both as they came
        return f"{name}(西暦{int(text)}年)"
    return f"{name}{'元' if year == 1 else year}年"


def _month(text: str) -> str:
    return _SEASONS.get(text) or _numbered(text, "月")


def _day(text: str, month: str) -> str:
    if text == "00" and month in _SEASONS:
        return ""
    return _THIRDS.get(text) or _numbered(text, "日")


def _numbered(text: str, unit: str) -> str:
    return f"{unit}不詳" if text == "00" else f"{int(text)}{unit}"

"""生年月日: birth dates in the eight-character form, with the era a 戸籍 would write."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from itertools import cycle, islice

from jukinet_daemon.domain.dates import Era
from jukinet_daemon.sim.people.chance import Chance
from jukinet_daemon.sim.people.resident import Resident

# 振り仮名 became an item of the 住民票 on this day, so everybody in the file has one.
AS_OF = date(2025, 5, 26)

_ERAS = (
    ("20190501", Era.REIWA),
    ("19890108", Era.HEISEI),
    ("19261225", Era.SHOWA),
    ("19120730", Era.TAISHO),
    ("00000000", Era.MEIJI),
)

# Unknown parts, a season, a third of a month, 29 February of a common year, and a day of two eras:
# a register keeps them as they are, みなし生年月日 does not exist.
_ODD = (
    ("19450000", Era.SHOWA),
    ("19490229", Era.SHOWA),
    ("19380300", Era.SHOWA),
    ("1943A100", Era.SHOWA),
    ("194105A1", Era.SHOWA),
    ("19261225", Era.TAISHO),
)
_ODD_EVERY = 100
_ELDERLY = "19500101"


def date_text(day: date) -> str:
    """A calendar day in eight characters."""
    return day.strftime("%Y%m%d")


def era_of(birth: str) -> Era:
    """The era of a birth date; of a day of two eras, the later one."""
    return next(era for first, era in _ERAS if birth >= first)


def birth_at_age(rng: Chance, age: int) -> str:
    """A day on which somebody of that age was born."""
    return date_text(AS_OF - timedelta(days=int(age * 365.25) + 1 + rng.randrange(364)))


def with_odd_births(people: Iterable[Resident]) -> list[Resident]:
    """The same people, some of the elderly with a birth date that no calendar has."""
    changed = list(people)
    elderly = (place for place, one in enumerate(changed) if not one.foreign and one.birth < _ELDERLY)
    for place, (birth, era) in zip(list(islice(elderly, 0, None, _ODD_EVERY)), cycle(_ODD)):
        changed[place] = replace(changed[place], birth=birth, era=era)
    return changed

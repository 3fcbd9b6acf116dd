"""地理: the municipalities and wards of the prefecture, their towns, and addresses in them and elsewhere."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from jukinet_daemon.domain.identifiers import area_code_check_digit
from jukinet_daemon.sim.people.chance import Chance, Weighted
from jukinet_daemon.sim.people.resident import Home
from jukinet_daemon.sim.people.tables import table

_PREFECTURE_NAME = "福岡県"
_BUILDINGS = ("ハイツ", "コーポ", "マンション", "レジデンス", "荘", "団地１棟", "ヴィラ", "タワー")
_NUMERALS = "一二三四五六七八"
_SPACE = "\u3000"


@dataclass(frozen=True, slots=True)
class Municipality:
    """One row of the table of 団体コード; `city` is the designated city that a ward belongs to."""

    code: str
    name: str
    kind: str
    city: str | None
    population: int


@dataclass(frozen=True, slots=True)
class Town:
    """One 町字: its area and the first part of an address in it."""

    area: str
    place: str
    name: str


def load_municipalities(path: Path) -> tuple[Municipality, ...]:
    """Reads the table of municipalities and wards; a city that has wards stands in it too."""
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(
            Municipality(
                row["code"], row["name"], row["kind"], row["designated_city"] or None, int(row["population"])
            )
            for row in csv.DictReader(lines)
        )


def _by_area(name: str, prefecture: str) -> Mapping[str, Sequence[Town]]:
    towns: dict[str, list[Town]] = defaultdict(list)
    for row in table(name):
        area = row["jisx0402"] + area_code_check_digit(row["jisx0402"])
        towns[area].append(Town(area, prefecture + row["city"], row["town"]))
    return MappingProxyType(towns)


@cache
def _towns() -> Mapping[str, Sequence[Town]]:
    return _by_area("towns", _PREFECTURE_NAME)


@cache
def _elsewhere() -> tuple[Town, ...]:
    return tuple(town for towns in _by_area("elsewhere", "").values() for town in towns)


class Geography:
    """Where people of the prefecture live, and who notifies for them."""

    def __init__(self, municipalities: Iterable[Municipality]) -> None:
        rows = tuple(municipalities)
        cities = {row.city for row in rows if row.city}
        self._areas = {row.code: row for row in rows if row.code not in cities}
        self._lots = Weighted(tuple(self._areas), [row.population for row in self._areas.values()])
        self._wards = {city: tuple(r.code for r in rows if r.city == city) for city in sorted(cities)}

    @property
    def areas(self) -> tuple[str, ...]:
        """Municipalities and wards that keep a register, by code; a designated city itself is none."""
        return tuple(sorted(self._areas))

    def sender_of(self, area: str) -> str:
        """Who sends: for a ward its city, through which the 区長 notifies (令31条2項の表)."""
        return self._areas[area].city or area

    def some_area(self, rng: Chance) -> str:
        """An area, the larger the likelier."""
        return self._lots.pick(rng)

    def another_area(self, rng: Chance, area: str, near: float = 0.45) -> str:
        """A different area to move to; from a ward often (`near`) another ward of the same city."""
        wards = self._wards.get(self.sender_of(area), ())
        while True:
            choice = rng.choice(wards) if wards and rng.random() < near else self.some_area(rng)
            if choice != area:
                return choice

    def home(self, rng: Chance, area: str) -> Home:
        """An address in an area."""
        return _home(rng, rng.choice(_towns()[area]))

    def home_elsewhere(self, rng: Chance) -> Home:
        """An address in another prefecture."""
        return _home(rng, rng.choice(_elsewhere()))


def renamed(rng: Chance, home: Home) -> Home:
    """The same place after its building got another name, a 軽微な修正 of the address (規則11条3項二号)."""
    street = home.address.partition(_SPACE)[0]
    return Home(home.area, f"{street}{_SPACE}{_building(rng, '新')}")


def _home(rng: Chance, town: Town) -> Home:
    lot = f"{rng.randint(1, 30)}番{rng.randint(1, 40)}号"
    if "丁目" not in town.name and rng.random() < 0.5:
        lot = f"{rng.choice(_NUMERALS)}丁目{lot}"
    elif rng.random() < 0.5:
        lot = f"{rng.randint(1, 3999)}番地{rng.randint(1, 20)}"
    address = town.place + town.name + lot
    if rng.random() < 0.45:
        address += _SPACE + _building(rng, town.name)
    return Home(town.area, address)


def _building(rng: Chance, stem: str) -> str:
    room = rng.randint(1, 12) * 100 + rng.randint(1, 9)
    return f"{stem}{rng.choice(_BUILDINGS)}{room}号"

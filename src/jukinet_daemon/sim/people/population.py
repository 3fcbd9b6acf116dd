"""人口: everybody in the two files before the day: residents, and people elsewhere with their 本籍 here."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from jukinet_daemon.sim.people.births import with_odd_births
from jukinet_daemon.sim.people.chance import chance
from jukinet_daemon.sim.people.geography import Geography, load_municipalities
from jukinet_daemon.sim.people.households import foreign_household, japanese_household
from jukinet_daemon.sim.people.identifiers import Issuer
from jukinet_daemon.sim.people.maker import Maker
from jukinet_daemon.sim.people.names import some_family
from jukinet_daemon.sim.people.resident import Home, Resident

_FOREIGN = 0.03
_SHEET_HERE = 0.85
_SHEET_AT_HOME = 0.5
_ELSEWHERE = 0.12
_OVERSEAS = 0.15
# Somebody not registered since 2002, or whose code the 本籍地 does not know (令30条の12の3四号).
_NO_CODE = 0.01


@dataclass(frozen=True, slots=True)
class Population:
    """The people of one seed. `elsewhere` are in the 附票 file only.

    `serials` and `sheets` are how many serials and 附票 record keys were given out.
    """

    seed: int
    serials: int
    sheets: int
    geography: Geography = field(repr=False)
    residents: tuple[Resident, ...] = field(repr=False)
    elsewhere: tuple[Resident, ...] = field(repr=False)

    @property
    def on_sheets(self) -> Iterator[Resident]:
        """Everybody in a 戸籍の附票 of the prefecture, living anywhere."""
        return (one for one in (*self.residents, *self.elsewhere) if one.sheet)


def make_population(municipalities: Path, seed: int, size: int) -> Population:
    """Makes a population.

    Takes the table of municipalities, a seed and the number of residents; every area has some if `size`
    allows. The same arguments always give the same people.
    """
    geography = Geography(load_municipalities(municipalities))
    rng = chance(seed, "population")
    maker = Maker(rng, Issuer(rng))
    residents: list[Resident] = []
    areas = iter(geography.areas)
    while len(residents) < size:
        residents += _household(maker, geography, next(areas, None) or geography.some_area(rng))
    elsewhere = [_elsewhere(maker, geography) for _ in range(int(size * _ELSEWHERE))]
    return Population(
        seed=seed,
        serials=maker.people,
        sheets=maker.sheets,
        geography=geography,
        residents=tuple(with_odd_births(residents[:size])),
        elsewhere=tuple(elsewhere),
    )


def _household(maker: Maker, geography: Geography, area: str) -> list[Resident]:
    rng = maker.rng
    home = geography.home(rng, area)
    if rng.random() < _FOREIGN:
        return foreign_household(maker, home)
    people = japanese_household(maker, home)
    if rng.random() >= _SHEET_HERE:
        return people
    sheet_area = area if rng.random() < _SHEET_AT_HOME else geography.another_area(rng, area, near=0)
    return [replace(one, sheet=maker.sheet(sheet_area)) for one in people]


def _elsewhere(maker: Maker, geography: Geography) -> Resident:
    rng = maker.rng
    home: Home | None = None if rng.random() < _OVERSEAS else geography.home_elsewhere(rng)
    person = maker.japanese(some_family(rng), maker.some_sex(), rng.randint(0, 90), home)
    sheet = maker.sheet(geography.some_area(rng))
    if rng.random() < _NO_CODE:
        return replace(person, sheet=sheet, code=None, number=None)
    return replace(person, sheet=sheet)

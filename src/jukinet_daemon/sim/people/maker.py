"""生まれ: makes single persons, whole and unlike each other, for the population and for the day."""

from jukinet_daemon.domain.dates import Era
from jukinet_daemon.domain.notice import Sex
from jukinet_daemon.sim.people.births import birth_at_age, era_of
from jukinet_daemon.sim.people.chance import Chance
from jukinet_daemon.sim.people.identifiers import Issuer
from jukinet_daemon.sim.people.names import Family, foreign_name, japanese_name
from jukinet_daemon.sim.people.resident import Home, Name, Resident, Sheet

_SEX_BLANK = 1 / 4000


class Maker:
    """Makes people; gives each a serial, a code, a number, and 附票 records their keys.

    `people` and `sheets` count the serials and keys given out; a later maker goes on from there.
    """

    def __init__(self, rng: Chance, issuer: Issuer, people: int = 0, sheets: int = 0) -> None:
        self.rng = rng
        self.issuer = issuer
        self.people = people
        self.sheets = sheets

    def some_sex(self) -> Sex:
        """One of two."""
        return self.rng.choice((Sex.MALE, Sex.FEMALE))

    def sheet(self, area: str) -> Sheet:
        """A new 附票 record in an area."""
        self.sheets += 1
        return Sheet(area, f"F-{self.sheets:06d}")

    def japanese(self, family: Family, sex: Sex, age: int, home: Home | None) -> Resident:
        """A Japanese national of an age, with a code and a number."""
        return self.japanese_born(family, sex, birth_at_age(self.rng, age), home)

    def japanese_born(self, family: Family, sex: Sex, birth: str, home: Home | None) -> Resident:
        """A Japanese national born on a day, with a code and a number."""
        return self._person(
            foreign=False,
            name=japanese_name(self.rng, family, sex, birth),
            birth=birth,
            era=era_of(birth),
            sex=sex,
            home=home,
        )

    def foreign(self, nation: str, sex: Sex, age: int, home: Home) -> Resident:
        """A foreign resident: the birth date in western years, so without an era."""
        name = foreign_name(self.rng, nation, sex)
        birth = birth_at_age(self.rng, age)
        return self._person(foreign=True, name=name, birth=birth, era=None, sex=sex, home=home)

    def _person(
        self, *, foreign: bool, name: Name, birth: str, era: Era | None, sex: Sex, home: Home | None
    ) -> Resident:
        self.people += 1
        return Resident(
            serial=self.people,
            foreign=foreign,
            code=self.issuer.code(),
            number=self.issuer.number(),
            name=name,
            birth=birth,
            era=era,
            sex=None if self.rng.random() < _SEX_BLANK else sex,
            home=home,
        )

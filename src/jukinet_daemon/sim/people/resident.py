"""人: the frozen values a person is made of, as the municipalities' own books have them."""

from dataclasses import dataclass, field

from jukinet_daemon.domain.dates import Era
from jukinet_daemon.domain.notice import Sex

PREFECTURE = "40"


@dataclass(frozen=True, slots=True)
class Name:
    """氏名 with its reading, 旧氏 and 通称. A foreign resident has no reading (法30条の45)."""

    text: str
    kana: str | None
    family: str
    family_kana: str | None
    former: str | None = None
    former_kana: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """住所 in Japan: the 団体コード of the municipality or ward, and the text."""

    area: str
    address: str

    @property
    def here(self) -> bool:
        """Whether it is in the prefecture."""
        return self.area.startswith(PREFECTURE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """戸籍の附票 in the prefecture: where the 本籍 is, and that municipality's own name for the record."""

    area: str
    key: str


@dataclass(frozen=True, slots=True)
class Resident:
    """One person. `home` is None abroad (and after death); `sheet` is None where the 本籍 is elsewhere."""

    serial: int
    foreign: bool
    code: str | None = field(repr=False)
    number: str | None = field(repr=False)
    name: Name = field(repr=False)
    birth: str = field(repr=False)
    era: Era | None = field(repr=False)
    sex: Sex | None = field(repr=False)
    home: Home | None = field(repr=False)
    sheet: Sheet | None = None

    @property
    def area(self) -> str | None:
        """Where the 住民票 is; None for somebody who has none in the prefecture."""
        return self.home.area if self.home and self.home.here else None

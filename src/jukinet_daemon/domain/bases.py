"""根拠: the closed list of legal bases on which the file may be used or provided from (法30条の25)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar


class Organ(StrEnum):
    """執行機関: who may ask. The executive organs of a prefecture (地方自治法180条の5), and two outside it.

    The State's organs are not among them: they ask 機構 (法30条の9), never a prefecture.
    """

    GOVERNOR = "governor"
    EDUCATION = "education"
    ELECTION = "election"
    PERSONNEL = "personnel"
    AUDIT = "audit"
    PUBLIC_SAFETY = "public_safety"
    LABOUR = "labour"
    EXPROPRIATION = "expropriation"
    SEA_FISHERIES = "sea_fisheries"
    INLAND_FISHERIES = "inland_fisheries"
    MUNICIPALITY = "municipality"
    OTHER_PREFECTURE = "other_prefecture"


OUTSIDE = frozenset({Organ.MUNICIPALITY, Organ.OTHER_PREFECTURE})
# 都道府県知事以外の都道府県の執行機関 (別表第六 一の項, 六の項)
EXECUTIVE = frozenset(Organ) - OUTSIDE - {Organ.GOVERNOR}


class Use(StrEnum):
    """利用 by the governor's own departments, or 提供 to somebody else."""

    USE = "use"
    PROVISION = "provision"


class BasisFault(ValueError):
    """A table of bases or offices cannot be used; the message names the row."""


@dataclass(frozen=True, slots=True)
class Term:
    """From which day, and up to which day inclusive (None: no end is known), something holds."""

    valid_from: date
    valid_to: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it holds on a day."""
        return not self.ahead(on) and not self.over(on)

    def ahead(self, on: date) -> bool:
        """Whether it does not hold yet."""
        return on < self.valid_from

    def over(self, on: date) -> bool:
        """Whether it no longer holds."""
        return self.valid_to is not None and on > self.valid_to


@dataclass(frozen=True, slots=True)
class NumberBasis:
    """番号法9条: on which a 個人番号 may be used; a row of 番号法別表, or a paragraph of the article."""

    code: str
    holder: str
    affair: str
    term: Term
    citation: str


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """One basis: who may ask, for which affair, under which articles of either register.

    `number_bases` are the codes of the 番号法 bases that go with it; none: no 個人番号 ever (法30条の15).
    `articles` says under which article, by register; a register that it leaves out may not be used on it.
    """

    code: str
    use: Use
    organs: frozenset[Organ]
    requester: str
    affair: str
    number_bases: tuple[str, ...]
    articles: Mapping[str, str]
    term: Term
    citation: str


class Bases:
    """The closed list. What is not in it is no basis.

    Raises BasisFault when a code stands twice, names a 番号法 basis that is not there, or would give a
    個人番号 to somebody outside the prefecture (法30条の13第1項).
    """

    def __init__(self, bases: Iterable[LegalBasis], numbers: Iterable[NumberBasis]) -> None:
        self._numbers = _by_code(numbers)
        self._bases = _by_code(bases)
        for basis in self._bases.values():
            if missing := set(basis.number_bases) - set(self._numbers):
                raise BasisFault(
                    f"{basis.code}: number_bases: {', '.join(sorted(missing))} is not in the list"
                )
            if basis.number_bases and basis.organs & OUTSIDE:
                raise BasisFault(f"{basis.code}: number_bases: 個人番号 stays in the prefecture (法30条の13)")

    @property
    def all(self) -> tuple[LegalBasis, ...]:
        """Every basis, whether it holds today or not, in the order of the list."""
        return tuple(self._bases.values())

    def find(self, code: str, on: date) -> LegalBasis | None:
        """The basis that has this code and holds on a day, or None."""
        basis = self._bases.get(code)
        return basis if basis and basis.term.holds(on) else None

    def listed(self, code: str) -> LegalBasis | None:
        """The basis of a code whether or not it holds, to say why one does not."""
        return self._bases.get(code)

    def numbers_of(self, basis: LegalBasis, on: date) -> tuple[NumberBasis, ...]:
        """The 番号法 bases that go with a basis and hold on a day."""
        return tuple(number for code in basis.number_bases if (number := self._numbers[code]).term.holds(on))


_T = TypeVar("_T", LegalBasis, NumberBasis)


def _by_code(rows: Iterable[_T]) -> Mapping[str, _T]:
    found: dict[str, _T] = {}
    for row in rows:
        if row.code in found:
            raise BasisFault(f"{row.code}: stands twice in the list")
        found[row.code] = row
    return MappingProxyType(found)

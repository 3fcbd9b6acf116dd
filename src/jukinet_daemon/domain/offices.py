"""所属と利用事務: which office of which organ may ask for which affair, on which basis. A closed list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from jukinet_daemon.domain.bases import Bases, BasisFault, Organ, Term


@dataclass(frozen=True, slots=True)
class OfficeAffair:
    """One affair of one office (課, 事務局) as the prefecture has registered it.

    `office` and `affair` are codes that requests name; the names are for people.
    """

    office: str
    office_name: str
    organ: Organ
    affair: str
    affair_name: str
    basis: str
    term: Term


class Offices:
    """The offices and their affairs. An office or affair that is not listed may not ask.

    Raises BasisFault when an affair stands twice or names a basis that is not listed or is not its organ's.
    """

    def __init__(self, affairs: Iterable[OfficeAffair], bases: Bases) -> None:
        found: dict[tuple[str, str], OfficeAffair] = {}
        for affair in affairs:
            key, where = (affair.office, affair.affair), f"{affair.office}/{affair.affair}"
            if key in found:
                raise BasisFault(f"{where}: stands twice in the list")
            basis = bases.listed(affair.basis)
            if basis is None:
                raise BasisFault(f"{where}: basis: {affair.basis} is not in the list of bases")
            if affair.organ not in basis.organs:
                raise BasisFault(f"{where}: basis: {affair.basis} is not for this organ ({basis.requester})")
            found[key] = affair
        self._affairs: Mapping[tuple[str, str], OfficeAffair] = MappingProxyType(found)
        self._offices = frozenset(office for office, _ in found)

    @property
    def all(self) -> tuple[OfficeAffair, ...]:
        """Every affair of every office."""
        return tuple(self._affairs.values())

    def knows(self, office: str) -> bool:
        """Whether an office is listed at all."""
        return office in self._offices

    def find(self, office: str, affair: str) -> OfficeAffair | None:
        """An affair of an office, or None."""
        return self._affairs.get((office, affair))

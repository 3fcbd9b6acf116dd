"""市区町村: the municipalities of the prefecture and which records each of them may write."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Area:
    """One 団体コード: a municipality, or a ward of a designated city (then `city` is that city's code)."""

    code: str
    name: str
    city: str | None = None


class Areas:
    """The municipalities and wards of one prefecture.

    Where there are wards, the 区長 notifies through the 市長 (令31条2項の表, of 法30条の6第1項 and
    30条の41第1項): the line is the city's, the records carry ward codes.
    """

    def __init__(self, areas: Iterable[Area]) -> None:
        self._by_code: Mapping[str, Area] = MappingProxyType({area.code: area for area in areas})
        cities = {area.city for area in self._by_code.values() if area.city}
        self._written_by = MappingProxyType(
            {code: area.city or code for code, area in self._by_code.items() if code not in cities}
        )

    def __getitem__(self, code: str) -> Area:
        return self._by_code[code]

    def __contains__(self, code: str) -> bool:
        return code in self._by_code

    @property
    def codes(self) -> tuple[str, ...]:
        """Every 団体コード of the table, wards' too."""
        return tuple(self._by_code)

    @property
    def senders(self) -> tuple[str, ...]:
        """The municipalities that notify (60 in Fukuoka), by code."""
        return tuple(sorted(code for code, area in self._by_code.items() if area.city is None))

    def why_no_sender(self, code: str) -> str | None:
        """Why nobody notifies under a 団体コード, in words; None for a municipality that does.

        A ward notifies through its city (令31条2項の表).
        """
        if code not in self._by_code:
            return f"{code}: 送信者の一覧にない。団体コードを確かめる / is not among the senders"
        area = self._by_code[code]
        if area.city is None:
            return None
        return (
            f"{code}: {area.name}。区は送信しない。市 {area.city} が送る / a ward: its city {area.city} sends"
        )

    def may_write(self, sender: str, area: str) -> bool:
        """Whether the municipality `sender` keeps the register of `area`."""
        return self._written_by.get(area) == sender

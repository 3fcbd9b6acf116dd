"""配役: the codes, numbers, keys, ids and days that the symbols of a vector stand for in one run."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from jukinet_daemon.domain.identifiers import individual_number_check_digit, resident_code_check_digit

_SYMBOL = re.compile(r"<([a-z]+)(?: ([^<>]*))?>")
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def _leading_zeros(digits: str) -> str:
    """The same kind of digits beginning with four zeros, ended rightly."""
    first = "0000" + digits[4:-1]
    ending = {11: resident_code_check_digit, 12: individual_number_check_digit}[len(digits)]
    return first + ending(first)


_VARIATIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "zeros": _leading_zeros,
        "wrong": lambda digits: digits[:-1] + str((int(digits[-1]) + 1) % 10),
        "wide": lambda digits: digits.translate(_FULL_WIDTH),
        "short": lambda digits: digits[:-1],
        "long": lambda digits: digits + "0",
    }
)


class SymbolFault(ValueError):
    """A vector uses a symbol that stands for nothing."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays in a run: all derived from a salt, so that a new salt gives people nobody has met."""

    salt: str
    today: date

    def code(self, name: str) -> str:
        """A person's 住民票コード, with its check digit."""
        first = f"{self._number('code', name) % 10**10:010d}"
        return first + resident_code_check_digit(first)

    def number(self, name: str) -> str:
        """A person's 個人番号, with its check digit."""
        first = f"{self._number('number', name) % 10**11:011d}"
        return first + individual_number_check_digit(first)

    def key(self, name: str) -> str:
        """A sender's own name for a person's record."""
        return f"K-{self._number('key', name) % 10**15:015d}"

    def notice_id(self, name: str) -> str:
        """A notice's id, in the form of a random UUID."""
        return str(UUID(int=self._number("id", name) % 2**128, version=4))

    def _number(self, kind: str, name: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.salt}/{kind}/{name}".encode()).digest())


@dataclass(frozen=True, slots=True)
class Scene:
    """One notice of a vector as its symbols see it: the vector, its place there, its person, its day."""

    cast: Cast
    vector: str
    place: int
    who: str
    on: date

    def filled(self, value: Any) -> Any:
        """A value with every symbol in it replaced. Raises SymbolFault."""
        if isinstance(value, dict):
            return {name: self.filled(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.filled(part) for part in value]
        return _SYMBOL.sub(self._meaning, value) if isinstance(value, str) else value

    def _meaning(self, symbol: "re.Match[str]") -> str:
        word, rest = symbol[1], (symbol[2] or "").split()
        try:
            return _MEANINGS[word](self, rest)
        except (KeyError, IndexError, ValueError):
            raise SymbolFault(f"{self.vector}: {symbol[0]}") from None

    def name_of(self, rest: list[str]) -> str:
        """The person a symbol names, else the one the notice is about; nobody is of two vectors."""
        return f"{self.vector}/{rest[0] if rest else self.who}"


def _varied(give: Callable[[Cast, str], str]) -> Callable[[Scene, list[str]], str]:
    def meaning(scene: Scene, rest: list[str]) -> str:
        variation = rest.pop() if rest and rest[-1] in _VARIATIONS else None
        plain = give(scene.cast, scene.name_of(rest))
        return _VARIATIONS[variation](plain) if variation else plain

    return meaning


def _id(scene: Scene, rest: list[str]) -> str:
    return scene.cast.notice_id(f"{scene.vector}/{rest[0] if rest else scene.place}")


def _day(scene: Scene, rest: list[str]) -> str:
    return (scene.on + timedelta(days=int(rest[0]) if rest else 0)).strftime("%Y%m%d")


def _month(scene: Scene, rest: list[str]) -> str:
    months = scene.on.year * 12 + scene.on.month - 1 + int(rest[0])
    return f"{months // 12:04d}{months % 12 + 1:02d}"


def _year(scene: Scene, rest: list[str]) -> str:
    return f"{scene.on.year + int(rest[0]):04d}"


def _repeat(_scene: Scene, rest: list[str]) -> str:
    return rest[0] * int(rest[1])


def _char(_scene: Scene, rest: list[str]) -> str:
    return chr(int(rest[0], 16))


_MEANINGS: Mapping[str, Callable[[Scene, list[str]], str]] = MappingProxyType(
    {
        "code": _varied(Cast.code),
        "number": _varied(Cast.number),
        "key": _varied(Cast.key),
        "id": _id,
        "day": _day,
        "today": _day,
        "month": _month,
        "year": _year,
        "repeat": _repeat,
        "char": _char,
    }
)

"""番号: 住民票コード and 個人番号 as they are given out: at random, never twice, rightly ended."""

from collections.abc import Iterable

from jukinet_daemon.domain.identifiers import individual_number_check_digit, resident_code_check_digit
from jukinet_daemon.sim.people.chance import Chance


class Issuer:
    """Gives out codes and numbers that nobody has had (法30条の2, 番号法8条)."""

    def __init__(self, rng: Chance, taken: Iterable[str] = ()) -> None:
        self._rng = rng
        self._taken = set(taken)

    def code(self) -> str:
        """A 住民票コード: ten digits at random and one check digit."""
        first = f"{self._rng.randrange(10**10):010d}"
        return self._unless_taken(first + resident_code_check_digit(first)) or self.code()

    def number(self) -> str:
        """A 個人番号: eleven digits at random and one check digit."""
        first = f"{self._rng.randrange(10**11):011d}"
        return self._unless_taken(first + individual_number_check_digit(first)) or self.number()

    def _unless_taken(self, identifier: str) -> str | None:
        if identifier in self._taken:
            return None
        self._taken.add(identifier)
        return identifier

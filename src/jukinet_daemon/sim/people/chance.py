"""偶然: seeded chance, and nothing else to be surprised by; the same seed gives the same people."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeAlias, TypeVar

Chance: TypeAlias = Random
T = TypeVar("T")


def chance(*seed: object) -> Chance:
    """A stream of its own for each seed; the words of the seed keep the streams apart."""
    return Random("/".join(str(part) for part in seed))  # noqa: S311 - invented people, no secrets


class Weighted(Generic[T]):
    """Things to choose from, each as often as its weight says."""

    def __init__(self, things: Sequence[T], weights: Sequence[float]) -> None:
        self._things = things
        self._sums = list(accumulate(weights))

    def pick(self, rng: Chance) -> T:
        """One of the things."""
        place = bisect(self._sums, rng.random() * self._sums[-1], hi=len(self._things) - 1)
        return self._things[place]

"""電文番号: which of a sender's running numbers came, and which are missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# What lies further above the highest number is not followed: one slip of a pen would be the highest for ever,
# and whatever is skipped below it would never be seen. A restored sender leaves less out than this.
LONGEST_LEAP = 10_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers from `first` to `last` that were skipped; seen to be so at `found_at`."""

    first: int
    last: int
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Numbering:
    """What is known of a sender's numbers: all up to `highest` came, but for those in `gaps` (in order).

    What leapt is not counted among them before people say that the sender goes on from there.
    """

    highest: int = 0
    gaps: tuple[Gap, ...] = ()

    def leapt_to(self, number: int) -> bool:
        """Whether a number is so far above the highest that it is taken for a slip."""
        return number > self.highest + LONGEST_LEAP

    def with_seen(self, numbers: Iterable[int], now: datetime) -> "Numbering":
        """The numbering after some more numbers came, in whatever order, some perhaps for the second time."""
        highest, gaps = self.highest, list(self.gaps)
        for number in sorted(set(numbers)):
            if number > highest + LONGEST_LEAP:
                break
            if number > highest:
                if number > highest + 1:
                    gaps.append(Gap(highest + 1, number - 1, now))
                highest = number
            else:
                gaps = [part for gap in gaps for part in _without(gap, number, number)]
        return Numbering(highest, tuple(gaps))

    def without(self, first: int, last: int) -> "Numbering":
        """The numbering once nobody waits for these numbers any more."""
        return Numbering(self.highest, tuple(p for gap in self.gaps for p in _without(gap, first, last)))

    def going_on_from(self, number: int) -> "Numbering":
        """The numbering of a sender that leapt there by intent; what it left out is not waited for."""
        return Numbering(number - 1, self.gaps)


def spans(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as ranges, lowest first: the first and last of each row of them without a hole."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def _without(gap: Gap, first: int, last: int) -> list[Gap]:
    """What is left of a gap: none, one or two."""
    if last < gap.first or first > gap.last:
        return [gap]
    parts = [(gap.first, first - 1), (last + 1, gap.last)]
    return [Gap(low, high, gap.found_at) for low, high in parts if low <= high]

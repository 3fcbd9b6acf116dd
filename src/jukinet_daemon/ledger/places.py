"""葉の場所: which entry of the ledger stands where in the tree, and which numbers were passed over.

Entries are numbered when they are written and become visible when they are committed, in another order.
Whoever asked for "greater than the last" would lose what commits late. Here every number that was passed over
is a gap, and is looked into for as long as it is one: no leaf can be lost, whatever commits when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Run:
    """Entries side by side in the ledger and in the tree: the first one's place and number, and how many."""

    position: int
    first: int
    length: int


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Numbers that were passed over: the first, and the first after them."""

    first: int
    after: int


def runs_of(position: int, entries: Sequence[int]) -> list[Run]:
    """Entries in the order of their places, the first at a position, as runs."""
    runs: list[Run] = []
    for place, entry in enumerate(entries, position):
        last = runs[-1] if runs else None
        if last and entry == last.first + last.length:
            runs[-1] = Run(last.position, last.first, last.length + 1)
        else:
            runs.append(Run(place, entry, 1))
    return runs


def gaps_between(seen: int, entries: Iterable[int]) -> set[Gap]:
    """The numbers above the highest one seen that entries, in order, pass over."""
    return {Gap(before + 1, entry) for before, entry in pairwise((seen, *entries)) if entry > before + 1}


def gaps_without(gaps: Iterable[Gap], late: Sequence[int]) -> set[Gap]:
    """What is left of gaps when late entries, in order, have come."""
    left: set[Gap] = set()
    for gap in gaps:
        came = [entry for entry in late if gap.first <= entry < gap.after]
        left |= gaps_between(gap.first - 1, (*came, gap.after))
    return left

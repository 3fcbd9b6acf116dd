"""配達: in what order telegrams arrive. What one sender tells of one person keeps its order; nothing else."""

from collections.abc import Iterable, Sequence
from itertools import islice
from random import Random

from .telegram import Telegram

LATE = (0, 0, 0, 0, 0, 0, 1, 2, 4, 20)


def delivered(lives: Iterable[Sequence[Telegram]], dice: Random) -> list[Telegram]:
    """All telegrams of some lives as they arrive: senders late at random, one in eight more than once."""
    arrivals: list[tuple[float, Telegram]] = []
    for life in lives:
        start = dice.uniform(0, 10)
        last: dict[str, float] = {}
        for place, told in enumerate(life):
            due = start + place + dice.choice(LATE) + dice.random()
            at = last[told.sender] = max(due, last.get(told.sender, 0) + 0.001)
            arrivals.append((at, told))
            while dice.random() < 1 / 8:
                at += dice.choice((0.0005, 1, 5))
                arrivals.append((at, told))
    return [told for _, told in sorted(arrivals, key=lambda arrival: arrival[0])]


def batches(telegrams: Iterable[Telegram], dice: Random) -> Iterable[list[Telegram]]:
    """The same telegrams in batches of one to nine."""
    rest = iter(telegrams)
    while batch := list(islice(rest, dice.randrange(1, 10))):
        yield batch

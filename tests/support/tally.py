"""How many conformance vectors each way of running them has run and passed; printed at the end of the run."""

from collections import Counter

RUN: Counter[str] = Counter()
PASSED: Counter[str] = Counter()


def tally(way: str, passed: bool) -> None:
    """Counts one vector run in a way."""
    RUN[way] += 1
    PASSED[way] += passed

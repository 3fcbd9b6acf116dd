"""表: the CSV tables that come with the package."""

import csv
from functools import cache
from importlib import resources


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a table by its name, in file order. Callers do not change them."""
    path = resources.files("jukinet_daemon.sim") / "data" / f"{name}.csv"
    with path.open(encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))

"""同梱の資料: where the database schema and the code tables are, in a checkout and when installed."""

import csv
from functools import cache
from pathlib import Path
from types import MappingProxyType

from jukinet_daemon.domain.area import Area, Areas
from jukinet_daemon.domain.fold import Variants

_PACKAGE = Path(__file__).parent


def schemas_folder() -> Path:
    """The folder `schemas`: inside the package when installed, at the top of the tree in a checkout."""
    installed = _PACKAGE / "_schemas"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "schemas"


def read_areas(path: Path | None = None) -> Areas:
    """The municipalities and wards of the prefecture, from a code table (CSV)."""
    table = path or schemas_folder() / "codes" / "municipalities.csv"
    with table.open(encoding="utf-8", newline="") as file:
        return Areas(
            Area(row["code"], row["name"], row["designated_city"] or None) for row in csv.DictReader(file)
        )


@cache
def read_variants() -> Variants:
    """異体字 and the form each is searched as. Keys in databases stand on this table: see migration 0004."""
    table = schemas_folder() / "codes" / "name_variants.csv"
    with table.open(encoding="utf-8", newline="") as file:
        return MappingProxyType(
            {ord(variant): row["base"] for row in csv.DictReader(file) for variant in row["variants"]}
        )

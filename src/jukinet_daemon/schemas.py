"""同梱の資料: where the database schema and the code tables are, in a checkout and when installed."""

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from jukinet_daemon.domain.area import Area, Areas
from jukinet_daemon.domain.bases import (
    EXECUTIVE,
    Bases,
    BasisFault,
    LegalBasis,
    NumberBasis,
    Organ,
    Term,
    Use,
)
from jukinet_daemon.domain.fold import Variants
from jukinet_daemon.domain.identifiers import is_area_code
from jukinet_daemon.domain.offices import OfficeAffair, Offices
from jukinet_daemon.domain.provide import SCOPES

_PACKAGE = Path(__file__).parent


def schemas_folder() -> Path:
    """The folder `schemas`: inside the package when installed, at the top of the tree in a checkout."""
    installed = _PACKAGE / "_schemas"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "schemas"


def read_areas(path: Path | None = None) -> Areas:
    """The municipalities and wards of the prefecture, from a code table (CSV). Raises BasisFault."""
    table = path or schemas_folder() / "codes" / "municipalities.csv"
    return Areas(_rows(table, _area))


@cache
def read_variants() -> Variants:
    """異体字 and the form each is searched as. Keys in databases stand on this table: see migration 0004."""
    table = schemas_folder() / "codes" / "name_variants.csv"
    with table.open(encoding="utf-8", newline="") as file:
        return MappingProxyType(
            {ord(variant): row["base"] for row in csv.DictReader(file) for variant in row["variants"]}
        )


_Row = TypeVar("_Row")


def read_bases(extra: Path | None = None) -> Bases:
    """The legal bases: the statutes' own, and a prefecture's (条例) from a file of the same columns.

    Codes of that file begin with P, so that none can stand for a statute's. Raises BasisFault.
    """
    bases = list(_rows(schemas_folder() / "codes" / "legal_bases.csv", _legal_basis))
    own = list(_rows(extra, _legal_basis)) if extra else []
    if foreign := [basis.code for basis in own if not basis.code.startswith("P")]:
        raise BasisFault(
            f"{extra}: {foreign[0]}: code: 県の根拠は P で始める / a prefecture's own begins with P"
        )
    return Bases([*bases, *own], read_number_bases())


def read_number_bases() -> tuple[NumberBasis, ...]:
    """The bases of 番号法9条, on which a 個人番号 may be used."""
    return tuple(_rows(schemas_folder() / "codes" / "number_bases.csv", _number_basis))


def read_offices(table: Path | None, bases: Bases) -> Offices:
    """The offices that may ask and their affairs, from a file; none without one. Raises BasisFault."""
    return Offices(_rows(table, _office_affair) if table else (), bases)


def _rows(table: Path, read: Callable[[Mapping[str, str]], _Row]) -> Iterator[_Row]:
    try:
        text = table.read_text("utf-8")
    except UnicodeDecodeError:
        raise BasisFault(f"{table}: UTF-8 でない / is not UTF-8 text") from None
    for number, row in enumerate(csv.DictReader(StringIO(text)), start=2):
        try:
            yield read(row)
        except KeyError as missing:
            raise BasisFault(
                f"{table}: line {number}: {missing.args[0]}: 列がない / no such column"
            ) from None
        except (ValueError, TypeError, AttributeError) as wrong:
            raise BasisFault(f"{table}: line {number}: {wrong}") from None


def _area(row: Mapping[str, str]) -> Area:
    if not is_area_code(row["code"]):
        raise ValueError("code: is no 団体コード: six digits, the last of them the check digit")
    return Area(row["code"], row["name"], row["designated_city"] or None)


def _legal_basis(row: Mapping[str, str]) -> LegalBasis:
    return LegalBasis(
        row["code"],
        Use(row["use"]),
        frozenset(organ for word in row["organs"].split() for organ in _organs(word)),
        row["requester"],
        row["affair"],
        tuple(row["number_bases"].split()),
        MappingProxyType({name: row[f"{name}_article"] for name in SCOPES if row[f"{name}_article"]}),
        _term(row),
        row["citation"],
    )


def _organs(word: str) -> frozenset[Organ]:
    """An organ by its code; `executive` stands for every one of the prefecture but the governor."""
    return EXECUTIVE if word == "executive" else frozenset({Organ(word)})


def _number_basis(row: Mapping[str, str]) -> NumberBasis:
    return NumberBasis(row["code"], row["holder"], row["affair"], _term(row), row["citation"])


def _office_affair(row: Mapping[str, str]) -> OfficeAffair:
    return OfficeAffair(
        row["office"],
        row["office_name"],
        Organ(row["organ"]),
        row["affair"],
        row["affair_name"],
        row["basis"],
        _term(row),
    )


def _term(row: Mapping[str, str]) -> Term:
    until = row["valid_to"]
    return Term(date.fromisoformat(row["valid_from"]), date.fromisoformat(until) if until else None)

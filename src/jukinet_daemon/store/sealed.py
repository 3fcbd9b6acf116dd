"""封をした列: every column that stands under a key of the ring, and how a row of it is put under another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID

from jukinet_daemon.store.rows import place_of
from jukinet_daemon.vault.fields import Vault

Place = Callable[[Mapping[str, Any], str], str]


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed columns: its key, where scans of it begin, and the place each value is bound to.

    `indexes` are columns that hold the blind index of a sealed one, under the same key version. The queries
    find_stale_NAME, reseal_NAME and count_sealed_NAME go with it, columns in this order.
    """

    name: str
    key: tuple[str, ...]
    first: tuple[Any, ...]
    columns: tuple[str, ...]
    place: Place
    indexes: Mapping[str, str] = field(default_factory=dict)

    def key_of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """What names a row."""
        return tuple(row[column] for column in self.key)

    def resealed(self, row: Mapping[str, Any], vault: Vault) -> list[Any]:
        """Key, values as they stand, values under the current key. Raises VaultFault."""
        opened = {
            column: None if row[column] is None else vault.open(self.place(row, column), row[column])
            for column in self.columns
            if column not in self.indexes
        }
        return [*self.key_of(row), *(row[column] for column in self.columns), *self._new(row, opened, vault)]

    def _new(self, row: Mapping[str, Any], opened: Mapping[str, bytes | None], vault: Vault) -> list[Any]:
        values: list[Any] = []
        for column in self.columns:
            source = self.indexes.get(column)
            value = opened[source or column]
            if value is None:
                values.append(None)
            elif source:
                values.append(vault.index(source, value.decode()))
            else:
                values.append(vault.seal(self.place(row, column), value))
        return values


HELD = SealedTable(
    "held", ("notice_id",), (UUID(int=0),), ("sealed",), lambda row, _: f"held/{row['notice_id']}"
)
PARCEL = SealedTable(
    "parcel", ("parcel_id",), (-1,), ("sealed",), lambda row, _: f"parcel/{row['parcel_id']}"
)
HISTORY = SealedTable(
    "history",
    ("person_id", "version"),
    (-1, -1),
    ("individual_number", "individual_number_index", "previous_number"),
    lambda row, column: place_of(row["person_id"], row["version"], column),
    MappingProxyType({"individual_number_index": "individual_number"}),
)
BRIDGE = SealedTable(
    "bridge_held",
    ("case_id", "place"),
    (UUID(int=0), 0),
    ("sealed",),
    lambda row, _: f"bridge_held/sealed/{row['case_id']}/{row['place']}",
)

# A test holds these against the database: a new column of bytes is named here or declared not to be sealed.
SEALED: Mapping[str, tuple[SealedTable, ...]] = MappingProxyType(
    {"juki": (HISTORY, HELD, PARCEL), "fuhyo": (HELD, PARCEL, BRIDGE)}
)


def columns_of(rows: Sequence[list[Any]]) -> list[list[Any]]:
    """Rows as arrays, one a column."""
    return [list(values) for values in zip(*rows, strict=True)]

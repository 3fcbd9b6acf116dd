"""行: decisions and records as the rows of the database, and back.

個人番号 is sealed and opened here, and the search keys beside the items are worked out.
"""

from collections.abc import Mapping
from datetime import date
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import asyncpg

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.dates import Era, date_range
from jukinet_daemon.domain.decide import Decision
from jukinet_daemon.domain.fold import fold_kana, fold_name
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Key, Notice, Person, Sex
from jukinet_daemon.domain.outcomes import OutcomeClass
from jukinet_daemon.domain.person import PersonState, Stay
from jukinet_daemon.domain.record import Record
from jukinet_daemon.schemas import read_variants
from jukinet_daemon.vault.fields import Vault

_CHANGES: Mapping[str, Change] = MappingProxyType({change.value: change for change in Change})
_CAUSES: Mapping[str, Cause] = MappingProxyType({cause.value: cause for cause in Cause})


def _sealed(record: Record, column: str, value: str | None, vault: Vault) -> bytes | None:
    return (
        None
        if value is None
        else vault.seal(place_of(record.person_id, record.version, column), value.encode())
    )


def place_of(person_id: int, version: int, column: str) -> str:
    """Where a sealed value of the history stands."""
    return f"history/{column}/{person_id}/{version}"


def _index(number: str | None, vault: Vault) -> bytes | None:
    return None if number is None else vault.index("individual_number", number)


def _name_key(text: str | None) -> str | None:
    return None if text is None else fold_name(text, read_variants())


def _kana_key(text: str | None) -> str | None:
    return None if text is None else fold_kana(text)


_COLUMNS = (
    "person_id",
    "version",
    "notice_id",
    "area",
    "is_foreign",
    "change",
    "cause",
    "event_date",
    "resident_code",
    "individual_number",
    "individual_number_index",
    "name",
    "name_kana",
    "former_family_name",
    "former_family_name_kana",
    "alias",
    "date_of_birth",
    "birth_era",
    "sex",
    "address",
    "address_area",
    "overseas",
    "name_gaiji",
    "address_gaiji",
    "previous_code",
    "previous_number",
    "record_key",
    "notified_on",
    "search_name",
    "search_kana",
    "search_former_name",
    "search_former_kana",
    "search_alias",
    "born_from",
    "born_to",
)

# What only one register keeps.
_ONLY_IN = {
    "juki": {
        "is_foreign",
        "cause",
        "individual_number",
        "individual_number_index",
        "former_family_name",
        "former_family_name_kana",
        "alias",
        "previous_number",
        "search_former_name",
        "search_former_kana",
        "search_alias",
    },
    "fuhyo": {"overseas"},
}

# The attributes of each register's type history_row, in order; a test holds them against the database.
HISTORY_ROW: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "juki": tuple(column for column in _COLUMNS if column not in _ONLY_IN["fuhyo"]),
        "fuhyo": tuple(column for column in _COLUMNS if column not in _ONLY_IN["juki"]),
    }
)
_IN_ORDER = {register: itemgetter(*columns) for register, columns in HISTORY_ROW.items()}


def history_row(register: str, record: Record, vault: Vault) -> tuple[Any, ...]:
    """A record as the row of its register's history."""
    row: tuple[Any, ...] = _IN_ORDER[register](_values(record, vault))
    return row


def _values(record: Record, vault: Vault) -> dict[str, Any]:
    """Every column of either register's history; those that a register does not keep are left out later."""
    notice, person = record.notice, record.notice.person
    born_from, born_to = date_range(person.date_of_birth) or (None, None)
    number = person.individual_number
    return {
        "person_id": record.person_id,
        "version": record.version,
        "notice_id": notice.id,
        "area": notice.area,
        "is_foreign": notice.foreign,
        "change": notice.change,
        "cause": notice.cause,
        "event_date": notice.event_date,
        "resident_code": person.resident_code,
        "individual_number": _sealed(record, "individual_number", number, vault),
        "individual_number_index": _index(number, vault),
        "name": person.name,
        "name_kana": person.name_kana,
        "former_family_name": person.former_family_name,
        "former_family_name_kana": person.former_family_name_kana,
        "alias": person.alias,
        "date_of_birth": person.date_of_birth,
        "birth_era": person.birth_era,
        "sex": person.sex,
        "address": person.address,
        "address_area": person.address_area,
        "overseas": person.overseas,
        "name_gaiji": person.name_gaiji,
        "address_gaiji": person.address_gaiji,
        "previous_code": notice.previous_code,
        "previous_number": _sealed(record, "previous_number", notice.previous_number, vault),
        "record_key": notice.record_key,
        "notified_on": record.notified_on,
        "search_name": _name_key(person.name),
        "search_kana": _kana_key(person.name_kana),
        "search_former_name": _name_key(person.former_family_name),
        "search_former_kana": _kana_key(person.former_family_name_kana),
        "search_alias": _name_key(person.alias),
        "born_from": born_from,
        "born_to": born_to,
    }


def record_of(row: asyncpg.Record, vault: Vault) -> Record:
    """A row of the history as a record. Raises VaultFault when a sealed value does not open at its place."""
    place = (row["person_id"], row["version"])

    def opened(column: str) -> str | None:
        sealed = row.get(column)
        return None if sealed is None else vault.open(place_of(*place, column), sealed).decode()

    person = Person(
        resident_code=row["resident_code"],
        individual_number=opened("individual_number"),
        name=row["name"],
        name_kana=row["name_kana"],
        former_family_name=row.get("former_family_name"),
        former_family_name_kana=row.get("former_family_name_kana"),
        alias=row.get("alias"),
        date_of_birth=row["date_of_birth"],
        birth_era=Era(row["birth_era"]) if row["birth_era"] else None,
        sex=Sex(row["sex"]) if row["sex"] else None,
        address=row["address"],
        address_area=row["address_area"],
        overseas=row.get("overseas", False),
        name_gaiji=row["name_gaiji"],
        address_gaiji=row["address_gaiji"],
    )
    notice = ChangeNotice(
        id=row["notice_id"],
        area=row["area"],
        record_key=row["record_key"],
        change=Change(row["change"]),
        cause=_CAUSES[row["cause"]] if row.get("cause") else None,
        event_date=row["event_date"],
        foreign=row.get("is_foreign", False),
        person=person,
        previous_code=row["previous_code"],
        previous_number=opened("previous_number"),
    )
    return Record(notice, *place, row["notified_on"])


def person_row(state: PersonState) -> tuple[Any, ...]:
    """A person's state as a row."""
    stays = [
        (
            *(stay.area, stay.foreign, stay.open, stay.version, stay.change, stay.event_date),
            *(stay.began, stay.began_by, stay.record_key),
        )
        for stay in state.stays
    ]
    return (state.person_id, state.version, state.current, stays, state.waiting, state.coded)


def state_of(row: asyncpg.Record) -> PersonState:
    """A row as a person's state."""
    stays = tuple(
        Stay(
            stay["area"],
            stay["is_foreign"],
            stay["is_open"],
            stay["version"],
            _CHANGES[stay["change"]],
            stay["event_date"],
            stay["began"],
            stay["began_by"] and _CAUSES[stay["began_by"]],
            stay["record_key"],
        )
        for stay in row["stays"]
    )
    return PersonState(row["person_id"], row["version"], row["current"], stays, row["waiting"], row["coded"])


def key_rows(keys: tuple[Key, ...], person_id: int) -> list[tuple[Any, ...]]:
    """A person's new keys as rows."""
    return [(key.kind, key.value, person_id) for key in keys]


def departure_row(notice: DepartureNotice, person_id: int, notified_on: date) -> tuple[Any, ...]:
    """A 転出確定 as a row."""
    return (notice.id, person_id, notice.area, notice.event_date, notified_on)


def brought(
    register: str, decision: Decision, notice: Notice | None, notified_on: date, vault: Vault
) -> tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]:
    """What an accepted notice brings to the file, as rows: a record of the history, or a 転出確定."""
    after = decision.after
    if after is None or decision.kind is not OutcomeClass.ACCEPTED:
        return None, None
    if decision.recorded and isinstance(notice, ChangeNotice):
        return history_row(register, Record(notice, after.person_id, after.version, notified_on), vault), None
    if isinstance(notice, DepartureNotice):
        return None, departure_row(notice, after.person_id, notified_on)
    return None, None


def open_number(person_id: int, version: int, sealed: bytes, vault: Vault) -> str:
    """The 個人番号 of a record, from its sealed column. Raises VaultFault."""
    return vault.open(place_of(person_id, version, "individual_number"), sealed).decode()

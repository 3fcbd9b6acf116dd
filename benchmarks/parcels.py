"""電文の用意: notices about people by number, in parcels signed and framed before the clock starts."""

import os
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from benchmarks.websocket import frame
from jukinet_daemon.domain.identifiers import individual_number_check_digit, resident_code_check_digit
from jukinet_daemon.schemas import read_areas, schemas_folder
from jukinet_daemon.sim.people import load_municipalities, make_population
from jukinet_daemon.wire.envelope import PARCEL_TYPE, SigningKey, digest_of, seal
from jukinet_daemon.wire.parcel import Parcel, write_parcel

# Spreads numbers over all codes, so that neighbours lie apart in an index; sql/fill_begin.sql does the same.
SPREAD = 6_180_339_887
_FACES, _SEED = 2_000, 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed parcel as the bytes of its frame, and what its reply must say."""

    frame: bytes = field(repr=False)
    digest: str
    ids: tuple[str, ...] = field(repr=False)


class Press:
    """Makes notices and parcels. Person `n` lives in `homes[n % len(homes)]`, by default with each sender.

    The same arguments always give the same content; ids are fresh each time.
    """

    def __init__(self, senders: Sequence[str], homes: Sequence[str] | None = None) -> None:
        areas = read_areas()
        municipalities = schemas_folder() / "codes" / "municipalities.csv"
        codes = [row.code for row in load_municipalities(municipalities)]
        self.area_of = {s: next(code for code in codes if areas.may_write(s, code)) for s in senders}
        self.homes = tuple(homes or self.area_of.values())
        people = make_population(municipalities, _SEED, _FACES).residents
        self._faces = [_items(one) for one in people if not one.foreign]
        self._chance = random.Random(_SEED)
        self._numbers = dict.fromkeys(senders, 0)

    def entry(self, person: int) -> dict[str, Any]:
        """記載 of a person."""
        return self._notice(person, "entry", "domestic_move_in", self._faces[person % len(self._faces)])

    def correction(self, person: int, cause: str = "change_of_address") -> dict[str, Any]:
        """修正 of a person who is held: another address in the same area."""
        return self._notice(person, "correction", cause, self._chance.choice(self._faces))

    def parcel(self, sender: str, notices: Sequence[dict[str, Any]], key: SigningKey) -> Prepared:
        """Signs notices as one parcel of a sender."""
        self._numbers[sender] += 1
        parcel = Parcel("juki", sender, self._numbers[sender], tuple(notices))
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        signed = seal(write_parcel(parcel, now), PARCEL_TYPE, key)
        return Prepared(frame(signed.encode("ascii")), digest_of(signed), tuple(n["id"] for n in notices))

    def _notice(self, person: int, change: str, cause: str, face: dict[str, Any]) -> dict[str, Any]:
        area = self.homes[person % len(self.homes)]
        return {
            "kind": "change",
            "id": str(_time_ordered_id()),
            "area": area,
            "change": change,
            "cause": cause,
            "event_date": "20261101",
            "foreign": False,
            "person": face
            | {
                "resident_code": code_of(person),
                "individual_number": number_of(person),
                "address_area": area,
            },
        }


def _time_ordered_id() -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7), as docs/protocol.md asks senders for."""
    milliseconds, chance = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big")
    return UUID(int=milliseconds << 80 | 7 << 76 | (chance >> 68) << 64 | 2 << 62 | chance & (1 << 62) - 1)


def code_of(person: int) -> str:
    """The 住民票コード of a person by number."""
    first = f"{person * SPREAD % 10**10:010d}"
    return first + resident_code_check_digit(first)


def number_of(person: int) -> str:
    """The 個人番号 of a person by number."""
    first = f"{person * SPREAD % 10**11:011d}"
    return first + individual_number_check_digit(first)


def _items(one: Any) -> dict[str, Any]:
    items = {
        "name": one.name.text,
        "name_kana": one.name.kana,
        "former_family_name": one.name.former,
        "former_family_name_kana": one.name.former_kana,
        "date_of_birth": one.birth,
        "birth_era": one.era.value if one.era else None,
        "sex": one.sex.value if one.sex else None,
        "address": one.home.address,
    }
    return {item: value for item, value in items.items() if value is not None}


def cut(things: Iterable[Any], size: int) -> list[list[Any]]:
    """Lists of so many things; the last may be shorter."""
    whole = list(things)
    return [whole[start : start + size] for start in range(0, len(whole), size)]

"""Builders of sound notices; a test says only what matters to it."""

import random
from typing import Any
from uuid import uuid4

from jukinet_daemon.domain.identifiers import individual_number_check_digit, resident_code_check_digit

_dice = random.Random()


def resident_code() -> str:
    """A random 住民票コード with its check digit."""
    digits = f"{_dice.randrange(10**10):010}"
    return digits + resident_code_check_digit(digits)


def individual_number() -> str:
    """A random 個人番号 with its check digit."""
    digits = f"{_dice.randrange(10**11):011}"
    return digits + individual_number_check_digit(digits)


def _merge(notice: dict[str, Any], person: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    person = person | changes.pop("person", {})
    merged = notice | changes | {"person": {k: v for k, v in person.items() if v is not ...}}
    return {name: value for name, value in merged.items() if value is not ...}


def juki_change(**changes: Any) -> dict[str, Any]:
    """A 記載 (出生) in 福岡市東区. Give fields to change them, `...` to leave one out; `person` is merged."""
    notice = {
        "kind": "change",
        "id": str(uuid4()),
        "area": "401315",
        "change": "entry",
        "cause": "birth",
        "event_date": "20261101",
        "foreign": False,
    }
    person = {
        "resident_code": resident_code(),
        "individual_number": individual_number(),
        "name": "髙島 太郎",
        "name_kana": "タカシマ タロウ",
        "date_of_birth": "20261101",
        "birth_era": "reiwa",
        "sex": "male",
        "address": "福岡県福岡市東区箱崎三丁目1番1号",
        "address_area": "401315",
    }
    return _merge(notice, person, changes)


def fuhyo_change(**changes: Any) -> dict[str, Any]:
    """A 記載 of a 戸籍の附票 in 福岡市東区."""
    notice = {
        "kind": "change",
        "id": str(uuid4()),
        "area": "401315",
        "record_key": f"F-{_dice.randrange(10**9):09}",
        "change": "entry",
        "event_date": "20261101",
    }
    person = {
        "resident_code": resident_code(),
        "name": "髙島 花子",
        "name_kana": "タカシマ ハナコ",
        "date_of_birth": "19850403",
        "birth_era": "showa",
        "sex": "female",
        "address": "東京都千代田区丸の内一丁目1番1号",
        "address_area": "131016",
    }
    return _merge(notice, person, changes)


def departure(**changes: Any) -> dict[str, Any]:
    """A 転出確定通知 of 福岡市東区."""
    notice = {
        "kind": "departure",
        "id": str(uuid4()),
        "area": "401315",
        "resident_code": resident_code(),
        "event_date": "20261101",
    }
    return {name: value for name, value in (notice | changes).items() if value is not ...}

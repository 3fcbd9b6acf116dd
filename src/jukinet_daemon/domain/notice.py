"""通知: what a municipality tells the prefecture, as values. Personal values never show in a repr."""

from dataclasses import dataclass, field
from enum import StrEnum

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.dates import Era


class Sex(StrEnum):
    """性別. Blank (None) is possible."""

    MALE = "male"
    FEMALE = "female"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """本人確認情報 of one person as notified (法7条1号-3号・7号・8号の2・13号, 法17条2号-3号・5号-7号).

    Text is kept code point by code point as it came. None is a blank item. `overseas` is 国外転出者である旨,
    which a 戸籍の附票 shows in place of an address (法17条3号); it may show neither. `name_gaiji` and
    `address_gaiji` are 外字数: how many characters of the item lie outside the character set and travel as
    placeholders.
    """

    resident_code: str | None = field(default=None, repr=False)
    individual_number: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    name_kana: str | None = field(default=None, repr=False)
    former_family_name: str | None = field(default=None, repr=False)
    former_family_name_kana: str | None = field(default=None, repr=False)
    alias: str | None = field(default=None, repr=False)
    date_of_birth: str = field(repr=False)
    birth_era: Era | None = field(default=None, repr=False)
    sex: Sex | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    address_area: str | None = field(default=None, repr=False)
    overseas: bool = field(default=False, repr=False)
    name_gaiji: int = field(default=0, repr=False)
    address_gaiji: int = field(default=0, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeNotice:
    """本人確認情報・附票本人確認情報の通知 (法30条の6第1項, 法30条の41第1項).

    `area` is the municipality or ward whose register changed; `record_key` the sender's own name for the
    record, which finds a person who has no 住民票コード (令30条の12の3四号).
    """

    id: str
    area: str
    record_key: str | None = field(repr=False)
    change: Change
    cause: Cause | None
    event_date: str = field(repr=False)
    foreign: bool
    person: Person
    previous_code: str | None = field(repr=False)
    previous_number: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class DepartureNotice:
    """転出確定通知: the municipality left has been told of the move-in elsewhere (令13条3項・4項)."""

    id: str
    area: str
    resident_code: str = field(repr=False)
    event_date: str = field(repr=False)


Notice = ChangeNotice | DepartureNotice


class KeyKind(StrEnum):
    """What a person is found by."""

    CODE = "code"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Key:
    """One name that finds a person: a 住民票コード past or present, or a sender's record key."""

    kind: KeyKind
    value: str = field(repr=False)


def keys_of(notice: Notice) -> tuple[Key, ...]:
    """What finds the person a notice is about, most telling first.

    On a correction of the 住民票コード the person is known by the previous one (令30条の5五号).
    """
    if isinstance(notice, DepartureNotice):
        return (Key(KeyKind.CODE, notice.resident_code),)
    codes = (notice.previous_code, notice.person.resident_code)
    keys = [Key(KeyKind.CODE, code) for code in codes if code]
    if notice.record_key:
        keys.append(Key(KeyKind.RECORD, f"{notice.area}/{notice.record_key}"))
    return tuple(dict.fromkeys(keys))

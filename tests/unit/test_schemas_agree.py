"""The JSON Schemas that vendors are given and the reader that judges them accept and refuse the same."""

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.notice import ChangeNotice
from jukinet_daemon.domain.record import Record
from jukinet_daemon.domain.register import Finding
from jukinet_daemon.schemas import schemas_folder
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.parcel import Parcel, ParcelFault, read_parcel, write_parcel
from jukinet_daemon.wire.relayed import write_record
from jukinet_daemon.wire.reply import (
    ReplyFault,
    ReplyHead,
    read_reply,
    write_answer,
    write_refusal,
    write_reply,
)
from jukinet_daemon.wire.text import canonical, read_json
from support.notices import departure, fuhyo_change, juki_change

Notice = dict[str, Any]
NOW = "2026-11-23T09:00:00.000+09:00"
DIGEST = "W4jVtVYAUKzv2MhLWeB0UQmPy4gpuOAZwHw0ehcOXG8"


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """`pattern` as JSON Schema means it (ECMA-262): Python's $ would also match before a final line break."""
    if isinstance(value, str) and not re.search(pattern.removesuffix("$") + r"\Z", value):
        yield ValidationError("does not match the pattern")


_Ecma: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
_SCHEMAS: dict[str, Any] = {
    path.name.removesuffix(".schema.json"): _Ecma(json.loads(path.read_text("utf-8")))
    for path in (schemas_folder() / "messages").iterdir()
}
_TAKEN = {"juki": ("juki-change", "juki-departure"), "fuhyo": ("fuhyo-change",)}


def fits(name: str, message: Any) -> bool:
    return bool(_SCHEMAS[name].is_valid(message))


def by_schema(register: str, notice: Any) -> bool:
    return any(fits(name, notice) for name in _TAKEN[register])


def by_reader(register: str, notice: Any) -> bool:
    return not isinstance(read_notice(register, notice), Finding)


def _person(**fields: Any) -> dict[str, Any]:
    return {"person": fields}


# What may be said in either register.
_GOOD_CHANGES: list[Notice] = [
    {},
    {"record_key": "A.z_0:9-"},
    {"record_key": "k" * 64},
    {"event_date": "00000000"},
    {"event_date": "2026A4A3"},
    {"event_date": "19990229"},
    {"event_date": "20260231"},
    {"person": {"name": None, "sex": None, "name_kana": None}},
    _person(name=...),
    _person(name="字" * 200),
    _person(address="字" * 400),
    # A character and its marks are one; a mark that nothing precedes is one too.
    _person(name="葛\U000e0100" * 200),
    _person(name="か\u3099" * 200, name_kana="ハ\u309a" * 200, address="A\u0323\u0302" * 400),
    _person(name="\U000e0100" * 800, name_kana="\u3099" + "カ" * 199),
    # A compatibility ideograph, a variation sequence, beyond the BMP, kana with a combining mark, Latin.
    _person(name="神󠄀 葛󠄁城 𠮷野 か゚ Ünï O'Brien"),
    _person(name=" "),
    _person(sex="female"),
    _person(birth_era="taisho", date_of_birth="19261225"),
    _person(birth_era=...),
    _person(address=...),
    _person(address_area=...),
    _person(name="〓田", name_gaiji=1, address_gaiji=99),
    _person(name_gaiji=0),
    _person(resident_code=...),
    _person(resident_code="00000000000"),
]
_BAD_CHANGES: list[Notice] = [
    {"kind": ...},
    {"kind": "record"},
    {"kind": None},
    {"kind": 1},
    {"kind": ["change"]},
    {"id": ...},
    {"id": None},
    {"id": "1"},
    {"id": "0B7E5A9C-3A0E-4A51-9D0C-5C7B0E7C1F11"},
    {"id": "0b7e5a9c3a0e4a519d0c5c7b0e7c1f11"},
    {"id": "{0b7e5a9c-3a0e-4a51-9d0c-5c7b0e7c1f11}"},
    {"id": "0b7e5a9c-3a0e-4a51-9d0c-5c7b0e7c1f11\n"},
    {"area": ...},
    {"area": 401315},
    {"area": "40131"},
    {"area": "4013150"},
    {"area": "４０１３１５"},
    {"area": "401315\n"},
    {"area": "٤٠١٣١٥"},
    {"record_key": ""},
    {"record_key": "k" * 65},
    {"record_key": "a b"},
    {"record_key": "記録"},
    {"record_key": 7},
    {"change": ...},
    {"change": "erasure"},
    {"change": "ENTRY"},
    {"change": None},
    {"event_date": ...},
    {"event_date": "2026-11-01"},
    {"event_date": "20261301"},
    {"event_date": "20261132"},
    {"event_date": "2026A5A1"},
    {"event_date": "2026A1A4"},
    {"event_date": "2026a1a1"},
    {"event_date": "２０２６１１０１"},
    {"event_date": 20261101},
    {"event_date": None},
    {"previous_code": "1234567890"},
    {"previous_code": ""},
    {"previous_code": 12345678901},
    {"remark": "x"},
    {"Kind": "change"},
    {"person": {"household_head": "x"}},
    {"person": {"domicile": "x"}},
    _person(resident_code=24727059608),
    _person(resident_code="2472705960"),
    _person(resident_code="247270596080"),
    _person(resident_code="２４７２７０５９６０８"),
    _person(resident_code=""),
    _person(name=""),
    _person(name="字" * 201),
    _person(name="葛\U000e0100" * 201),
    _person(name="か\u3099" * 201),
    _person(name="\u3099" + "カ" * 200),
    _person(name="\U000e0100" * 801),
    _person(name="葛" + "\u0302" * 800),
    _person(address="区\ufe00" * 401),
    _person(address="区" + "\ufe00" * 1600),
    _person(name=["髙島", "太郎"]),
    _person(name=1),
    _person(name="髙島\u0000太郎"),
    _person(name="髙島\t太郎"),
    _person(name="髙島太郎\n"),
    _person(name="髙島\u007f太郎"),
    _person(name="髙島\u0085太郎"),
    _person(name="髙島\u200b太郎"),
    _person(name="髙島\u200f太郎"),
    _person(name="髙島\u2028太郎"),
    _person(name="髙島\u202e太郎"),
    _person(name="髙島\u2066太郎"),
    _person(name="\ufeff髙島太郎"),
    _person(name="髙島\ufdd0太郎"),
    _person(name="髙島\ufff9太郎"),
    _person(name="髙島\uffff太郎"),
    _person(name_kana="タカシマ\u202dタロウ"),
    _person(name_kana=0),
    _person(date_of_birth=...),
    _person(date_of_birth=None),
    _person(date_of_birth="1985"),
    _person(date_of_birth="1985-4-3"),
    _person(date_of_birth=19850403),
    _person(birth_era="edo"),
    _person(birth_era="昭和"),
    _person(birth_era=""),
    _person(sex="1"),
    _person(sex=1),
    _person(sex=""),
    _person(address="字" * 401),
    _person(address=""),
    _person(address="福岡市\u000b東区"),
    _person(address_area="13101"),
    _person(address_area=131016),
    _person(name_gaiji=100),
    _person(name_gaiji=-1),
    _person(address_gaiji="1"),
    _person(address_gaiji=True),
    _person(address_gaiji=None),
    _person(address_area="１３１０１６"),
]
_GOOD_JUKI: list[Notice] = [
    {"change": "number_correction", "cause": "number_change_request", "previous_number": "123456789018"},
    {"change": "code_correction", "cause": "code_change_request", "previous_code": "24727059608"},
    {"foreign": True},
    {"foreign": ...},
    # A wrong pair, a missing code and a wrong check digit have the right form; the checks refuse them.
    {"change": "entry", "cause": "death"},
    _person(individual_number="000000000000"),
    _person(individual_number=...),
    _person(alias="マリア", former_family_name="葛󠄀西", former_family_name_kana="カサイ"),
]
_BAD_JUKI: list[Notice] = [
    {"cause": ...},
    {"cause": None},
    {"cause": "出生"},
    {"cause": "01"},
    {"foreign": "false"},
    {"foreign": 0},
    {"foreign": None},
    {"previous_number": "12345678901"},
    {"previous_number": 123456789018},
    {"previous_number": "１２３４５６７８９０１８"},
    {"person": None},
    {"person": []},
    _person(individual_number=123456789018),
    _person(individual_number="1234567890180"),
    _person(individual_number="１２３４５６７８９０１８"),
    _person(former_family_name=""),
    _person(former_family_name_kana="カ\u2060サイ"),
    _person(alias="字" * 201),
    _person(overseas=True),
]
_GOOD_FUHYO: list[Notice] = [
    _person(overseas=True, address=...),
    _person(overseas=False),
    {"record_key": ...},
    {"change": "code_correction", "previous_code": "24727059608"},
]
_BAD_FUHYO: list[Notice] = [
    {"cause": "birth"},
    {"cause": None},
    {"foreign": False},
    {"previous_number": "123456789018"},
    {"change": "number_correction"},
    _person(overseas=None),
    _person(overseas="true"),
    _person(overseas=1),
    _person(individual_number="123456789018"),
    _person(individual_number=None),
    _person(former_family_name="葛西"),
    _person(alias="マリア"),
]
_GOOD_DEPARTURES: list[Notice] = [{}, {"event_date": "20260000"}]
_BAD_DEPARTURES: list[Notice] = [
    {"resident_code": ...},
    {"resident_code": None},
    {"resident_code": "2472705960"},
    {"event_date": ...},
    {"area": "福岡市"},
    {"record_key": "k"},
    {"person": {}},
    {"id": ...},
]


def _changed(build: Any, changes: Notice) -> Notice:
    if isinstance(changes.get("person", {}), dict):
        changed: Notice = build(**changes)
        return changed
    sound: Notice = build()
    return sound | changes


GOOD: list[tuple[str, Any]] = [
    *(("juki", _changed(juki_change, changes)) for changes in [*_GOOD_CHANGES, *_GOOD_JUKI]),
    *(("fuhyo", _changed(fuhyo_change, changes)) for changes in [*_GOOD_CHANGES, *_GOOD_FUHYO]),
    *(("juki", _changed(departure, changes)) for changes in _GOOD_DEPARTURES),
]
BAD: list[tuple[str, Any]] = [
    *(("juki", _changed(juki_change, changes)) for changes in [*_BAD_CHANGES, *_BAD_JUKI]),
    *(("fuhyo", _changed(fuhyo_change, changes)) for changes in [*_BAD_CHANGES, *_BAD_FUHYO]),
    *(("juki", _changed(departure, changes)) for changes in _BAD_DEPARTURES),
    ("fuhyo", departure()),
    ("juki", None),
    ("juki", []),
    ("juki", "change"),
    ("juki", {}),
]


@pytest.mark.parametrize(("register", "notice"), GOOD)
def test_both_accept(register: str, notice: Any) -> None:
    assert (by_schema(register, notice), by_reader(register, notice)) == (True, True)


@pytest.mark.parametrize(("register", "notice"), BAD)
def test_both_refuse(register: str, notice: Any) -> None:
    assert (by_schema(register, notice), by_reader(register, notice)) == (False, False)


def test_an_unpaired_surrogate_is_refused_where_no_schema_can_see_it() -> None:
    notice = juki_change(person={"name": "\ud842"})
    assert by_schema("juki", notice)
    assert read_notice("juki", notice) == Finding(outcomes.MALFORMED, "person.name")


def test_a_field_named_twice_is_refused_where_no_schema_can_see_it() -> None:
    text = json.dumps(juki_change()).replace('"foreign"', '"area": "401315", "foreign"')
    notice = read_json(text.encode(), marked=True)
    assert by_schema("juki", notice)
    assert read_notice("juki", notice) == Finding(outcomes.DUPLICATE_FIELD, "area")


_PARCEL = {
    "protocol": "jukinet/1",
    "register": "juki",
    "sender": "401307",
    "number": 1,
    "sent_at": NOW,
    "notices": [{}],
}


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"number": 2**53 - 1}, True),
        ({"notices": [None] * 500}, True),
        ({"sent_at": "2026-11-23T00:00:00Z"}, True),
        ({"protocol": "jukinet/2"}, False),
        ({"register": "koseki"}, False),
        ({"sender": "福岡市"}, False),
        ({"number": 0}, False),
        ({"number": 2**53}, False),
        ({"number": "1"}, False),
        ({"number": True}, False),
        ({"sent_at": "2026-11-23 09:00:00"}, False),
        ({"sent_at": "2026-11-23T09:00:00"}, False),
        ({"notices": []}, False),
        ({"notices": [{}] * 501}, False),
        ({"notices": {}}, False),
        ({"priority": 1}, False),
    ],
)
def test_both_agree_on_parcels(changes: dict[str, Any], good: bool) -> None:
    parcel = _PARCEL | changes
    try:
        read_parcel(canonical(parcel))
        read = True
    except ParcelFault:
        read = False
    assert (fits("parcel", parcel), read) == (good, good)


@pytest.mark.parametrize("missing", _PARCEL)
def test_both_refuse_a_parcel_without_a_field(missing: str) -> None:
    parcel = {name: value for name, value in _PARCEL.items() if name != missing}
    assert not fits("parcel", parcel)
    with pytest.raises(ParcelFault):
        read_parcel(canonical(parcel))


def test_what_is_written_fits_its_schema() -> None:
    answer = write_answer(
        {
            "id": juki_change()["id"],
            "outcome": "ACCEPTED",
            "code": "A100",
            "remarks": [{"code": "W600", "field": "person.resident_code"}],
            "received_on": "2026-11-23",
            "leaf": DIGEST,
            "salt": "AAAAAAAAAAAAAAAAAAAAAA",
        }
    )
    head = ReplyHead("juki", "401307", 7, DIGEST)
    for payload in (
        write_reply(head, [answer], [0], NOW),
        write_refusal(head, "P402", "sender", NOW),
        write_refusal(ReplyHead("juki", "401307", None, DIGEST), "P400", None, NOW),
    ):
        assert fits("reply", read_json(payload))
        read_reply(payload)
    parcel = write_parcel(Parcel("juki", "401307", 7, (juki_change(),)), NOW)
    assert fits("parcel", read_json(parcel))


@pytest.mark.parametrize(
    "changes",
    [{"outcome": "REPEATED"}, {"code": "100"}, {"leaf": "="}, {"received_on": "20261123"}],
)
def test_both_refuse_a_wrong_reply(changes: dict[str, Any]) -> None:
    answer = {"outcome": "ACCEPTED", "code": "A100"} | changes
    payload = write_reply(ReplyHead("juki", "401307", 7, DIGEST), [write_answer(answer)], [], NOW)
    assert not fits("reply", read_json(payload))
    with pytest.raises(ReplyFault):
        read_reply(payload)


@pytest.mark.parametrize(
    ("register", "notice"),
    [
        ("juki", juki_change()),
        ("juki", juki_change(foreign=True, person={"alias": "マリア", "name_kana": ..., "birth_era": ...})),
        ("juki", juki_change(person={"name_gaiji": 2, "address_gaiji": 1})),
        ("fuhyo", fuhyo_change()),
        ("fuhyo", fuhyo_change(person={"overseas": True, "address": ..., "resident_code": ...})),
    ],
)
def test_a_relayed_record_fits_its_schema(register: str, notice: Notice) -> None:
    read = read_notice(register, notice)
    assert isinstance(read, ChangeNotice)
    record = write_record(register, Record(read, 81, 2, date(2026, 11, 23)))
    assert fits(f"{register}-record", read_json(canonical(record)))


def test_a_reply_may_gain_fields() -> None:
    answer = {"outcome": "ACCEPTED", "code": "A100", "hitherto_unknown": 1}
    payload = write_reply(ReplyHead("juki", "401307", 7, DIGEST), [write_answer(answer)], [], NOW)
    assert fits("reply", read_json(payload))
    assert read_reply(payload).answers[0].code == "A100"

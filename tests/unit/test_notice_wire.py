"""Reading is strict: what is not exactly a notice is refused by the name of a field, never by a value."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Notice
from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.domain.register import Finding
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.parcel import ParcelFault, read_parcel
from jukinet_daemon.wire.text import MAX_DEPTH, JsonFault, canonical, notice_id_in, read_json
from support.notices import departure, fuhyo_change, juki_change

MALFORMED, UNKNOWN, MISSING = outcomes.MALFORMED, outcomes.UNKNOWN_FIELD, outcomes.MISSING_FIELD


def person(**items: Any) -> dict[str, Any]:
    return juki_change(person=items)


def heard(raw: Any, register: str = "juki") -> tuple[Outcome, str] | Notice:
    """What a reader says of JSON that went over the wire."""
    notice = read_notice(register, read_json(json.dumps(raw, allow_nan=False).encode()))
    return (notice.outcome, notice.field) if isinstance(notice, Finding) else notice


@pytest.mark.parametrize(
    ("register", "raw", "kind"),
    [
        ("juki", juki_change(), ChangeNotice),
        ("juki", departure(), DepartureNotice),
        ("fuhyo", fuhyo_change(), ChangeNotice),
    ],
)
def test_a_sound_notice_is_read(register: str, raw: Any, kind: type) -> None:
    notice = heard(raw, register)
    assert isinstance(notice, ChangeNotice | DepartureNotice)
    assert (type(notice), notice.id) == (kind, raw["id"])


@pytest.mark.parametrize(
    "value", [1, 1.0, True, None, [], {}, "４０１３１５", "401315 ", "401315\n", "40131", ""]
)
def test_an_area_code_is_six_ascii_digits_and_nothing_else(value: Any) -> None:
    if isinstance(value, float):
        with pytest.raises(JsonFault):
            read_json(json.dumps(value).encode())
    else:
        assert heard(juki_change(area=value)) == (MALFORMED, "area")


@pytest.mark.parametrize(
    ("raw", "outcome", "field"),
    [
        (juki_change(foreign="true"), MALFORMED, "foreign"),
        (juki_change(foreign=0), MALFORMED, "foreign"),
        (juki_change(foreign=None), MALFORMED, "foreign"),
        (juki_change(event_date=20261101), MALFORMED, "event_date"),
        (juki_change(event_date="２０２６１１０１"), MALFORMED, "event_date"),
        (juki_change(event_date="2026-11-01"), MALFORMED, "event_date"),
        (juki_change(event_date=10**400), MALFORMED, "event_date"),
        (juki_change(id="6352E5F3-F825-42E0-BA06-64D5D75DFBFE"), MALFORMED, "id"),
        (juki_change(id="6352e5f3f82542e0ba0664d5d75dfbfe"), MALFORMED, "id"),
        (juki_change(id="{6352e5f3-f825-42e0-ba06-64d5d75dfbfe}"), MALFORMED, "id"),
        (juki_change(change="ENTRY"), MALFORMED, "change"),
        (juki_change(cause="出生"), MALFORMED, "cause"),
        (juki_change(cause=...), MISSING, "cause"),
        (juki_change(record_key="a/b"), MALFORMED, "record_key"),
        (juki_change(record_key="a" * 65), MALFORMED, "record_key"),
        (juki_change(previous_number=10**300), MALFORMED, "previous_number"),
        (juki_change() | {"person": []}, MALFORMED, "person"),
        (juki_change(id=...), MISSING, "id"),
        (juki_change(kind=...), MISSING, "kind"),
        (juki_change(kind="record"), outcomes.KIND_NOT_TAKEN, "kind"),
        (juki_change(kind=["change"]), outcomes.KIND_NOT_TAKEN, "kind"),
        (person(date_of_birth=...), MISSING, "person.date_of_birth"),
        (person(resident_code="２４７２７０５９６０８"), MALFORMED, "person.resident_code"),
        (person(resident_code=24727059608), MALFORMED, "person.resident_code"),
        (person(individual_number="37947448445８"), MALFORMED, "person.individual_number"),
        (person(name=True), MALFORMED, "person.name"),
        (person(name=""), MALFORMED, "person.name"),
        (person(name="髙" * 201), MALFORMED, "person.name"),
        (person(address="区" * 401), MALFORMED, "person.address"),
        (person(name="髙\u0000島"), MALFORMED, "person.name"),
        (person(name="髙島\n"), MALFORMED, "person.name"),
        (person(name="髙\u0085島"), MALFORMED, "person.name"),
        (person(name="髙\ud842"), MALFORMED, "person.name"),
        (person(name="\udfb7島"), MALFORMED, "person.name"),
        (person(name="\u202e島髙"), MALFORMED, "person.name"),
        (person(name="\u2067島髙\u2069"), MALFORMED, "person.name"),
        (person(name="髙\u200b島"), MALFORMED, "person.name"),
        (person(name="\ufeff髙島"), MALFORMED, "person.name"),
        (person(name="髙\ufdd0"), MALFORMED, "person.name"),
        (person(name="髙\uffff"), MALFORMED, "person.name"),
        (person(name="髙\ufffd島"), MALFORMED, "person.name"),
        (person(name="\u061c島"), MALFORMED, "person.name"),
        # 住基ネット統一文字 J+AC00 to J+D6FF lie where Unicode has Hangul: text that nobody converted.
        (person(name="\uac00"), MALFORMED, "person.name"),
        (person(name="\ud6ff"), MALFORMED, "person.name"),
        (person(sex="1"), MALFORMED, "person.sex"),
        (person(birth_era="令和"), MALFORMED, "person.birth_era"),
        (person(honseki="福岡市"), UNKNOWN, "person.honseki"),
        (juki_change(relationship="世帯主"), UNKNOWN, "relationship"),
        ([], MALFORMED, ""),
        ("change", MALFORMED, ""),
        (None, MALFORMED, ""),
    ],
)
def test_the_first_wrong_field_is_named(raw: Any, outcome: Outcome, field: str) -> None:
    assert heard(raw) == (outcome, field)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (fuhyo_change(person={"individual_number": "379474484458"}), "person.individual_number"),
        (fuhyo_change(cause="birth"), "cause"),
        (fuhyo_change(foreign=False), "foreign"),
        (fuhyo_change(person={"alias": "山田"}), "person.alias"),
    ],
)
def test_fuhyo_knows_no_number_no_cause_and_no_foreign_resident(raw: Any, field: str) -> None:
    assert heard(raw, "fuhyo") == (UNKNOWN, field)


def test_juki_knows_nobody_overseas() -> None:
    assert heard(person(overseas=True)) == (UNKNOWN, "person.overseas")


def test_fuhyo_takes_no_correction_of_a_number_and_no_departure() -> None:
    assert heard(fuhyo_change(change="number_correction"), "fuhyo") == (MALFORMED, "change")
    assert heard(departure(), "fuhyo") == (outcomes.KIND_NOT_TAKEN, "kind")


@pytest.mark.parametrize(
    "name",
    ["379474484458", "秘密太郎", "ｎａｍｅ", "na me", "na\nme", "name\u202e", "\ud800", "x" * 65, ""],
)
@pytest.mark.parametrize("inside", [True, False])
def test_a_field_name_that_is_not_plain_is_masked(name: str, inside: bool) -> None:
    said = heard(person(**{name: "1"}) if inside else juki_change(**{name: "1"}))
    assert isinstance(said, tuple)
    assert said[0].kind is outcomes.OutcomeClass.REFUSED
    assert said[1] in {"(?)", "person", "person."}


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"kind":"change","kind":"departure"}', "kind"),
        (b'{"area":"401315","kind":"change","area":"401315"}', "area"),
        (b'{"kind":"change","person":{"name":"a","name":"a"}}', "person.name"),
        ('{"kind":"change","秘密":1,"秘密":2}'.encode(), "(?)"),
        (rb'{"kind":"change","ki\u006ed":"change"}', "kind"),
    ],
)
def test_a_field_named_twice_is_refused_by_name_even_with_one_value(raw: bytes, field: str) -> None:
    finding = read_notice("juki", read_json(raw, marked=True))
    assert isinstance(finding, Finding)
    assert (finding.outcome, finding.field) == (outcomes.DUPLICATE_FIELD, field)


STRANGE = ["1.5", "1.50", "-1.5", "1e2", "1E400", "9" * 5000]


@pytest.mark.parametrize("number", STRANGE)
def test_a_strange_number_is_refused_by_the_name_of_its_field(number: str) -> None:
    for raw, outcome, field in (
        (number, MALFORMED, ""),
        (f'{{"kind":{number}}}', outcomes.KIND_NOT_TAKEN, "kind"),
        (json.dumps(juki_change()).replace("false", number), MALFORMED, "foreign"),
        (json.dumps(person(name_gaiji="*")).replace('"*"', number), MALFORMED, "person.name_gaiji"),
    ):
        finding = read_notice("juki", read_json(raw.encode(), marked=True))
        assert isinstance(finding, Finding)
        assert (finding.outcome, finding.field) == (outcome, field)


def test_no_strange_number_is_known_by_the_bytes_of_something_else() -> None:
    strange = [read_json(f"[{number}]".encode(), marked=True) for number in STRANGE]
    bytes_of = [canonical(value) for value in strange]
    assert len(set(bytes_of)) == len(STRANGE)
    for text in bytes_of:
        with pytest.raises(JsonFault):
            read_json(text, marked=True)


@pytest.mark.parametrize(
    "raw",
    [
        b"NaN",
        b'{"a":NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b"1.0",
        b"[1e2]",
        b"1E400",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 100 + b"]" * 100,
        b"9" * 5000,
        b"",
        b"{}{}",
        b"{'a':1}",
        b'{"a":1,}',
        b"01",
        b"// x\n{}",
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        '{"a":1}'.encode("utf-16"),
        b'"a\nb"',
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_not_strict_json_is_refused(raw: bytes) -> None:
    with pytest.raises(JsonFault):
        read_json(raw)


@pytest.mark.parametrize("inmost", [[], {}, 1])
@pytest.mark.parametrize("wrap", [lambda part: [part], lambda part: {"a": part}], ids=["arrays", "objects"])
def test_nesting_ends_at_the_depth_the_protocol_says(wrap: Callable[[Any], Any], inmost: Any) -> None:
    value, levels = inmost, int(isinstance(inmost, list | dict))
    while levels < MAX_DEPTH:
        value, levels = wrap(value), levels + 1
    assert read_json(canonical(value)) == value
    with pytest.raises(JsonFault, match="nested too deeply"):
        read_json(canonical(wrap(value)))
    protocol = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
    assert f"nest at most {MAX_DEPTH} deep" in protocol


def test_no_fault_or_finding_repeats_what_stood_there() -> None:
    secret = "379474484458"
    for raw in (f'{{"a":{secret}.5}}', f'["{secret}" x]', f'"{secret}', f"{{{secret}:1}}"):
        with pytest.raises(JsonFault) as fault:
            read_json(raw.encode())
        # As a log would print it, with whatever the fault was raised from.
        assert secret not in "".join(traceback.format_exception(fault.value))
    for notice in (
        juki_change(area=secret),
        juki_change(cause=secret),
        person(name=[secret]),
        person(**{secret: secret}),
    ):
        assert secret not in repr(heard(notice))


def test_a_parcel_fault_names_its_own_fields_only() -> None:
    parcel = {
        "protocol": "jukinet/1",
        "register": "juki",
        "sender": "401307",
        "number": 1,
        "sent_at": "2026-11-23T09:00:00+09:00",
        "notices": [{}],
    }
    assert read_parcel(json.dumps(parcel).encode()).notices == ({},)
    for change, field in (
        ({"number": 0}, "number"),
        ({"number": True}, "number"),
        ({"number": 2**53}, "number"),
        ({"notices": []}, "notices"),
        ({"notices": [{}] * 501}, "notices"),
        ({"sender": "４０１３０７"}, "sender"),
        ({"sent_at": "2026-11-23 09:00"}, "sent_at"),
        ({"register": "national"}, "register"),
        ({"秘密太郎": 1}, None),
    ):
        with pytest.raises(ParcelFault) as fault:
            read_parcel(json.dumps(parcel | change).encode())
        assert fault.value.field == field
    with pytest.raises(ParcelFault):
        read_parcel(b'{"number":1,' + json.dumps(parcel)[1:].encode())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"id": "6352e5f3-f825-42e0-ba06-64d5d75dfbfe", "x": []}, "6352e5f3-f825-42e0-ba06-64d5d75dfbfe"),
        ({"id": "6352E5F3-f825-42e0-ba06-64d5d75dfbfe"}, None),
        ({"id": 7}, None),
        ({"id": "\ud800"}, None),
        ({}, None),
        ([], None),
        (["id"], None),
        ("id", None),
        (None, None),
    ],
)
def test_the_id_is_found_in_anything_that_has_a_sound_one(raw: Any, expected: str | None) -> None:
    assert notice_id_in(raw) == expected


@pytest.mark.parametrize("char", ["\U0001fffe", "\U0010ffff", "\U000e0001", "\U000e0041"])
def test_noncharacters_and_tags_of_other_planes_are_no_names(char: str) -> None:
    assert heard(person(name=f"髙{char}")) == (MALFORMED, "person.name")

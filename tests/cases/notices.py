"""通知の事例: notices that are refused among good neighbours, field by field."""

from typing import Any

from cases.case import coded, numbered
from cases.people import NAME
from support.notices import juki_change

NUMBER = "person.individual_number"


def of(**person: Any) -> dict[str, Any]:
    """A notice of a person with these items."""
    return juki_change(person=person)


def _answered(code: str, field_name: str | None = None) -> tuple[str, str]:
    return coded(code, field_name), f"notices_refused {code}"


NOTICES = numbered(
    "N",
    (
        ("another municipality's resident", juki_change(area="401013"), *_answered("R310", "area")),
        ("an area that is none", juki_change(area="999999"), *_answered("R310", "area")),
        ("続柄", juki_change(relationship="head"), *_answered("R301", "relationship")),
        ("続柄 of the person", of(relationship="head"), *_answered("R301", "person.relationship")),
        ("field with a person's name", juki_change(**{NAME: 1}), *_answered("R301", "(?)")),
        ("field missing", juki_change(event_date=...), *_answered("R302", "event_date")),
        ("field of the person missing", of(date_of_birth=...), *_answered("R302", "person.date_of_birth")),
        ("kind missing", juki_change(kind=...), *_answered("R302", "kind")),
        ("kind unknown", juki_change(kind=NAME), *_answered("R311", "kind")),
        ("kind as a number", juki_change(kind=1), *_answered("R311", "kind")),
        ("id missing", juki_change(id=...), *_answered("R302", "id")),
        ("id of another form", juki_change(id="A-1"), *_answered("R300", "id")),
        ("id in capitals", juki_change(id="F47AC10B-58CC-4372-A567-0E02B2C3D479"), *_answered("R300", "id")),
        (
            "full-width code",
            of(resident_code="１２３４５６７８９０１"),
            *_answered("R300", "person.resident_code"),
        ),
        ("code as a number", of(resident_code=12345678901), *_answered("R300", "person.resident_code")),
        ("number with a line end", of(individual_number="123456789018\n"), *_answered("R300", NUMBER)),
        ("number's check digit", of(individual_number="123456789010"), *_answered("R320", NUMBER)),
        ("NUL in a name", of(name="髙島\0太郎"), *_answered("R300", "person.name")),
        ("lone surrogate in a name", of(name="髙島\ud867"), *_answered("R300", "person.name")),
        ("lone surrogate in a field's name", juki_change(**{"\udc00": 1}), *_answered("R300", "(?)")),
        ("name of 201 letters", of(name="髙" * 201), *_answered("R300", "person.name")),
        ("name empty", of(name=""), *_answered("R300", "person.name")),
        ("date as a number", juki_change(event_date=20261101), *_answered("R300", "event_date")),
        ("foreign as 1", juki_change(foreign=1), *_answered("R300", "foreign")),
        ("foreign as text", juki_change(foreign="false"), *_answered("R300", "foreign")),
        ("person as an array", {**juki_change(), "person": []}, *_answered("R300", "person")),
        ("person null", {**juki_change(), "person": None}, *_answered("R300", "person")),
        ("notice as text", NAME, *_answered("R300")),
        ("notice as an array", [juki_change()], *_answered("R300")),
        ("notice null", None, *_answered("R300")),
        ("notice empty", {}, *_answered("R302", "kind")),
        ("count of 4,000 digits", of(name_gaiji=int("9" * 4000)), *_answered("R300", "person.name_gaiji")),
        ("count below zero", of(name_gaiji=-1), *_answered("R300", "person.name_gaiji")),
        ("address of 401 letters", of(address="字" * 401), *_answered("R300", "person.address")),
        ("name of 200,000 letters", of(name="髙" * 200_000), *_answered("R300", "person.name")),
        ("4 lists in a name, 8 deep in all", of(name=[[[[NAME]]]]), *_answered("R300", "person.name")),
        ("NUL in an address", of(address="福岡市\0"), *_answered("R300", "person.address")),
        ("NUL in an id", juki_change(id="f47ac10b-58cc-4372-a567-0e02b2c3d47\0"), *_answered("R300", "id")),
        ("NUL in a field's name", juki_change(**{"a\0": 1}), *_answered("R301", "(?)")),
        ("field's name of 100,000 letters", juki_change(**{"a" * 100_000: 1}), *_answered("R301", "(?)")),
        (
            "direction control in a code",
            of(resident_code="1234567890\u202e"),
            *_answered("R300", "person.resident_code"),
        ),
        ("surrogates the wrong way round", of(name="\udf36\ud867"), *_answered("R300", "person.name")),
        (
            "digits of another script in a date",
            juki_change(event_date="٢٠٢٦١١٠١"),
            *_answered("R300", "event_date"),
        ),
        ("1,000 unknown fields", juki_change(**{f"a{n}": 1 for n in range(1000)}), *_answered("R301", "(?)")),
    ),
)

# What is written in place of the first: a field named twice, which no writer of JSON does.
DOUBLED = numbered(
    "D",
    (
        ("kind twice", ('"kind": ', '"kind": "change", "kind": '), *_answered("R303", "kind")),
        (
            "kind twice, once escaped",
            ('"kind": ', '"k\\u0069nd": "change", "kind": '),
            *_answered("R303", "kind"),
        ),
        ("name twice", ('"name": ', '"name": "他人", "name": '), *_answered("R303", "person.name")),
        ("person twice", ('"person": ', '"person": {}, "person": '), *_answered("R303", "person")),
        (
            "unknown field twice",
            ('"kind": ', f'"{NAME}": 1, "{NAME}": 2, "kind": '),
            *_answered("R303", "(?)"),
        ),
    ),
)

_FOREIGN = '"foreign": false'

# What is written in place of the first: a number that no writer of ours makes.
NUMBERS = numbered(
    "S",
    (
        ("fraction", (_FOREIGN, '"foreign": 0.5'), *_answered("R300", "foreign")),
        (
            "fraction of 10,000 digits",
            (_FOREIGN, f'"foreign": 0.{"1" * 10_000}'),
            *_answered("R300", "foreign"),
        ),
        ("number of 10,000 digits", (_FOREIGN, f'"foreign": {"1" * 10_000}'), *_answered("R300", "foreign")),
        ("1e400", (_FOREIGN, '"foreign": 1e400'), *_answered("R300", "foreign")),
        (
            "count of 10,000 digits",
            ('"name": ', f'"name_gaiji": -{"1" * 10_000}, "name": '),
            *_answered("R300", "person.name_gaiji"),
        ),
        (
            "count as 2.0",
            ('"name": ', '"name_gaiji": 2.0, "name": '),
            *_answered("R300", "person.name_gaiji"),
        ),
        (
            "count as 1e0",
            ('"name": ', '"name_gaiji": 1e0, "name": '),
            *_answered("R300", "person.name_gaiji"),
        ),
        ("kind as a fraction", ('"kind": "change"', '"kind": 1.5'), *_answered("R311", "kind")),
        ("id as a fraction", ('"id": ', '"id": 1.5, "was": '), *_answered("R300", "id")),
        ("person as a fraction", ('"person": ', '"person": 1.5, "was": '), *_answered("R300", "person")),
        (
            "unknown field as a fraction",
            ('"kind": ', f'"{NAME}": 1.5, "kind": '),
            *_answered("R301", "(?)"),
        ),
    ),
)

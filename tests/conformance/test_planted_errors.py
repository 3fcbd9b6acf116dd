"""A kit that passes everything proves nothing: every kind of expectation, once spoiled, is found out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.conformance.cast import Cast, SymbolFault
from jukinet_daemon.sim.conformance.script import Writer
from jukinet_daemon.sim.conformance.vectors import Answer, Vector, VectorFault, load_kit
from support.conformance import in_the_hand

KIT = load_kit()
WRITER = Writer(KIT.templates, read_areas(), Cast("planted", date(2026, 11, 23)), dated=True)
Spoil = Callable[[Vector], Vector]


def named(name: str) -> Vector:
    return next(vector for vector in KIT.vectors if vector.name == name)


def answered(**changes: Any) -> Spoil:
    def spoil(vector: Vector) -> Vector:
        *given, last = vector.steps
        return replace(vector, steps=(*given, replace(last, answer=replace(last.answer, **changes))))

    return spoil


def expected(**changes: Any) -> Spoil:
    return lambda vector: replace(vector, expected=replace(vector.expected, **changes))


def first_refused(vector: Vector) -> Vector:
    first, *rest = vector.steps
    return replace(vector, steps=(replace(first, answer=Answer("REFUSED")), *rest))


@pytest.mark.parametrize(
    ("name", "spoil", "complaint"),
    [
        ("a death", answered(outcome="HELD"), "ACCEPTED A100, expected HELD"),
        ("a death", answered(code="A120"), "A100, expected A120"),
        ("a death", answered(remarks=("W600 previous_code",)), "remarks"),
        ("a death", answered(repeated=True), "not answered as a repeat"),
        ("a birth date full-width", answered(field="person.name"), "expected person.name"),
        ("a death", first_refused, "notice 1: ACCEPTED A100, expected REFUSED"),
        ("a death", expected(relay=False), "notice 2: relayed"),
        ("a birth date full-width", expected(relay=True), "notice 1: not relayed"),
        ("a death", expected(record={"cause": "birth"}), "record.cause"),
        ("a death", expected(record={"person": {"name": "髙嶋 太郎"}}), "record.person.name"),
        ("a death", expected(blank=("person.name",)), "person.name is not blank"),
        ("two persons at one address are two", expected(person_of=1), "not of the person of notice 1"),
        ("a death", expected(stays=("401315",)), "stays"),
        ("a death", expected(current="402028"), "current"),
        ("a death", expected(waiting=1), "waiting"),
        ("a deletion ends both", expected(retention=("2174-04-10", "2174-04-09")), "retention"),
    ],
)
def test_a_planted_error_is_found(name: str, spoil: Spoil, complaint: str) -> None:
    assert in_the_hand(WRITER.script(named(name))) == []
    found = in_the_hand(WRITER.script(spoil(named(name))))
    assert any(complaint in problem for problem in found), found


def test_no_complaint_tells_a_personal_value() -> None:
    vector = expected(record={"person": {"name": "髙嶋 太郎"}})(named("a death"))
    assert not any("髙" in problem for problem in in_the_hand(WRITER.script(vector)))


def test_what_the_kit_does_not_know_is_a_fault_of_the_vector(tmp_path: Any) -> None:
    (tmp_path / "templates.toml").write_text("[juki.move_in]\n", "utf-8")
    (tmp_path / "typo.toml").write_text(
        '[[vector]]\nname = "x"\ncitation = "y"\nmessage = {}\nanswer = "ACCEPTED"\nrelays = true\n', "utf-8"
    )
    with pytest.raises(VectorFault, match="relays"):
        load_kit(tmp_path)


@pytest.mark.parametrize("symbol", ["<cod A>", "<repeat a>", "<day x>", "<char>"])
def test_a_symbol_that_stands_for_nothing_is_a_fault_of_the_vector(symbol: str) -> None:
    vector = named("a death")
    first = replace(vector.steps[0], table={**vector.steps[0].table, "event_date": symbol})
    with pytest.raises(SymbolFault):
        WRITER.script(replace(vector, steps=(first, *vector.steps[1:])))

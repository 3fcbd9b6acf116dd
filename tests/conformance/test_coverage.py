"""The kit leaves nothing out: every cause, every trap, every code has its vector, by name and citation."""

from collections import Counter
from datetime import date

import pytest

from jukinet_daemon.domain.change import CAUSE_RULES, Cause, Change
from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.identifiers import is_individual_number, is_resident_code
from jukinet_daemon.domain.outcomes import OUTCOMES
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.conformance.cast import Cast, Scene
from jukinet_daemon.sim.conformance.script import Writer
from jukinet_daemon.sim.conformance.vectors import Vector, load_kit

KIT = load_kit()
# Traps of README.md that no notice can fall into, and what they are about.
NOT_OF_NOTICES = {
    17: "what leaves with 提供 and 移転",
    18: "the bridge query",
    19: "開示",
    21: "queues under load",
    24: "search",
    25: "logging of lookups",
    27: "整合",
}
# Codes that no vector can bring about, and why.
NOT_OF_VECTORS = {
    "H290": "given only where the database cannot store a row, which no content brings about",
    "L500": "given only while the server cannot work, and never kept",
}


def codes(vector: Vector) -> set[str]:
    answers = [step.answer for step in vector.steps]
    named = {answer.code for answer in answers if answer.code}
    return named | {remark.split()[0] for answer in answers for remark in answer.remarks}


def test_there_are_enough_vectors_of_both_registers() -> None:
    counts = Counter(vector.register for vector in KIT.vectors)
    assert counts.total() >= 200
    assert counts["juki"] >= 150
    assert counts["fuhyo"] >= 50


def test_names_are_unique_and_every_vector_stands_on_a_citation() -> None:
    names = Counter(vector.name for vector in KIT.vectors)
    assert [name for name, count in names.items() if count > 1] == []
    assert [vector.name for vector in KIT.vectors if not vector.citation.strip()] == []


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_applied_recorded_and_relayed_by_a_vector(cause: Cause) -> None:
    change = next(rule.change for rule in CAUSE_RULES if rule.cause is cause)
    assert any(
        vector.expected.record
        and vector.expected.record.get("cause") == cause
        and vector.expected.record.get("change") == change
        and vector.expected.relay
        and vector.steps[-1].answer.code == "A100"
        for vector in KIT.vectors
    )


@pytest.mark.parametrize("change", [change for change in Change if change in FUHYO.causes])
def test_every_change_of_a_fuhyo_is_applied_recorded_and_relayed_by_a_vector(change: Change) -> None:
    assert any(
        vector.register == "fuhyo"
        and vector.expected.record
        and vector.expected.record.get("change") == change
        and vector.expected.relay
        for vector in KIT.vectors
    )


def test_every_trap_that_concerns_notices_is_named_and_no_other() -> None:
    named = {trap for vector in KIT.vectors for trap in vector.traps}
    assert named == set(range(1, 28)) - NOT_OF_NOTICES.keys()


def test_every_code_that_a_notice_can_get_is_expected_of_a_vector() -> None:
    named = set().union(*(codes(vector) for vector in KIT.vectors))
    assert named == OUTCOMES.keys() - NOT_OF_VECTORS.keys()


def test_every_vector_of_kept_days_is_of_the_retention_file_and_no_other_has_a_day_of_its_own() -> None:
    for vector in KIT.vectors:
        dated = any(step.on for step in vector.steps)
        assert dated == (vector.expected.retention is not None) == (vector.subject == "retention")


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2027, 1, 1), date(2026, 12, 31)])
def test_every_vector_can_be_written_out_on_any_day(today: date) -> None:
    writer = Writer(KIT.templates, read_areas(), Cast("any day", today))
    for vector in KIT.vectors:
        assert len(writer.script(vector).letters) == len(vector.steps)


def test_two_runs_share_no_person_and_no_notice() -> None:
    one, other = Cast("one", date(2026, 11, 23)), Cast("other", date(2026, 11, 23))
    for give in (Cast.code, Cast.number, Cast.key, Cast.notice_id):
        names = [f"{vector.name}/A" for vector in KIT.vectors]
        values = [give(cast, name) for cast in (one, other) for name in names]
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("name", ["A", "B", "x/A2"])
def test_codes_and_numbers_end_rightly(name: str) -> None:
    cast = Cast("ends", date(2026, 11, 23))
    scene = Scene(cast, "v", 1, name, cast.today)
    assert is_resident_code(cast.code(name))
    assert is_individual_number(cast.number(name))
    assert is_resident_code(scene.filled("<code A zeros>"))
    assert not is_resident_code(scene.filled("<code A wrong>"))
    assert is_individual_number(scene.filled("<number A zeros>"))
    assert not is_individual_number(scene.filled("<number A wrong>"))

"""Each check of each register: a notice that passes all, and the one change that each check is there for."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.checks.digits import code_digit
from jukinet_daemon.domain.decide import Subject, decide
from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Notice
from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.domain.person import unknown_person
from jukinet_daemon.domain.register import Finding, Register, Setting, Strictness
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.wire.notice import read_notice
from support.notices import departure, fuhyo_change, individual_number, juki_change, resident_code

TODAY = date(2026, 11, 23)
SETTING = Setting("401307", TODAY, read_areas(), Strictness.REFUSE)
CORRECTION = {"change": "correction", "cause": "correction_ex_officio"}
NUMBER = {"change": "number_correction", "cause": "number_change_request"}
CODE = {"change": "code_correction", "cause": "code_change_request"}
FOREIGN = {"foreign": True, "person": {"name_kana": ...}}
MOVE_OUT = {"change": "deletion", "cause": "overseas_move_out"}


def misprint(number: str) -> str:
    return number[:-1] + str((int(number[-1]) + 1) % 10)


def read(register: Register, raw: dict[str, Any]) -> Notice:
    notice = read_notice(register.name, raw)
    assert not isinstance(notice, Finding), notice.field
    return notice


def found(register: Register, notice: Notice, setting: Setting = SETTING) -> list[tuple[Outcome, str]]:
    findings = [check(notice, setting) for check in register.checks]
    return [(finding.outcome, finding.field) for finding in findings if finding]


@pytest.mark.parametrize(
    "raw",
    [
        juki_change(),
        juki_change(person={"name": ..., "sex": ..., "individual_number": ..., "name_kana": ...}),
        juki_change(**CORRECTION, person={"former_family_name": "髙", "former_family_name_kana": "タカ"}),
        juki_change(foreign=True, person={"name_kana": ..., "alias": "山田", "birth_era": ...}),
        juki_change(**NUMBER, previous_number=individual_number()),
        juki_change(**NUMBER),
        juki_change(**CODE, previous_code=resident_code()),
        juki_change(**CODE),
        juki_change(event_date="20261123"),
        juki_change(event_date="20260000"),
        juki_change(event_date="00000000"),
        juki_change(**MOVE_OUT, event_date="20270401"),
        juki_change(change="deletion", cause="domestic_move_out", event_date="20270401"),
        juki_change(person={"address_area": ...}),
        departure(),
    ],
)
def test_juki_has_nothing_to_say_about_a_sound_notice(raw: dict[str, Any]) -> None:
    assert found(JUKI, read(JUKI, raw)) == []


@pytest.mark.parametrize(
    "raw",
    [
        fuhyo_change(),
        fuhyo_change(record_key=...),
        fuhyo_change(person={"resident_code": ...}),
        fuhyo_change(person={"overseas": True, "address": ..., "address_area": ...}),
        fuhyo_change(person={"address": ..., "address_area": ...}),
        fuhyo_change(change="code_correction", previous_code=resident_code()),
    ],
)
def test_fuhyo_has_nothing_to_say_about_a_sound_notice(raw: dict[str, Any]) -> None:
    assert found(FUHYO, read(FUHYO, raw)) == []


@pytest.mark.parametrize(
    ("raw", "outcome", "field"),
    [
        (juki_change(area="401307"), outcomes.AREA_NOT_YOURS, "area"),
        (juki_change(area="402028"), outcomes.AREA_NOT_YOURS, "area"),
        (juki_change(area="401013"), outcomes.AREA_NOT_YOURS, "area"),
        (departure(area="402028"), outcomes.AREA_NOT_YOURS, "area"),
        (juki_change(cause="death"), outcomes.CAUSE_NOT_OF_CHANGE, "cause"),
        (juki_change(change="correction", cause="birth"), outcomes.CAUSE_NOT_OF_CHANGE, "cause"),
        (juki_change(person={"resident_code": ...}), outcomes.CODE_MISSING, "person.resident_code"),
        (
            juki_change(**CODE, previous_number=individual_number()),
            outcomes.PREVIOUS_NOT_OF_CHANGE,
            "previous_number",
        ),
        (
            juki_change(**NUMBER, previous_code=resident_code()),
            outcomes.PREVIOUS_NOT_OF_CHANGE,
            "previous_code",
        ),
        (juki_change(previous_code=resident_code()), outcomes.PREVIOUS_NOT_OF_CHANGE, "previous_code"),
        (juki_change(foreign=True), outcomes.NOT_FOR_FOREIGN, "person.name_kana"),
        (
            juki_change(foreign=True, person={"name_kana": ..., "former_family_name": "髙"}),
            outcomes.NOT_FOR_FOREIGN,
            "person.former_family_name",
        ),
        (
            juki_change(foreign=True, person={"name_kana": ..., "former_family_name_kana": "タカ"}),
            outcomes.NOT_FOR_FOREIGN,
            "person.former_family_name_kana",
        ),
        (juki_change(person={"alias": "山田"}), outcomes.ONLY_FOR_FOREIGN, "person.alias"),
        (juki_change(person={"address": ...}), outcomes.ADDRESS_MISSING, "person.address"),
        (juki_change(event_date="20261124"), outcomes.DATE_AHEAD, "event_date"),
        (juki_change(event_date="20270000"), outcomes.DATE_AHEAD, "event_date"),
        (
            juki_change(change="deletion", cause="death", event_date="20261124"),
            outcomes.DATE_AHEAD,
            "event_date",
        ),
        (departure(event_date="20261124"), outcomes.DATE_AHEAD, "event_date"),
        (
            juki_change(person={"individual_number": "379474484459"}),
            outcomes.NUMBER_CHECK_DIGIT,
            "person.individual_number",
        ),
        (
            juki_change(**NUMBER, previous_number="379474484459"),
            outcomes.NUMBER_CHECK_DIGIT,
            "previous_number",
        ),
        (juki_change(person={"address_area": "401316"}), outcomes.AREA_CHECK_DIGIT, "person.address_area"),
        (
            juki_change(person={"resident_code": "25208017644"}),
            outcomes.CODE_CHECK_DIGIT,
            "person.resident_code",
        ),
        (departure(resident_code="25208017644"), outcomes.CODE_CHECK_DIGIT, "resident_code"),
    ],
)
def test_one_fault_is_found_once_and_by_name_in_juki(
    raw: dict[str, Any], outcome: Outcome, field: str
) -> None:
    assert found(JUKI, read(JUKI, raw)) == [(outcome, field)]


@pytest.mark.parametrize(
    ("raw", "outcome", "field"),
    [
        (fuhyo_change(area="401307"), outcomes.AREA_NOT_YOURS, "area"),
        (
            fuhyo_change(record_key=..., person={"resident_code": ...}),
            outcomes.PERSON_NOT_NAMED,
            "record_key",
        ),
        (fuhyo_change(previous_code=resident_code()), outcomes.PREVIOUS_NOT_OF_CHANGE, "previous_code"),
        (fuhyo_change(person={"overseas": True}), outcomes.ADDRESS_AND_OVERSEAS, "person.address"),
        (fuhyo_change(person={"address": ...}), outcomes.ADDRESS_MISSING, "person.address"),
        (fuhyo_change(person={"address_area": "131017"}), outcomes.AREA_CHECK_DIGIT, "person.address_area"),
        (
            fuhyo_change(person={"resident_code": "25208017644"}),
            outcomes.CODE_CHECK_DIGIT,
            "person.resident_code",
        ),
    ],
)
def test_one_fault_is_found_once_and_by_name_in_fuhyo(
    raw: dict[str, Any], outcome: Outcome, field: str
) -> None:
    assert found(FUHYO, read(FUHYO, raw)) == [(outcome, field)]


def test_a_cause_in_a_fuhyo_notice_is_refused_even_if_the_wire_let_it_pass() -> None:
    with_cause = read(JUKI, juki_change(record_key="F-1"))
    assert (outcomes.CAUSE_NOT_OF_CHANGE, "cause") in found(FUHYO, with_cause)


def test_a_correction_of_a_number_is_no_notice_of_fuhyo() -> None:
    correction = read(JUKI, juki_change(**NUMBER))
    assert isinstance(correction, ChangeNotice)
    assert (outcomes.KIND_NOT_TAKEN, "change") in found(FUHYO, replace(correction, cause=None))


@pytest.mark.parametrize(
    ("strictness", "outcome"),
    [
        (Strictness.REFUSE, outcomes.CODE_CHECK_DIGIT),
        (Strictness.WARN, outcomes.CODE_DOUBTFUL),
        (Strictness.OFF, None),
    ],
)
def test_the_house_says_how_a_doubtful_resident_code_is_taken(
    strictness: Strictness, outcome: Outcome | None
) -> None:
    notice = DepartureNotice("", "401315", "25208017644", "20261101")
    finding = code_digit(notice, replace(SETTING, code_check=strictness))
    assert (finding and finding.outcome) == outcome


def test_a_remark_stands_beside_the_acceptance_and_does_not_refuse() -> None:
    notice = read(JUKI, juki_change(person={"resident_code": "25208017644"}))
    subject = Subject(unknown_person(1), ())
    made = decide(JUKI, subject, notice, replace(SETTING, code_check=Strictness.WARN))
    assert made.outcome is outcomes.APPLIED
    assert [finding.outcome for finding in made.findings] == [outcomes.CODE_DOUBTFUL]


def test_the_first_refusal_is_the_answer_though_a_remark_was_found_too() -> None:
    notice = read(JUKI, juki_change(area="402028", person={"resident_code": "25208017644"}))
    made = decide(JUKI, Subject(unknown_person(1), ()), notice, replace(SETTING, code_check=Strictness.WARN))
    assert made.outcome is outcomes.AREA_NOT_YOURS
    assert [finding.field for finding in made.findings] == ["area"]


def test_a_misprinted_previous_code_is_found() -> None:
    notice = read(JUKI, juki_change(**CODE, previous_code=misprint(resident_code())))
    assert found(JUKI, notice) == [(outcomes.CODE_CHECK_DIGIT, "previous_code")]


def test_a_fuhyo_date_does_not_lie_ahead() -> None:
    assert found(FUHYO, read(FUHYO, fuhyo_change(event_date="20991231")))


@pytest.mark.parametrize(
    ("change", "cause", "foreign"),
    [
        ("entry", "entry_by_naturalization", True),
        ("entry", "entry_by_nationality_loss", False),
        ("deletion", "deletion_by_naturalization", False),
        ("deletion", "deletion_by_nationality_loss", True),
    ],
)
def test_a_change_of_nationality_says_whose_record_it_is(change: str, cause: str, foreign: bool) -> None:
    kana: Any = {"name_kana": ...} if foreign else {}
    assert found(JUKI, read(JUKI, juki_change(change=change, cause=cause, foreign=foreign, person=kana)))


def test_a_correction_of_the_number_changes_it() -> None:
    number = individual_number()
    same = juki_change(**NUMBER, previous_number=number, person={"individual_number": number})
    blank = juki_change(**NUMBER, person={"individual_number": ...})
    for raw in (same, blank):
        assert found(JUKI, read(JUKI, raw)) == [(outcomes.NOTHING_CHANGED, "person.individual_number")]


@pytest.mark.parametrize(("register", "build"), [(JUKI, juki_change), (FUHYO, fuhyo_change)])
def test_a_correction_of_the_code_changes_it(register: Register, build: Any) -> None:
    code = resident_code()
    change = CODE if register is JUKI else {"change": "code_correction"}
    raw = build(**change, previous_code=code, person={"resident_code": code})
    assert found(register, read(register, raw)) == [(outcomes.NOTHING_CHANGED, "person.resident_code")]

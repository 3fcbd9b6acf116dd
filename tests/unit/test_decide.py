"""What a sequence of notices about one person does to what the file holds of that person."""

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.decide import Decision, People, Subject, decide, hold
from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.notice import Key, KeyKind, keys_of
from jukinet_daemon.domain.person import PersonState, unknown_person
from jukinet_daemon.domain.register import Finding, Register, Setting, Strictness
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.wire.notice import read_notice
from support.notices import departure, fuhyo_change, juki_change, resident_code

AREAS = read_areas()
TODAY = date(2026, 11, 23)
HIGASHI, HAKATA, OMUTA = "401315", "401323", "402028"
OWNER = {HIGASHI: "401307", HAKATA: "401307", OMUTA: OMUTA}
CODE, OTHER_CODE = "24727059608", "24846016224"

MOVE_IN = {"change": "entry", "cause": "domestic_move_in"}
MOVE_OUT = {"change": "deletion", "cause": "domestic_move_out"}
DEATH = {"change": "deletion", "cause": "death"}
ANOTHER_DAY = {"event_date": "20261102"}
CORRECTION = {"change": "correction", "cause": "correction_ex_officio"}
CODE_CHANGE = {"change": "code_correction", "cause": "code_change_request"}


class File:
    """A register's file in memory: tells notices one by one, as a batch of one would."""

    def __init__(self, register: Register = JUKI) -> None:
        self.register = register
        self.people = People({})
        self.persons = 0

    def tell(self, raw: dict[str, Any]) -> Decision:
        notice = read_notice(self.register.name, raw)
        assert not isinstance(notice, Finding), notice.field
        keys = keys_of(notice)
        known = self.people.find(keys)
        if known is None:
            self.persons += 1
            known = People.stranger(keys, unknown_person(self.persons))
        setting = Setting(OWNER[notice.area], TODAY, AREAS, Strictness.WARN)
        made = decide(self.register, known, notice, setting)
        self.people.apply(made)
        return made

    def change(self, what: dict[str, Any], area: str = HIGASHI, code: str = CODE, **more: Any) -> Decision:
        return self.tell(juki_change(**what, area=area, person={"resident_code": code}, **more))

    def state(self, code: str = CODE) -> PersonState:
        found = self.people.find((Key(KeyKind.CODE, code),))
        assert found is not None
        return found.state


def areas_of(state: PersonState) -> list[str]:
    return [stay.area for stay in state.open_stays]


def test_the_first_entry_makes_a_person_with_one_stay() -> None:
    file = File()
    made = file.change(MOVE_IN)
    assert made.outcome is outcomes.APPLIED
    assert made.recorded
    assert made.before is not None
    assert made.before.version == 0
    assert made.new_keys == (Key(KeyKind.CODE, CODE),)
    assert (file.state().version, file.state().current, areas_of(file.state())) == (1, 1, [HIGASHI])


def test_the_last_deletion_holds_good_and_is_not_erasure() -> None:
    file = File()
    file.change(MOVE_IN)
    assert file.change(DEATH).outcome is outcomes.APPLIED
    assert (file.state().version, file.state().current, file.state().open_stays) == (2, 2, ())


def test_a_move_in_before_the_move_out_is_no_error_and_the_late_deletion_ends_the_old_stay_alone() -> None:
    file = File()
    file.change(MOVE_IN, HIGASHI)
    assert file.change(MOVE_IN, OMUTA).outcome is outcomes.APPLIED
    assert file.change(MOVE_OUT, HIGASHI).outcome is outcomes.APPLIED
    assert areas_of(file.state()) == [OMUTA]
    # What holds good is still the entry in the new municipality, not the 消除 that came after it.
    assert (file.state().version, file.state().current) == (3, 2)


def test_a_move_between_wards_of_one_city_works_in_both_orders() -> None:
    for order in ((MOVE_IN, HAKATA), (MOVE_OUT, HIGASHI)), ((MOVE_OUT, HIGASHI), (MOVE_IN, HAKATA)):
        file = File()
        file.change(MOVE_IN, HIGASHI)
        for what, area in order:
            assert file.change(what, area).outcome is outcomes.APPLIED
        assert areas_of(file.state()) == [HAKATA]


def test_a_correction_of_the_old_stay_does_not_become_what_holds_good() -> None:
    file = File()
    file.change(MOVE_IN, HIGASHI)
    file.change(MOVE_IN, OMUTA)
    assert file.change(CORRECTION, HIGASHI).outcome is outcomes.APPLIED
    assert file.state().current == 2
    assert file.change(CORRECTION, OMUTA).outcome is outcomes.APPLIED
    assert file.state().current == 4


NATURALIZED = {"change": "entry", "cause": "entry_by_naturalization"}
FOREIGN_ENDS = {"change": "deletion", "cause": "deletion_by_naturalization"}


@pytest.mark.parametrize("entry_first", [True, False])
def test_a_naturalized_person_ends_alive_in_either_order_on_the_wire(entry_first: bool) -> None:
    file = File()
    foreigner: Any = {"resident_code": CODE, "name_kana": ...}
    file.tell(juki_change(**MOVE_IN, foreign=True, person=foreigner))
    steps = [
        juki_change(**NATURALIZED, person={"resident_code": CODE}),
        juki_change(**FOREIGN_ENDS, foreign=True, person=foreigner),
    ]
    for raw in steps if entry_first else reversed(steps):
        assert file.tell(raw).outcome is outcomes.APPLIED
    assert [(stay.area, stay.foreign) for stay in file.state().open_stays] == [(HIGASHI, False)]
    assert file.state().current == file.state().open_stays[0].version


def test_a_cancelled_death_is_added_and_the_person_lives() -> None:
    file = File()
    file.change(MOVE_IN)
    file.change(DEATH)
    assert file.change({"change": "entry", "cause": "entry_ex_officio"}).outcome is outcomes.APPLIED
    assert (file.state().version, file.state().current, areas_of(file.state())) == (3, 3, [HIGASHI])


@pytest.mark.parametrize(
    ("before", "what", "area", "outcome"),
    [
        ([MOVE_IN], MOVE_IN | ANOTHER_DAY, HIGASHI, outcomes.ALREADY_RESIDENT),
        ([MOVE_IN], DEATH, OMUTA, outcomes.NOTHING_TO_DELETE),
        ([MOVE_IN, DEATH], DEATH | ANOTHER_DAY, HIGASHI, outcomes.NOTHING_TO_DELETE),
        ([], DEATH, HIGASHI, outcomes.NOTHING_TO_DELETE),
        ([], CORRECTION, HIGASHI, outcomes.NOTHING_TO_CORRECT),
        ([MOVE_IN], CORRECTION, OMUTA, outcomes.NOTHING_TO_CORRECT),
        ([MOVE_IN, DEATH], CORRECTION, HIGASHI, outcomes.NOTHING_TO_CORRECT),
    ],
)
def test_what_does_not_fit_the_file_is_held_and_changes_no_stay(
    before: list[dict[str, Any]], what: dict[str, Any], area: str, outcome: outcomes.Outcome
) -> None:
    file = File()
    for step in before:
        assert file.change(step).outcome is outcomes.APPLIED
    stays = file.state().open_stays if before else ()
    current = file.state().current if before else None
    made = file.change(what, area)
    assert made.outcome is outcome
    assert not made.recorded
    assert (file.state().open_stays, file.state().current, file.state().waiting) == (stays, current, 1)
    assert file.state().version == len(before) + 1


def test_a_foreign_stay_is_not_the_japanese_one() -> None:
    file = File()
    file.change(MOVE_IN)
    foreigner: Any = {"resident_code": CODE, "name_kana": ...}
    made = file.tell(juki_change(**DEATH, foreign=True, person=foreigner))
    assert made.outcome is outcomes.NOTHING_TO_DELETE


def test_notices_queue_behind_a_held_one_and_only_of_that_person() -> None:
    file = File()
    file.change(DEATH)
    file.change(MOVE_IN, code=OTHER_CODE)
    assert file.change(MOVE_IN).outcome is outcomes.BEHIND_HELD
    assert file.tell(departure(resident_code=CODE)).outcome is outcomes.BEHIND_HELD
    assert file.state().waiting == 3
    assert file.change(CORRECTION, code=OTHER_CODE).outcome is outcomes.APPLIED


def test_a_code_correction_finds_the_person_by_the_previous_code_and_both_codes_find_it_ever_after() -> None:
    file = File()
    file.change(MOVE_IN)
    made = file.change(CODE_CHANGE, code=OTHER_CODE, previous_code=CODE)
    assert made.outcome is outcomes.APPLIED
    assert made.new_keys == (Key(KeyKind.CODE, OTHER_CODE),)
    # A notice that left before the code was changed.
    assert file.change(CORRECTION, code=CODE).outcome is outcomes.APPLIED
    assert file.change(CORRECTION, code=OTHER_CODE).outcome is outcomes.APPLIED
    assert file.state(CODE) == file.state(OTHER_CODE)
    assert file.persons == 1


def test_a_person_is_found_through_a_chain_of_codes() -> None:
    codes = [resident_code() for _ in range(4)]
    file = File()
    file.change(MOVE_IN, code=codes[0])
    for old, new in pairwise(codes):
        assert file.change(CODE_CHANGE, code=new, previous_code=old).outcome is outcomes.APPLIED
    assert {file.state(code) for code in codes} == {file.state(codes[0])}


def test_codes_of_two_persons_are_held_and_bind_no_key() -> None:
    file = File()
    file.change(MOVE_IN)
    file.change(MOVE_IN, code=OTHER_CODE)
    made = file.change(CODE_CHANGE, code=OTHER_CODE, previous_code=CODE, record_key="K-1")
    assert made.outcome is outcomes.TWO_PERSONS
    assert made.new_keys == ()
    assert file.people.find((Key(KeyKind.RECORD, f"{HIGASHI}/K-1"),)) is None


def test_a_refused_notice_touches_nothing_and_makes_nobody() -> None:
    file = File()
    file.change(MOVE_IN)
    before = file.state()
    made = file.change({"change": "entry", "cause": "death"})
    assert made.outcome is outcomes.CAUSE_NOT_OF_CHANGE
    assert (made.before, made.after, made.new_keys) == (None, None, ())
    assert file.state() == before
    file.change({"change": "entry", "cause": "death"}, code=OTHER_CODE)
    assert file.people.find((Key(KeyKind.CODE, OTHER_CODE),)) is None


def test_a_departure_is_noted_and_leaves_stays_and_record() -> None:
    file = File()
    file.change(MOVE_IN)
    file.change(MOVE_OUT)
    made = file.tell(departure(resident_code=CODE))
    assert made.outcome is outcomes.DEPARTURE_RECORDED
    assert not made.recorded
    assert (file.state().version, file.state().current, file.state().open_stays) == (3, 2, ())


def test_a_departure_of_somebody_unknown_is_held() -> None:
    assert File().tell(departure(resident_code=CODE)).outcome is outcomes.DEPARTED_UNKNOWN


def test_fuhyo_takes_no_departure_even_if_the_wire_let_it_pass() -> None:
    notice = read_notice("juki", departure())
    assert not isinstance(notice, Finding)
    subject = People.stranger(keys_of(notice), unknown_person(1))
    made = decide(FUHYO, subject, notice, Setting("401307", TODAY, AREAS, Strictness.OFF))
    assert (made.outcome, made.after) == (outcomes.KIND_NOT_TAKEN, None)


def test_a_person_without_a_code_is_found_by_the_record_key_of_that_municipality() -> None:
    file = File(FUHYO)
    nameless: Any = {"resident_code": ...}
    assert file.tell(fuhyo_change(record_key="1", person=nameless)).outcome is outcomes.APPLIED
    # The same key in another municipality is another person.
    assert file.tell(fuhyo_change(record_key="1", area=OMUTA, person=nameless)).outcome is outcomes.APPLIED
    assert file.persons == 2
    # The code is written for the first time: there is no previous one.
    made = file.tell(fuhyo_change(change="code_correction", record_key="1", person={"resident_code": CODE}))
    assert made.outcome is outcomes.APPLIED
    assert file.tell(fuhyo_change(change="deletion", record_key=..., person={"resident_code": CODE})).recorded


def test_a_reused_record_key_does_not_make_one_person_of_two_codes() -> None:
    file = File()
    file.change(MOVE_IN, record_key="1")
    file.change(DEATH, record_key="1")
    assert file.change(MOVE_IN, code=OTHER_CODE, record_key="1").outcome is not outcomes.APPLIED


def test_both_persons_of_an_ambiguous_notice_wait() -> None:
    file = File()
    file.change(MOVE_IN)
    file.change(MOVE_IN, code=OTHER_CODE)
    file.change(CODE_CHANGE, code=OTHER_CODE, previous_code=CODE)
    assert file.change(CORRECTION, code=OTHER_CODE).outcome is outcomes.BEHIND_HELD


def test_a_code_correction_from_a_code_that_is_not_theirs_is_held() -> None:
    file = File()
    file.tell(juki_change(person={"resident_code": CODE}))
    held = file.tell(juki_change(**CODE_CHANGE, previous_code=OTHER_CODE, person={"resident_code": CODE}))
    assert held.outcome is outcomes.CODE_NOT_THEIRS


def test_what_cannot_be_stored_is_held_and_the_person_waits() -> None:
    notice = read_notice("juki", juki_change(record_key="1"))
    assert not isinstance(notice, Finding)
    setting = Setting("401307", TODAY, AREAS, Strictness.WARN)
    decision = hold(JUKI, People.stranger(keys_of(notice), unknown_person(7)), notice, setting)
    assert (decision.outcome, decision.recorded) == (outcomes.UNSTORABLE, False)
    assert decision.after is not None
    assert (decision.after.waiting, decision.after.open_stays) == (1, ())
    # A stranger is found again by what the notice went by; who is known gets no key by what waits.
    assert decision.new_keys == keys_of(notice)[:1]
    known = Subject(decision.after, keys_of(notice)[1:])
    assert hold(JUKI, known, notice, setting).new_keys == ()


@pytest.mark.parametrize(("before", "told"), [([], MOVE_IN), ([MOVE_IN], MOVE_OUT)])
def test_an_event_told_again_with_another_cause_is_recorded_and_moves_nobody(
    before: list[dict[str, Any]], told: dict[str, Any]
) -> None:
    file = File()
    for step in (*before, told):
        file.change(step)
    stays = [(stay.area, stay.open) for stay in file.state().stays]
    cause = "entry_ex_officio" if told is MOVE_IN else "deletion_ex_officio"
    again = file.change(told | {"cause": cause})
    assert (again.outcome, again.recorded) == (outcomes.RENEWED, True)
    assert [(stay.area, stay.open) for stay in file.state().stays] == stays
    assert file.state().current == file.state().version


def test_a_stranger_who_is_held_gets_only_the_key_it_is_found_by() -> None:
    file = File()
    held = file.tell(juki_change(**CODE_CHANGE, previous_code=CODE, person={"resident_code": OTHER_CODE}))
    assert held.outcome is outcomes.NOTHING_TO_CORRECT
    assert held.new_keys == (Key(KeyKind.CODE, CODE),)


def test_a_code_correction_that_waits_its_turn_lets_nothing_overtake_under_the_new_code() -> None:
    file = File()
    file.tell(juki_change(**CORRECTION, person={"resident_code": CODE}))  # held: its 記載 never came
    waits = file.tell(juki_change(**CODE_CHANGE, previous_code=CODE, person={"resident_code": OTHER_CODE}))
    follows = file.tell(juki_change(**MOVE_IN, person={"resident_code": OTHER_CODE}))
    assert (waits.outcome, follows.outcome) == (outcomes.BEHIND_HELD, outcomes.BEHIND_HELD)
    assert file.persons == 1

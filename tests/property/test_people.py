"""Whatever is notified of a person, in whatever order, the state in the file stays one that can be true."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.change import Cause, Change, causes_of
from jukinet_daemon.domain.decide import Decision, People, decide
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Notice, Person, keys_of
from jukinet_daemon.domain.outcomes import OutcomeClass
from jukinet_daemon.domain.person import PersonState, opened, unknown_person
from jukinet_daemon.domain.register import Setting, Strictness
from jukinet_daemon.schemas import read_areas

AREAS = read_areas()
TODAY = date(2026, 11, 23)
OWNERS = {"401315": "401307", "401323": "401307", "401013": "401005", "402028": "402028"}
CODES = ("24727059608", "24846016224", "25208017643")


@dataclass(frozen=True)
class Told:
    """A notice and who told it."""

    sender: str
    notice: Notice


def person(code: str) -> Person:
    return Person(
        resident_code=code,
        name="髙島",
        date_of_birth="19850403",
        address="福岡県",
    )


@st.composite
def notices(draw: st.DrawFn) -> Told:
    area = draw(st.sampled_from(sorted(OWNERS)))
    # One in eight comes from a municipality that may not write there, and is refused.
    wrong = draw(st.integers(0, 7)) == 0
    sender = "402036" if wrong else OWNERS[area]
    code = draw(st.sampled_from(CODES))
    if draw(st.integers(0, 9)) == 0:
        return Told(sender, DepartureNotice("", area, code, "20261101"))
    change = draw(st.sampled_from((Change.ENTRY, Change.ENTRY, Change.DELETION, Change.DELETION, *Change)))
    previous = draw(st.sampled_from(CODES)) if change is Change.CODE_CORRECTION else None
    cause = draw(st.sampled_from(sorted(causes_of(change))))
    return Told(
        sender,
        ChangeNotice(
            "", area, None, change, cause, "20261101", draw(st.booleans()), person(code), previous, None
        ),
    )


def tell(people: People, told: Told, fresh: int) -> Decision:
    keys = keys_of(told.notice)
    subject = people.find(keys) or People.stranger(keys, unknown_person(fresh))
    setting = Setting(told.sender, TODAY, AREAS, Strictness.WARN)
    made = decide(JUKI, subject, told.notice, setting)
    people.apply(made)
    return made


def states(people: People) -> dict[int, PersonState]:
    return dict(people._states)


@given(st.lists(notices(), max_size=25))
@settings(deadline=None, max_examples=250)
def test_a_state_stays_one_that_can_be_true(sequence: list[Told]) -> None:
    people = People({})
    recorded: dict[int, set[int]] = {}
    held: Counter[int] = Counter()
    for fresh, told in enumerate(sequence, 1):
        before = states(people)
        made = tell(people, told, fresh)
        after = states(people)
        if made.kind is OutcomeClass.REFUSED:
            assert after == before
            assert (made.before, made.after, made.new_keys) == (None, None, ())
            continue
        assert made.before is not None
        assert made.after is not None
        state = made.after
        # One step at a time, and nobody else is touched but whom a held notice names too.
        assert made.before == before.get(state.person_id, unknown_person(fresh))
        assert state.version == made.before.version + 1
        touched = {state.person_id, *(other.person_id for other in made.others)}
        assert {p: s for p, s in after.items() if p not in touched} == {
            p: s for p, s in before.items() if p not in touched
        }
        if made.recorded:
            recorded.setdefault(state.person_id, set()).add(state.version)
        if made.kind is OutcomeClass.HELD:
            held.update(touched)
            assert (state.open_stays, state.current) == (made.before.open_stays, made.before.current)
        assert state.waiting == held[state.person_id]
        versions = recorded.get(state.person_id, set())
        assert state.current in versions if versions else state.current is None
        assert {stay.version for stay in state.open_stays} <= versions
        assert max(Counter((stay.area, stay.foreign) for stay in state.open_stays).values(), default=1) == 1
        if state.open_stays:
            assert state.current == state.open_stays[-1].version


@given(st.lists(notices(), max_size=25))
@settings(deadline=None, max_examples=100)
def test_nothing_is_applied_to_a_person_behind_a_held_notice(sequence: list[Told]) -> None:
    people = People({})
    for fresh, told in enumerate(sequence, 1):
        made = tell(people, told, fresh)
        if made.before is not None and made.before.waiting:
            assert made.outcome is outcomes.BEHIND_HELD


@given(
    st.lists(st.tuples(st.sampled_from(sorted(OWNERS)), st.booleans()), unique=True, min_size=1, max_size=8),
    st.data(),
)
@settings(deadline=None, max_examples=100)
def test_an_entry_and_its_deletion_leave_the_stays_as_they_were(
    places: list[tuple[str, bool]], data: st.DataObject
) -> None:
    *before, (area, foreign) = places
    state = unknown_person(1)
    for place in before:
        state = opened(state, change_at(*place, Change.ENTRY))
    people = People(dict.fromkeys(keys_of(change_at(area, foreign, Change.ENTRY)), state))
    assert tell(people, Told(OWNERS[area], change_at(area, foreign, Change.ENTRY)), 2).recorded
    # Others may come and go between.
    if data.draw(st.booleans()) and before:
        other = data.draw(st.sampled_from(before))
        tell(people, Told(OWNERS[other[0]], change_at(*other, Change.DELETION)), 3)
        tell(people, Told(OWNERS[other[0]], change_at(*other, Change.ENTRY)), 4)
    assert tell(people, Told(OWNERS[area], change_at(area, foreign, Change.DELETION)), 5).recorded
    (left,) = states(people).values()
    assert {(stay.area, stay.foreign) for stay in left.open_stays} == set(before)


def change_at(area: str, foreign: bool, change: Change) -> ChangeNotice:
    cause = Cause.ENTRY_EX_OFFICIO if change is Change.ENTRY else Cause.DELETION_EX_OFFICIO
    return ChangeNotice("", area, None, change, cause, "20261101", foreign, person(CODES[0]), None, None)


@given(st.permutations(["401315", "401323", "401013", "402028"]), st.permutations([0, 1, 2]))
@settings(deadline=None, max_examples=50)
def test_moves_end_where_the_last_entry_was_whenever_the_deletions_come(
    route: list[str], deletions: list[int]
) -> None:
    people = People({})
    for area in route:
        tell(people, Told(OWNERS[area], change_at(area, False, Change.ENTRY)), 1)
    for place in deletions:
        area = route[place]
        assert tell(people, Told(OWNERS[area], change_at(area, False, Change.DELETION)), 1).recorded
    (state,) = states(people).values()
    assert [stay.area for stay in state.open_stays] == [route[-1]]
    assert state.current == len(route)

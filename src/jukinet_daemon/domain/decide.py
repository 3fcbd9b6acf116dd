"""判断: one notice, what the file holds of its person, and the answer.

The numbered steps are those of docs/life-of-a-notice.md.
"""

from dataclasses import dataclass

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.dates import date_range
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Key, KeyKind, Notice
from jukinet_daemon.domain.outcomes import Outcome, OutcomeClass
from jukinet_daemon.domain.person import (
    PersonState,
    Stay,
    corrected,
    ended,
    held_back,
    noted,
    opened,
    renewed,
)
from jukinet_daemon.domain.register import Finding, Register, Setting


@dataclass(frozen=True, slots=True)
class Subject:
    """The person a notice is about: state in the file, keys new to it; `others` if it names more persons."""

    state: PersonState
    new_keys: tuple[Key, ...]
    others: tuple[PersonState, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether an earlier notice about this person, or one of them, is held."""
        return any(state.waiting for state in (self.state, *self.others))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen: the answer, and the person's state before and after (None: untouched).

    `others` are the states after of further persons that a held notice keeps waiting.
    """

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    before: PersonState | None = None
    after: PersonState | None = None
    new_keys: tuple[Key, ...] = ()
    others: tuple[PersonState, ...] = ()

    @property
    def recorded(self) -> bool:
        """Whether a record of 本人確認情報 is written, and so relayed (法30条の7, 30条の42)."""
        return self.outcome in RECORDED

    @property
    def kind(self) -> OutcomeClass:
        """The class of the outcome."""
        return self.outcome.kind


RECORDED = (outcomes.APPLIED, outcomes.RENEWED)


def decide(register: Register, subject: Subject, notice: Notice, setting: Setting) -> Decision:
    """Decides one notice.

    Takes the register, the person as the file holds it, the notice, and the setting; gives a decision and
    changes nothing. Never raises for any content of a notice.
    """
    if not isinstance(notice, register.kinds):
        return Decision(outcomes.KIND_NOT_TAKEN, (Finding(outcomes.KIND_NOT_TAKEN, "kind"),))
    # 6.1 what the notice says by itself
    findings = tuple(found for check in register.checks if (found := check(notice, setting)))
    refusal = next((found for found in findings if found.outcome.kind is OutcomeClass.REFUSED), None)
    if refusal:
        return Decision(refusal.outcome, (refusal,))
    # 6.2 what it says about the person as the file holds it
    outcome, after = _effect(subject, notice)
    if after is None:
        return _held(outcome, subject, findings, _follows(subject, notice, outcome))
    return Decision(outcome, findings, subject.state, after, subject.new_keys)


def hold(_register: Register, subject: Subject, _notice: Notice, _setting: Setting) -> Decision:
    """Holds a notice that was decided once and could not be stored: nothing is lost, nobody overtakes."""
    return _held(outcomes.UNSTORABLE, subject, (), () if subject.state.version else subject.new_keys[:1])


def _follows(subject: Subject, notice: Notice, outcome: Outcome) -> tuple[Key, ...]:
    """The keys that a held notice ties to its person, so that what follows queues behind it.

    A stranger gets the one key it is found by: what else the notice brings may be a slip of the pen. A person
    who is known gets none, but for a new code whose correction only waits its turn: notices under that code
    would overtake it.
    """
    if subject.state.version == 0:
        return subject.new_keys[:1]
    if outcome is not outcomes.BEHIND_HELD or subject.others or isinstance(notice, DepartureNotice):
        return ()
    in_turn = notice.change is Change.CODE_CORRECTION and not _brings_anothers_code(subject, notice)
    return subject.new_keys if in_turn else ()


def _held(
    outcome: Outcome, subject: Subject, findings: tuple[Finding, ...], new_keys: tuple[Key, ...]
) -> Decision:
    """Keeps a notice, and all it names, waiting."""
    others = tuple(held_back(other) for other in subject.others)
    return Decision(outcome, findings, subject.state, held_back(subject.state), new_keys, others)


def _effect(subject: Subject, notice: Notice) -> tuple[Outcome, PersonState | None]:
    """The outcome and the state after it; no state where the notice is to be held."""
    state = subject.state
    if subject.waits:
        return outcomes.BEHIND_HELD, None
    if subject.others:
        return outcomes.TWO_PERSONS, None
    if isinstance(notice, DepartureNotice):
        # 令13条3項: it is sent by the municipality that was left, so the person was recorded there once.
        known = any(stay.area == notice.area for stay in state.stays)
        return (outcomes.DEPARTURE_RECORDED, noted(state)) if known else (outcomes.DEPARTED_UNKNOWN, None)
    if _brings_anothers_code(subject, notice):
        return outcomes.CODE_NOT_THEIRS, None
    return _change(state, notice)


def _brings_anothers_code(subject: Subject, notice: ChangeNotice) -> bool:
    """Whether a notice would tie a code to a person who was found by something else.

    A code is tied to a person once and for ever. It may come new only by its own correction, whose previous
    code must then be this person's; a record key that was used again must not make two persons one.
    """
    if subject.state.current is None:
        return False
    correction = notice.change is Change.CODE_CORRECTION
    if correction and notice.previous_code is None:
        # 令30条の5五号: the previous code is left out only where none stood there.
        return subject.state.coded
    code = notice.previous_code if correction else notice.person.resident_code
    return code is not None and Key(KeyKind.CODE, code) in subject.new_keys


def _change(state: PersonState, notice: ChangeNotice) -> tuple[Outcome, PersonState | None]:
    here = state.stay_at(notice.area, notice.foreign)
    # Of another 附票 of the same municipality (令18条, 19条: 婚姻, 管内転籍) this one is not touched.
    stay = here if here is not None and here.is_named(notice.record_key) else None
    if _told_again(stay, notice):
        return outcomes.RENEWED, renewed(state, notice)
    if notice.change is Change.ENTRY:
        if here is not None and here.open:
            return outcomes.ALREADY_RESIDENT, None
        told_before = stay is not None and _told_before(stay, notice)
        return (outcomes.ENTERED_BEFORE, None) if told_before else (outcomes.APPLIED, opened(state, notice))
    is_open = stay is not None and stay.open
    if notice.change is Change.DELETION:
        return (outcomes.APPLIED, ended(state, notice)) if is_open else (outcomes.NOTHING_TO_DELETE, None)
    return (outcomes.APPLIED, corrected(state, notice)) if is_open else (outcomes.NOTHING_TO_CORRECT, None)


def _told_before(stay: Stay, notice: ChangeNotice) -> bool:
    """The 記載 by which a closed stay began, told again (再送信): it must bring nobody back.

    Nobody moves in, is born or is naturalised twice on one day. 職権記載等 may well bear the first day, for a
    異動の取消し is told by it; a 附票 says no cause; and of days that are not known none is the same.
    """
    once = notice.cause not in (None, Cause.ENTRY_EX_OFFICIO) and date_range(notice.event_date) is not None
    return once and (stay.began, stay.began_by) == (notice.event_date, notice.cause)


def _told_again(stay: Stay | None, notice: ChangeNotice) -> bool:
    """再送信: the stay's newest record is this very 記載 or 消除 of the same day; its cause may differ."""
    again = (Change.ENTRY, Change.DELETION)
    return (
        stay is not None
        and notice.change in again
        and (stay.change, stay.event_date) == (notice.change, notice.event_date)
    )


class People:
    """What the file holds of the persons of a batch, kept up to date decision by decision.

    Starts from what was read (`found`: keys of the file and the states behind them); later notices of the
    batch see the effect of earlier ones.
    """

    def __init__(self, found: dict[Key, PersonState]) -> None:
        self._ids = {key: state.person_id for key, state in found.items()}
        self._states = {state.person_id: state for state in found.values()}

    def find(self, keys: tuple[Key, ...]) -> Subject | None:
        """The person that keys name, or None where the file has none."""
        ids = list(dict.fromkeys(self._ids[key] for key in keys if key in self._ids))
        if not ids:
            return None
        new_keys = tuple(key for key in keys if key not in self._ids)
        state, *others = (self._states[person_id] for person_id in ids)
        return Subject(state, new_keys, tuple(others))

    @staticmethod
    def stranger(keys: tuple[Key, ...], state: PersonState) -> Subject:
        """A person that the file does not have yet."""
        return Subject(state, keys)

    def apply(self, decision: Decision) -> None:
        """Takes a decision's effect into account for the notices that follow."""
        if decision.after is None:
            return
        for state in (decision.after, *decision.others):
            self._states[state.person_id] = state
        self._ids |= dict.fromkeys(decision.new_keys, decision.after.person_id)

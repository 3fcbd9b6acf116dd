"""判断: one notice, what the file holds of its person, and the answer.

The numbered steps are those of docs/life-of-a-notice.md.
"""

from dataclasses import dataclass

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.change import Change
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Key, KeyKind, Notice
from jukinet_daemon.domain.outcomes import Outcome, OutcomeClass
from jukinet_daemon.domain.person import PersonState, corrected, ended, held_back, noted, opened
from jukinet_daemon.domain.register import Finding, Register, Setting


@dataclass(frozen=True, slots=True)
class Subject:
    """The person a notice is about: state in the file, keys new to it, whether they name two persons."""

    state: PersonState
    new_keys: tuple[Key, ...]
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen: the answer, and the person's state before and after (None: untouched).

    `recorded` says that the notice enters the history and goes on to the national body.
    """

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    before: PersonState | None = None
    after: PersonState | None = None
    new_keys: tuple[Key, ...] = ()

    @property
    def recorded(self) -> bool:
        """Whether a record of 本人確認情報 is written, and so relayed (法30条の7, 30条の42)."""
        return self.outcome is outcomes.APPLIED

    @property
    def kind(self) -> OutcomeClass:
        """The class of the outcome."""
        return self.outcome.kind


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
    return Decision(outcome, findings, subject.state, after, subject.new_keys)


def _effect(subject: Subject, notice: Notice) -> tuple[Outcome, PersonState]:
    state = subject.state
    if state.waiting:
        return outcomes.BEHIND_HELD, held_back(state)
    if subject.ambiguous:
        return outcomes.TWO_PERSONS, held_back(state)
    if _brings_anothers_code(subject, notice):
        return outcomes.CODE_NOT_THEIRS, held_back(state)
    if isinstance(notice, DepartureNotice):
        known = state.version > 0
        return (
            (outcomes.DEPARTURE_RECORDED, noted(state)) if known else _hold(outcomes.DEPARTED_UNKNOWN, state)
        )
    return _change(state, notice)


def _brings_anothers_code(subject: Subject, notice: Notice) -> bool:
    """Whether a notice would tie a code to a person who was found by something else.

    A code is tied to a person once and for ever. It may come new only by its own correction, whose previous
    code must then be this person's; a record key that was used again must not make two persons one.
    """
    if isinstance(notice, DepartureNotice) or subject.state.version == 0:
        return False
    correction = notice.change is Change.CODE_CORRECTION
    code = notice.previous_code if correction else notice.person.resident_code
    return code is not None and Key(KeyKind.CODE, code) in subject.new_keys


def hold(_register: Register, subject: Subject, _notice: Notice, _setting: Setting) -> Decision:
    """Holds a notice that was decided once and could not be stored: nothing is lost, nobody overtakes."""
    return Decision(outcomes.UNSTORABLE, (), subject.state, held_back(subject.state), subject.new_keys)


def _change(state: PersonState, notice: ChangeNotice) -> tuple[Outcome, PersonState]:
    stay = state.stay_at(notice.area, notice.foreign)
    if notice.change is Change.ENTRY:
        if stay:
            return _hold(outcomes.ALREADY_RESIDENT, state)
        return outcomes.APPLIED, opened(state, notice.area, notice.foreign)
    if notice.change is Change.DELETION:
        return (outcomes.APPLIED, ended(state, stay)) if stay else _hold(outcomes.NOTHING_TO_DELETE, state)
    return (outcomes.APPLIED, corrected(state, stay)) if stay else _hold(outcomes.NOTHING_TO_CORRECT, state)


def _hold(outcome: Outcome, state: PersonState) -> tuple[Outcome, PersonState]:
    return outcome, held_back(state)


class People:
    """What the file holds of the persons of a batch, kept up to date decision by decision.

    Starts from what was read (`found`: keys of the file and the states behind them); later notices of the
    batch see the effect of earlier ones..
    """

    def __init__(self, found: dict[Key, PersonState]) -> None:
        self._ids = {key: state.person_id for key, state in found.items()}
        self._states = {state.person_id: state for state in found.values()}

    def find(self, keys: tuple[Key, ...]) -> Subject | None:
        """The person that keys name, or None where the file has none. Two persons make it ambiguous."""
        ids = list(dict.fromkeys(self._ids[key] for key in keys if key in self._ids))
        if not ids:
            return None
        ambiguous = len(ids) > 1
        new_keys = () if ambiguous else tuple(key for key in keys if key not in self._ids)
        return Subject(self._states[ids[0]], new_keys, ambiguous)

    @staticmethod
    def stranger(keys: tuple[Key, ...], state: PersonState) -> Subject:
        """A person that the file does not have yet."""
        return Subject(state, keys)

    def apply(self, decision: Decision) -> None:
        """Takes a decision's effect into account for the notices that follow."""
        if decision.after is None:
            return
        self._states[decision.after.person_id] = decision.after
        self._ids |= dict.fromkeys(decision.new_keys, decision.after.person_id)

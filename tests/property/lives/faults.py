"""Errors that a program like this could make, one at a time. Each gives the file that makes it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from jukinet_daemon.domain import decide as rules
from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.change import Change
from jukinet_daemon.domain.decide import Decision, People, Subject, decide
from jukinet_daemon.domain.notice import ChangeNotice, Key, KeyKind, Notice
from jukinet_daemon.domain.person import PersonState, Stay, ended
from jukinet_daemon.domain.register import Register, Setting

from .file import File
from .telegram import Telegram

MakeFile = Callable[[str], File]
Fault = Callable[[pytest.MonkeyPatch], MakeFile]


def late_deletion_ends_the_newest_stay(patch: pytest.MonkeyPatch) -> MakeFile:
    def wrong(state: PersonState, notice: ChangeNotice) -> PersonState:
        newest = state.open_stays[-1]
        return ended(state, replace(notice, area=newest.area, foreign=newest.foreign))

    patch.setattr(rules, "ended", wrong)
    return File


def old_codes_are_forgotten(_patch: pytest.MonkeyPatch) -> MakeFile:
    class Forgetful(File):
        def store(self, told: Telegram, decision: Decision) -> None:
            super().store(told, decision)
            if told.old_code and decision.recorded:
                del self.keys[Key(KeyKind.CODE, told.old_code)]

    return Forgetful


def the_latest_date_wins(_patch: pytest.MonkeyPatch) -> MakeFile:
    def wrong(register: Register, subject: Subject, notice: Notice, setting: Setting) -> Decision:
        made = decide(register, subject, notice, setting)
        if not made.after or not made.after.open_stays:
            return made
        latest = max(made.after.open_stays, key=lambda stay: stay.event_date)
        return replace(made, after=replace(made.after, current=latest.version))

    return lambda register: File(register, wrong)


def a_duplicate_is_applied_twice(_patch: pytest.MonkeyPatch) -> MakeFile:
    class Trusting(File):
        def unanswered(self, batch: Iterable[Telegram]) -> list[Telegram]:
            return list(batch)

    return Trusting


def a_resident_may_not_move_in_elsewhere(_patch: pytest.MonkeyPatch) -> MakeFile:
    return _holding(lambda state: bool(state.open_stays))


def death_is_final(_patch: pytest.MonkeyPatch) -> MakeFile:
    return _holding(lambda state: bool(state.stays) and not state.open_stays)


def _holding(unwelcome: Callable[[PersonState], bool]) -> MakeFile:
    def wrong(register: Register, subject: Subject, notice: Notice, setting: Setting) -> Decision:
        entry = isinstance(notice, ChangeNotice) and notice.change is Change.ENTRY
        if entry and unwelcome(subject.state):
            return rules.hold(register, subject, notice, setting)
        return decide(register, subject, notice, setting)

    return lambda register: File(register, wrong)


def a_stay_is_known_by_its_area_alone(patch: pytest.MonkeyPatch) -> MakeFile:
    patch.setattr(Stay, "is_of", lambda self, area, _foreign: self.area == area)
    return File


def a_batch_does_not_see_its_own_effects(patch: pytest.MonkeyPatch) -> MakeFile:
    patch.setattr(People, "apply", lambda _self, _decision: None)
    return File


def later_notices_overtake_a_held_one(patch: pytest.MonkeyPatch) -> MakeFile:
    patch.setattr(Subject, "waits", False)
    return File


def what_is_sent_again_is_not_known_again(patch: pytest.MonkeyPatch) -> MakeFile:
    patch.setattr(rules, "_told_again", lambda _stay, _notice: False)
    return File


def a_held_notice_is_dropped(_patch: pytest.MonkeyPatch) -> MakeFile:
    def wrong(register: Register, subject: Subject, notice: Notice, setting: Setting) -> Decision:
        made = decide(register, subject, notice, setting)
        return Decision(outcomes.NOTHING_TO_CORRECT) if made.outcome is outcomes.NOTHING_TO_CORRECT else made

    return lambda register: File(register, wrong)


FAULTS: tuple[Fault, ...] = (
    late_deletion_ends_the_newest_stay,
    old_codes_are_forgotten,
    the_latest_date_wins,
    a_duplicate_is_applied_twice,
    a_resident_may_not_move_in_elsewhere,
    death_is_final,
    a_stay_is_known_by_its_area_alone,
    a_batch_does_not_see_its_own_effects,
    later_notices_overtake_a_held_one,
    what_is_sent_again_is_not_known_again,
    a_held_notice_is_dropped,
)

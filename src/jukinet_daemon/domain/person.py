"""人の状態: what the file holds of one person, as far as a decision needs it."""

from dataclasses import dataclass, field, replace

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.notice import ChangeNotice


@dataclass(frozen=True, slots=True)
class Stay:
    """One 住民票 or 附票: where it is, whether a foreign resident's, whether open, and its newest record.

    Stays are kept by municipality, so that a late 消除 of the old one never ends the new one's. A closed stay
    is remembered, so that its 記載 and its 消除 are known again when they are sent again: `began` and
    `began_by` are the day and cause of that 記載. `record_key` is the sender's own name for the record.
    """

    area: str
    foreign: bool
    open: bool
    version: int
    change: Change
    event_date: str = field(repr=False)
    began: str = field(repr=False)
    began_by: Cause | None = field(repr=False)
    record_key: str | None = field(repr=False)

    def is_of(self, area: str, foreign: bool) -> bool:
        """Whether this is the stay of a municipality and kind of resident."""
        return self.area == area and self.foreign == foreign

    def is_named(self, record_key: str | None) -> bool:
        """Whether a record key may name this stay's record; without one, or where none is known, any may."""
        return record_key is None or self.record_key is None or self.record_key == record_key


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person in the file. `version` counts every change of this state and guards it (compare-and-set).

    `current` is the version of the record that holds good now: of the open stay that began last, or of the
    stay that began last where none is open; None where there is no record yet. `waiting` counts notices held
    for an operator. `coded` says that a 住民票コード stands in the record (令30条の12の3四号: it may be
    missing).
    """

    person_id: int
    version: int
    current: int | None
    stays: tuple[Stay, ...]
    waiting: int
    coded: bool = False

    @property
    def open_stays(self) -> tuple[Stay, ...]:
        """The stays that are open, the one that began last at the end."""
        return tuple(stay for stay in self.stays if stay.open)

    def stay_at(self, area: str, foreign: bool) -> Stay | None:
        """The stay in a municipality, open or closed, or None if there never was one."""
        return next((stay for stay in self.stays if stay.is_of(area, foreign)), None)


def unknown_person(person_id: int) -> PersonState:
    """The state before the first notice about a person."""
    return PersonState(person_id=person_id, version=0, current=None, stays=(), waiting=0)


def opened(state: PersonState, notice: ChangeNotice) -> PersonState:
    """記載: a stay begins, and is the one that holds good. One that was closed there begins anew."""
    others = tuple(stay for stay in state.stays if not stay.is_of(notice.area, notice.foreign))
    return _recorded(state, notice, (*others, _begun(state, notice)))


def ended(state: PersonState, notice: ChangeNotice) -> PersonState:
    """消除: this stay ends and no other; what holds good is the newest stay left.

    Where none is left, the 消除 of the one that began last: a late 国内転出 of a municipality left before
    says nothing about how the person ended.
    """
    return _recorded(state, notice, _with(state, notice, is_open=False))


def corrected(state: PersonState, notice: ChangeNotice) -> PersonState:
    """修正: a newer record of this stay; it holds good if the stay is the newest."""
    return _recorded(state, notice, _with(state, notice, is_open=True))


def renewed(state: PersonState, notice: ChangeNotice) -> PersonState:
    """再送信: the same event told again, its cause or items perhaps changed; no stay begins or ends by it."""
    stay = state.stay_at(notice.area, notice.foreign)
    return _recorded(state, notice, _with(state, notice, is_open=stay is not None and stay.open))


def held_back(state: PersonState) -> PersonState:
    """保留: a notice about this person waits for an operator; later ones queue behind it."""
    return replace(state, version=state.version + 1, waiting=state.waiting + 1)


def let_go(state: PersonState) -> PersonState:
    """決着: a notice that waited no longer does."""
    return replace(state, version=state.version + 1, waiting=state.waiting - 1)


def noted(state: PersonState) -> PersonState:
    """Something was recorded that changes no 本人確認情報 (転出確定)."""
    return replace(state, version=state.version + 1)


def _begun(state: PersonState, notice: ChangeNotice) -> Stay:
    return Stay(
        notice.area,
        notice.foreign,
        open=True,
        version=state.version + 1,
        change=notice.change,
        event_date=notice.event_date,
        began=notice.event_date,
        began_by=notice.cause,
        record_key=notice.record_key,
    )


def _with(state: PersonState, notice: ChangeNotice, *, is_open: bool) -> tuple[Stay, ...]:
    def newer(stay: Stay) -> Stay:
        return replace(
            stay,
            open=is_open,
            version=state.version + 1,
            change=notice.change,
            event_date=notice.event_date,
            began_by=notice.cause if notice.change is Change.ENTRY else stay.began_by,
            record_key=notice.record_key or stay.record_key,
        )

    return tuple(newer(stay) if stay.is_of(notice.area, notice.foreign) else stay for stay in state.stays)


def _recorded(state: PersonState, notice: ChangeNotice, stays: tuple[Stay, ...]) -> PersonState:
    version = state.version + 1
    here = notice.person.resident_code is not None
    # A 記載 and a correction of the code say whether one stands there now; it may have been taken away.
    coded = here if notice.change in (Change.ENTRY, Change.CODE_CORRECTION) else state.coded or here
    newest = next((stay.version for stay in reversed(stays) if stay.open), stays[-1].version)
    return PersonState(state.person_id, version, newest, stays, state.waiting, coded)

"""国外転出者: whether a person is one, as each of the two files tells it (法17条3号, 法30条の44の6第3項).

Each judgement gives one outcome: that the question may go on, or the first reason why it may not. The order
of reasons is fixed, so that the same records always give the same answer.
"""

from dataclasses import dataclass, field
from datetime import date

from jukinet_daemon.domain import bridge_outcomes as outcomes
from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.dates import date_range
from jukinet_daemon.domain.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class FuhyoEntry:
    """What the 附票 file says of one person: `open` that a 附票 stands, `overseas` what its record shows.

    `left_from` is the area of the last address that it showed; None where it showed none, or no area with it.
    """

    open: bool
    overseas: bool
    coded: bool
    waiting: int
    left_from: str | None = None


@dataclass(frozen=True, slots=True)
class LastStay:
    """What the 住基 file says of one person, of the stay that began last and its newest record.

    That stay, not the newest 消除: a late 国内転出 of the municipality left before says nothing about where
    the person went afterwards. `open` says that any stay is open. The record's fields are None where only
    notices that wait are known of the person.
    """

    open: bool
    waiting: int
    foreign: bool
    change: Change | None
    cause: Cause | None
    event_date: str | None = field(repr=False)
    resident_code: str | None = field(repr=False)
    numbered: bool


def shown_overseas(entry: FuhyoEntry | None) -> Outcome:
    """CONFIRMED where the 附票 shows 国外転出者である旨 and a code; else why not."""
    if entry is None:
        return outcomes.NOT_IN_FUHYO
    if entry.waiting:
        return outcomes.NOTICE_WAITS
    if not entry.open:
        return outcomes.FUHYO_DELETED
    if not entry.overseas:
        return outcomes.NOT_OVERSEAS
    return outcomes.CONFIRMED if entry.coded else outcomes.NO_CODE


def left_from_elsewhere(entry: FuhyoEntry, prefecture: str) -> bool:
    """Whether the 附票 shows that the person moved overseas from another prefecture than that of the code.

    What counts is the 住民票 that the last 国外転出届 ended (法17条7号). Our file may know an earlier
    departure, and a number that was changed since (番号法7条2項); it must not be asked.
    """
    return entry.left_from is not None and entry.left_from[:2] != prefecture[:2]


def left_overseas(last: LastStay | None, code: str, today: date) -> Outcome:
    """ANSWERED where the last record is 消除 by 国外転出 with no 記載 after it; else why not.

    `code` is the 住民票コード that was asked for, `today` the day of the question: a planned day of leaving
    may lie ahead (令30条の5二号), and until it comes the person is a resident.
    """
    if last is None:
        return outcomes.NOT_HERE
    if last.waiting or last.change is None:
        return outcomes.NOTICE_WAITS
    if last.open:
        return outcomes.CAME_BACK
    if last.foreign:
        return outcomes.FOREIGN
    return _departed(last, code, today)


def _departed(last: LastStay, code: str, today: date) -> Outcome:
    if last.cause is not Cause.OVERSEAS_MOVE_OUT:
        return _OTHER_CAUSES.get(last.cause, outcomes.REMOVED)
    if _ahead(last.event_date, today):
        return outcomes.LEAVES_LATER
    if last.resident_code != code:
        return outcomes.OTHER_CODE
    return outcomes.ANSWERED if last.numbered else outcomes.NO_NUMBER


_OTHER_CAUSES: dict[Cause | None, Outcome] = {
    Cause.DOMESTIC_MOVE_OUT: outcomes.MOVED_AWAY,
    Cause.DEATH: outcomes.DIED,
}


def _ahead(event_date: str | None, today: date) -> bool:
    """Whether the last day that a date can mean has not come; one whose year is unknown has."""
    span = date_range(event_date) if event_date else None
    return span is not None and span[1] > today

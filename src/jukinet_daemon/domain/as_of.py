"""時点: what the file said at one moment about the state of a person on some day (two times, bitemporal).

Two times are asked for, and they are not the same. The moment `known_at` is about the file: a record counts
once it stood there (`recorded_at`), so that an answer given then can be given again now. The `day` is about
the world: an event counts from the day it took effect. Order is a third thing, and only the version
(更新順番号) gives it: of two records in effect the one notified later holds good, whatever their dates.

An event takes effect on its 異動年月日; where only a span of days is known, on the last of them; where the
year is not known, on the day of the notification. What has been notified has happened, so no later than that
day; only the planned date of a 転出届 may lie ahead (令30条の5二号).

The records of a person form stays. A 記載 begins one in its municipality (and as a Japanese or as a foreign
resident's), later records of that municipality belong to it, a 消除 ends it. On `day`

* a stay has begun if a 記載 of it is in effect, and has ended if a 消除 of it is in effect;
* a 修正 or 消除 dated before the 記載 of its stay says nothing about the days before that 記載;
* the record in force is the newest in effect of the stay that was notified last among those that have begun
  and not ended; where none is open, the newest 消除 in effect of the one notified last; where none had begun,
  there is none.

Examples, every event notified on the day given in brackets:

* Late correction. 記載 1 Nov (1), 転居 3 Nov (20). About the 5th the file says the old address if asked as of
  the 10th, the new one if asked as of the 20th; about the 2nd it always says the old one.
* Cancelled death. 出生, 死亡 5 Nov (6), 職権記載等 (12): nothing is taken back, a stay begins (異動の取消し).
  Dated 5 Nov it leaves no gap: about the 8th, as of the 12th, he lives; as of the 11th he was dead. Dated
  12 Nov it leaves one, and about the 8th the file goes on saying 消除.
* Move-in before move-out. B's 国内転入 10 Nov (10), then A's 国内転出 8 Nov (12). About the 9th: as of the
  10th the record of A, as of the 12th the 消除 of A; about the 10th and after: B's, whatever A sends.
* Planned departure. 国外転出 30 Nov (15). As of the 15th, about the 15th to 29th: still the record; about
  the 30th: the 消除, seen before its day.
* Retroactive 職権記載等. 記載 1 Apr 2020 (23 Nov 2026). About 2021: nothing as of the 22nd, the record as of
  the 23rd.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from jukinet_daemon.domain.change import PLANNED_DATE_CAUSES, Change
from jukinet_daemon.domain.dates import date_range
from jukinet_daemon.domain.record import Record


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record and the moment it entered the file."""

    record: Record
    recorded_at: datetime


def as_of(history: Sequence[Recorded], known_at: datetime, day: date) -> Record | None:
    """The record in force on `day`, as the file had it at the moment `known_at`; None where there was none.

    Takes all records of one person in order of version. A 消除 is given where every stay had ended. Both
    moments carry a time zone; raises TypeError where only one does.
    """
    known = (entry.record for entry in history if entry.recorded_at <= known_at)
    in_effect = ([r for r in stay if takes_effect_on(r) <= day] for stay in _stays(known))
    begun = [stay for stay in in_effect if _has(stay, Change.ENTRY)]
    open_stays = [stay for stay in begun if not _has(stay, Change.DELETION)]
    if open_stays:
        return open_stays[-1][-1]
    last = begun[-1] if begun else ()
    return next((r for r in reversed(last) if r.notice.change is Change.DELETION), None)


def takes_effect_on(record: Record) -> date:
    """The day by which the event of a record has certainly taken effect."""
    span = date_range(record.notice.event_date)
    if span is None:
        return record.notified_on
    last = span[1]
    return last if record.notice.cause in PLANNED_DATE_CAUSES else min(last, record.notified_on)


def _stays(records: Iterable[Record]) -> list[list[Record]]:
    """The records by stay, in the order in which the stays were notified."""
    stays: list[list[Record]] = []
    newest: dict[tuple[str, bool], list[Record]] = {}
    for record in records:
        place = (record.notice.area, record.notice.foreign)
        stay = newest.get(place)
        # A 記載 for a stay that is open, or a 消除 for one that is not, is an old one sent again (再送信).
        if record.notice.change is Change.ENTRY and (stay is None or _has(stay, Change.DELETION)):
            newest[place] = stay = []
            stays.append(stay)
        if stay is not None:
            stay.append(record)
    return stays


def _has(stay: Sequence[Record], change: Change) -> bool:
    return any(record.notice.change is change for record in stay)

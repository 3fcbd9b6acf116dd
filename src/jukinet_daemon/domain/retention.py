"""保存期間: until which day each record of a person must be kept (令30条の6, 令30条の12の4).

A record of 記載 or 修正 is kept until 150 years have passed from the day a new notification about that person
was received (各一号); a record of 消除 until 150 years have passed from its own notification (各二号).

The new notification is the next record of the same person by version, whatever its area or kind: both
articles say 「当該本人確認情報に係る者に係る新たな…通知」, a notification about the person, not about the
same 住民票. A repeat is no record and moves nothing; a notice that was sent again under a new id is one, and
counts. A notice that was held counts from the day it came, not from the day it was let go: the law counts
from 「通知を受けた日」, and that day is `notified_on`. Where the next record waited so, and had come before
this one did, it was nothing new then: the term begins on the day this one came, when both were there.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from jukinet_daemon.domain.change import Change
from jukinet_daemon.domain.record import Record

YEARS = 150
_DAY = timedelta(days=1)


def last_kept_day(start: date) -> date:
    """The day on which 150 years, counted from `start` as their first day, have passed.

    It is the day before the anniversary (民法143条2項). A start on 29 February has no anniversary 150 years
    on, a year that is never a leap year: the term ends with that February. Raises ValueError where the day
    lies past the year 9999.
    """
    if (start.month, start.day) == (2, 29):
        return date(start.year + YEARS, 2, 28)
    return start.replace(year=start.year + YEARS) - _DAY


def erasable_on(start: date) -> date:
    """The first day on which a record may be erased whose term began on `start`. Raises as last_kept_day."""
    return last_kept_day(start) + _DAY


def term_starts(records: Sequence[Record]) -> list[date | None]:
    """The first day of each record's term; None where it has not begun.

    Takes the records of one person in order of version. The term of the newest record has not begun unless it
    is a 消除. A late 消除 of a municipality left behind begins the term of the record that holds good.
    """
    followed = [_start(record, after) for record, after in pairwise(records)]
    return followed + [_start(record, None) for record in records[-1:]]


def _start(record: Record, after: Record | None) -> date | None:
    if record.notice.change is Change.DELETION:
        return record.notified_on
    return max(record.notified_on, after.notified_on) if after else None


def keep_until(records: Sequence[Record]) -> list[date | None]:
    """The last day each record must be kept; None where that day cannot be told yet.

    Takes the records of one person in order of version. Raises as last_kept_day.
    """
    return [None if start is None else last_kept_day(start) for start in term_starts(records)]

"""記録: one notified 本人確認情報 in the history of a person."""

from dataclasses import dataclass
from datetime import date

from jukinet_daemon.domain.notice import ChangeNotice


@dataclass(frozen=True, slots=True)
class Record:
    """A notice as it entered the file: whose it is, its place in that person's history, the day it came.

    `version` is the 更新順番号 of the person; `notified_on` starts the retention clock of the record before
    it (令30条の6, 令30条の12の4).
    """

    notice: ChangeNotice
    person_id: int
    version: int
    notified_on: date

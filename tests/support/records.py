"""Builders of records as the history has them; a test says only what matters to it."""

from datetime import date
from uuid import uuid4

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.notice import ChangeNotice, Person
from jukinet_daemon.domain.record import Record

NOBODY = Person(
    resident_code="24727059608",
    name="髙島 太郎",
    date_of_birth="19850403",
    address="福岡県福岡市東区箱崎三丁目1番1号",
)


def record(
    version: int,
    change: Change,
    notified_on: date,
    *,
    event_date: str = "20261101",
    area: str = "401315",
    foreign: bool = False,
    cause: Cause | None = None,
    person_id: int = 1,
) -> Record:
    """A record of somebody in 福岡市東区."""
    notice = ChangeNotice(str(uuid4()), area, None, change, cause, event_date, foreign, NOBODY, None, None)
    return Record(notice, person_id, version, notified_on)

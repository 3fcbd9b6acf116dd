"""全国サーバへの通知: a record of the file as the prefecture passes it on (法30条の7, 30条の42)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jukinet_daemon.domain.record import Record
from jukinet_daemon.wire.notice import FuhyoChange, FuhyoPerson, JukiChange, JukiPerson, Message
from jukinet_daemon.wire.text import DayText, RecordKey

PersonNumber = Annotated[RecordKey, Field(description="県が人ごとに付けた番号")]
Sequence = Annotated[int, Field(ge=1, description="更新順番号: 人ごとに増える。飛ぶことはあっても戻らない")]


class JukiRecord(JukiChange):
    """A 本人確認情報 passed on to 全国サーバ (法30条の7第1項)."""

    kind: Literal["record"]  # type: ignore[assignment]
    person_number: PersonNumber
    sequence: Sequence
    notified_on: DayText = Field(description="県が通知を受けた日")


class FuhyoRecord(FuhyoChange):
    """A 附票本人確認情報 passed on to 附票全国サーバ (法30条の42第1項)."""

    kind: Literal["record"]  # type: ignore[assignment]
    person_number: PersonNumber
    sequence: Sequence
    notified_on: DayText = Field(description="県が通知を受けた日")


_ITEMS = {"juki": tuple(JukiPerson.model_fields), "fuhyo": tuple(FuhyoPerson.model_fields)}
RECORDS: dict[str, type[Message]] = {"juki": JukiRecord, "fuhyo": FuhyoRecord}


def write_record(register: str, record: Record) -> dict[str, Any]:
    """A record as a notice to the national server; what is blank, false or 0 is left out."""
    notice, person = record.notice, record.notice.person
    items = {name: getattr(person, name) for name in _ITEMS[register]}
    message = {
        "kind": "record",
        "id": notice.id,
        "person_number": str(record.person_id),
        "record_key": notice.record_key,
        "sequence": record.version,
        "notified_on": record.notified_on.isoformat(),
        "area": notice.area,
        "change": notice.change,
        "cause": notice.cause,
        "event_date": notice.event_date,
        "foreign": notice.foreign,
        "person": _filled(items),
        "previous_code": notice.previous_code,
        "previous_number": notice.previous_number,
    }
    return _filled(message)


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}

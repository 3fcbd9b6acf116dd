"""全国サーバへの通知: the models that a record is written by and their schemas say the same."""

from datetime import date

from pydantic import ValidationError

from jukinet_daemon.domain.notice import ChangeNotice
from jukinet_daemon.domain.record import Record
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.relayed import RECORDS, write_record
from jukinet_daemon.wire.text import JsonFault, canonical, read_json
from support.notices import fuhyo_change, juki_change

from .schema import agree
from .target import Target, only


def _run(data: bytes) -> None:
    raw = only(lambda: read_json(data), JsonFault)
    for register, model in RECORDS.items():
        try:
            model.model_validate(raw)
            taken = True
        except ValidationError:
            taken = False
        agree((f"{register}-record",), raw, taken=taken)


def _record(register: str, raw: object) -> bytes:
    read = read_notice(register, raw)
    assert isinstance(read, ChangeNotice)
    return canonical(write_record(register, Record(read, 81, 2, date(2026, 11, 23))))


TARGET = Target("relayed", _run, (_record("juki", juki_change()), _record("fuhyo", fuhyo_change())))

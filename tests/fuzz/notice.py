"""通知: the reader of each register and the schemas that vendors are given say the same."""

import json
from typing import Any

from jukinet_daemon.domain.register import Finding
from jukinet_daemon.wire import notice
from jukinet_daemon.wire.text import Duplicated, JsonFault, read_json
from support.notices import departure, fuhyo_change, juki_change

from .schema import agree
from .target import Target, only

SCHEMAS = {"juki": ("juki-change", "juki-departure"), "fuhyo": ("fuhyo-change",)}


def _run(data: bytes) -> None:
    raw = only(lambda: read_json(data, marked=True), JsonFault)
    for register, schemas in SCHEMAS.items():
        read = notice.read_notice(register, raw)
        if isinstance(read, Finding):
            assert read.field.isascii(), "a field's name tells a value"
        if not _doubled(raw):
            agree(schemas, raw, taken=not isinstance(read, Finding))


def _doubled(raw: Any) -> bool:
    inner = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    return isinstance(raw, Duplicated) or any(map(_doubled, inner))


def _text(raw: dict[str, Any]) -> bytes:
    return json.dumps(raw, ensure_ascii=False).encode()


TARGET = Target(
    "notice",
    _run,
    (
        _text(juki_change()),
        _text(juki_change(foreign=True, person={"alias": "マリア", "name_gaiji": 3})),
        _text(juki_change(area="４０１３１５")),
        _text(juki_change(person={"name": "髙島\u202e太郎"})),
        _text(fuhyo_change()),
        _text(fuhyo_change(person={"overseas": True, "address": ...})),
        _text(departure()),
        _text(juki_change()).replace(b'"foreign"', b'"area": "401315", "foreign"'),
        _text(juki_change()).replace(b'"20261101"', b"9" * 4000),
        _text(juki_change()).replace(b"false", b"9" * 5000),
        _text(juki_change(person={"name_gaiji": 3})).replace(b": 3", b": 3.0"),
    ),
)

"""操作する人の書いたもの: paths, queries, bodies, lists and files; each fault is a sentence of ours."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from jukinet_daemon.cli.as_client import admission, place_of
from jukinet_daemon.cli.bridge_request import keys_in, require_readable
from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.send import read_notices
from jukinet_daemon.ops.bridge_request import CaseFault, key_of
from jukinet_daemon.ops.held import Reason
from jukinet_daemon.ops.maintenance import A_TIME, end_of
from jukinet_daemon.ops.operator import OperatorFault
from jukinet_daemon.server.forms import (
    CaseForm,
    DeliveryForm,
    KeysForm,
    apply_in,
    case_in,
    form_in,
    notice_in,
    number_in,
    reason_in,
)
from jukinet_daemon.service.clock import clock_of
from jukinet_daemon.wire.text import JsonFault, read_json

from .target import Target, only

_CLOCK = clock_of("Asia/Tokyo")


def told(call: Callable[[], object], fault: type[BaseException], data: bytes) -> object:
    """What an operator's reader gives, or None where it refused in a sentence that repeats nothing."""
    try:
        return call()
    except fault as refusal:
        words = str(refusal)
    foreign = data.decode("utf-8", "replace").strip()
    for ours in (*Reason, A_TIME):  # a sentence may show them, and what came may be like them
        words = words.replace(ours, "")
    assert len(foreign) < 12 or foreign not in words, "a sentence repeats what came"
    return None


def _control(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for read in (notice_in, case_in, reason_in, apply_in):
        given = told(lambda read=read: read(text), OperatorFault, data)  # type: ignore[misc]
        assert given is None or isinstance(given, bool) or str(given) == text
    number = told(lambda: number_in(text), OperatorFault, data)
    assert number is None or text.lstrip("0") == str(number)
    end = told(lambda: end_of(text, _CLOCK()), OperatorFault, data)
    if end is not None:
        assert end.astimezone(ZoneInfo("America/New_York")) == end  # type: ignore[attr-defined]


CONTROL = Target(
    "control",
    _control,
    (
        b"0b7e5a9c-3a0e-4a51-9d0c-5c7b0e7c1f11",
        b"wrong-person",
        b"wrong-person\n",
        b"true",
        b"9007199254740991",
        b"0007",
        "７".encode(),
        b"9" * 5000,
        b"2026-11-24T22:00",
        b"2026-11-24T22:\n",
        b"0001-01-01T00:00:00+23:59",
        b"9999-12-31T23:59:59-23:59",
        b"2026-11-24T22:00:00+24:00",
        b"2026-W48-2",
    ),
)


def _window(data: bytes) -> None:
    raw = only(lambda: read_json(data), JsonFault)
    taken = [
        form for form in (CaseForm, KeysForm, DeliveryForm) if told(_reader(form, data), CaseFault, data)
    ]
    assert len(taken) <= 1
    for form in taken:
        assert isinstance(raw, dict), "a form was made of nothing"
        assert raw.keys() == form.model_fields.keys()
    text = data.decode("utf-8", "replace")
    key = key_of(text)
    assert key is None or (key.value == text and text.isascii() and text.isprintable() and len(text) < 80)


def _reader(form: type[CaseForm | KeysForm | DeliveryForm], data: bytes) -> Callable[[], object]:
    return lambda: form_in(form, data)


_CASE = {"office": "fukushi", "affair": "R8-1", "basis": "number-act-9-1", "approved_by": "b"}
_FORMS = (
    _CASE,
    _CASE | {"office": "福祉"},
    {"first": 1, "keys": ["24727059608", "401307/A-1"]},
    {"first": 0, "keys": ["x" * 81]},
    {"first": True, "keys": ["\ud842"]},
    {"first": 1, "keys": ["24727059608"] * 1001},
    {"password": "a password of many letters"},
    {"password": "\x00" * 12, "more": 1},
)
_KEYS = ("24727059608", "401307/A-1", "401307/\x00", "４01307/A", "401307/" + "A" * 65)
WINDOW = Target(
    "window",
    _window,
    (
        *(json.dumps(form).encode() for form in _FORMS),
        *(key.encode() for key in _KEYS),
        b"[" * 100_000,
        b"9" * 5000,
    ),
)


def _list(data: bytes) -> None:
    for suffix in (".csv", ".ndjson"):
        with tempfile.NamedTemporaryFile(prefix="fuzz-", suffix=suffix) as file:
            file.write(data)
            file.flush()
            path = Path(file.name)

            def read(path: Path = path) -> list[str]:
                require_readable(path)
                return list(keys_in(path))

            keys = told(read, CommandFault, data)
            assert keys is None or all(isinstance(key, str) for key in keys)  # type: ignore[attr-defined]


OFFICE_LIST = Target(
    "office-list",
    _list,
    (
        b"24727059608\r\n401307/A-1,x\r\n\r\n",
        b'"24727059608\n',
        b"\x00,\n\xff",
        b"x" * 140_000,
        b'{"key":"24727059608"}\n\n{"key":7}\n',
        b'{"key":' + b"[" * 60_000,
        b'[1]\n"key"\n{}\n',
        b'{"key":' + b"9" * 5000 + b"}",
    ),
)


def _notices(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(prefix="fuzz-") as file:
        file.write(data)
        file.flush()
        path = Path(file.name)
        notices = told(lambda: read_notices(path), CommandFault, data)
    assert notices is None or all(isinstance(notice, dict) for notice in notices)  # type: ignore[attr-defined]


NOTICES_FILE = Target(
    "notices-file",
    _notices,
    (
        b'{"kind":"change","id":"1"}\n\n{}\n',
        b"[1]\n",
        b"\xff",
        b"\xef\xbb\xbf{}",
        '{"name":"\u2028"}\n'.encode(),
        b"[" * 60_000,
        b"9" * 5000,
        b'"x"',
    ),
)


def _answer(data: bytes) -> None:
    text = data.decode("latin-1")
    for asks in (False, True):
        for finding in admission(text, asks=asks):
            assert len(finding.text) < 200
            assert finding.text.isprintable(), "an answer drives the terminal"
    place = place_of(text)
    assert place is None or 0 <= place[1] <= 65535


DOOR_ANSWER = Target(
    "door-answer",
    _answer,
    (
        b"HTTP/1.1 101 Switching Protocols\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\n\r\n",
        b"HTTP/1.1 405 Method Not Allowed\r\ndate: Mon, 23 Nov 2026 00:00:00 -0000\r\n\r\n",
        b"HTTP/1.1\r\nDate: \r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 \x1b[2J\r\nDate: 1 Jan 1 0:0 +999999999999\r\n\r\n",
        b"x 200\r\nDate: Mon, 23 Nov 99999 00:00:00 GMT\r\n\r\n",
        b"wss://[::1]:9000/notices",
        b"https://[x",
        b"wss://host:99999/notices",
    ),
)

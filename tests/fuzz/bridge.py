"""橋の電文: each form is read as its schema says, the other forms are refused."""

from collections.abc import Callable

from jukinet_daemon.wire.bridge import (
    Ask,
    BridgeFault,
    Case,
    Release,
    Request,
    read_answer,
    read_ask,
    read_confirmation,
    read_release,
    write_answer,
    write_ask,
    write_confirmation,
    write_release,
)
from jukinet_daemon.wire.text import JsonFault, read_json

from .schema import agree
from .target import Target, only

NOW = "2026-11-23T09:00:00.000+09:00"
_ASKED = "W4jVtVYAUKzv2MhLWeB0UQmPy4gpuOAZwHw0ehcOXG8"
_ID = "0b7e5a9c-3a0e-4a51-9d0c-5c7b0e7c1f11"
_READERS: dict[str, Callable[[bytes], object]] = {
    "bridge-ask": read_ask,
    "bridge-answer": lambda data: read_answer(data, _asked_in(data)),
    "bridge-confirmation": lambda data: read_confirmation(data, _asked_in(data)),
    "bridge-release": read_release,
}


def _asked_in(data: bytes) -> str:
    raw = only(lambda: read_json(data), JsonFault)
    asked = raw.get("asked") if isinstance(raw, dict) else None
    return asked if isinstance(asked, str) else _ASKED


def _run(data: bytes) -> None:
    raw = only(lambda: read_json(data), JsonFault)
    for name, reader in _READERS.items():
        read = only(lambda reader=reader: reader(data), BridgeFault)  # type: ignore[misc]
        if not (name == "bridge-ask" and _a_request_twice(raw)):
            agree((name,), raw, taken=read is not None)


def _a_request_twice(raw: object) -> bool:
    """What no schema sees."""
    requests = raw.get("requests") if isinstance(raw, dict) else None
    if not isinstance(requests, list):
        return False
    ids = [str(request.get("id")) for request in requests if isinstance(request, dict)]
    return len(set(ids)) < len(ids)


_CASE = Case(_ID, "fukushi", "number-act-9-1", "R8-1", "a", "b", NOW)
_ASK = write_ask(Ask(_CASE, (Request(_ID, "24727059608", _ASKED),)), NOW)
TARGET = Target(
    "bridge",
    _run,
    (
        _ASK,
        _ASK.replace(b'"key"', b'"key":"","key"'),
        write_answer(_ASKED, [(_ID, "AAAA")], NOW),
        write_confirmation(_ASKED, [(_ID, "B110")], NOW),
        write_release(Release("B100", "123456789018")),
    ),
)

"""JSON text: what was read is written canonically and read back the same."""

from jukinet_daemon.wire.text import JsonFault, canonical, notice_id_in, read_json

from .schema import has_surrogate
from .target import Target, only


def _run(data: bytes) -> None:
    value = only(lambda: read_json(data), JsonFault)
    marked = only(lambda: read_json(data, marked=True), JsonFault)
    notice_id_in(marked)
    canonical(marked)
    text = canonical(value)
    if not has_surrogate(value):
        assert read_json(text) == value


TARGET = Target(
    "json",
    _run,
    (
        b'{"a":[1,-2,true,null,"\\ud842\\udfb7"]}',
        b'{"a":1,"a":2}',
        b"[NaN, Infinity, 1.5, 1e9]",
        b"9" * 5000,
        b"[" * 100_000,
        b'"\\ud842"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b'{"id":"0b7e5a9c-3a0e-4a51-9d0c-5c7b0e7c1f11"}',
    ),
)

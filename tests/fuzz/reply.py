"""返信: a reply is read as its schema says."""

from jukinet_daemon.wire.reply import (
    ReplyFault,
    ReplyHead,
    read_reply,
    write_answer,
    write_refusal,
    write_reply,
)
from jukinet_daemon.wire.text import JsonFault, read_json

from .schema import agree
from .target import Target, only

NOW = "2026-11-23T09:00:00.000+09:00"
_HEAD = ReplyHead("juki", "401307", 7, "W4jVtVYAUKzv2MhLWeB0UQmPy4gpuOAZwHw0ehcOXG8", ((3, 5),))


def _run(data: bytes) -> None:
    read = only(lambda: read_reply(data), ReplyFault)
    raw = only(lambda: read_json(data), JsonFault)
    agree(("reply",), raw, taken=read is not None)


_ANSWER = write_answer(
    {"outcome": "ACCEPTED", "code": "A100", "remarks": [{"code": "W600", "field": "area"}]}
)
TARGET = Target(
    "reply", _run, (write_reply(_HEAD, [_ANSWER], [0], NOW), write_refusal(_HEAD, "P402", "sender", NOW))
)

"""返信: a reply is read as its schema says."""

from jukinet_daemon.store.comparison import counts_in
from jukinet_daemon.wire.envelope import from_base64url
from jukinet_daemon.wire.reply import (
    ReplyFault,
    ReplyHead,
    leaf_in,
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


def _kept(data: bytes) -> None:
    """What another login may have left of an answer, or of the counts of a day."""
    text = data.decode("utf-8", "replace")
    leaf = leaf_in(text)
    assert leaf is None or len(from_base64url(leaf)) == 32
    for counts in counts_in(text).values():
        assert counts.keys() == {"accepted", "held", "refused"}


_ANSWER = write_answer(
    {"outcome": "ACCEPTED", "code": "A100", "remarks": [{"code": "W600", "field": "area"}]}
)
TARGET = Target(
    "reply", _run, (write_reply(_HEAD, [_ANSWER], [0], NOW), write_refusal(_HEAD, "P402", "sender", NOW))
)
_COUNTS = b'{"entry":{"accepted":1,"held":0,"refused":0}}'
KEPT_ANSWER = Target(
    "kept-answer",
    _kept,
    (
        write_answer({"outcome": "ACCEPTED", "code": "A100", "leaf": "A" * 43}).encode(),
        write_answer({"outcome": "ACCEPTED", "code": "A100", "leaf": "A"}).encode(),
        _COUNTS,
        _COUNTS.replace(b"1", b"true"),
        _COUNTS.replace(b'"entry"', b'"x"'),
        b"[1]",
        b"[" * 100_000,
        b"9" * 5000,
    ),
)

"""Every parser under bytes that nobody sound would send; the same targets as `make fuzz`, without atheris."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import notice
from fuzz.target import Target, only
from fuzz.targets import TARGETS
from jukinet_daemon.wire import notice as reader
from jukinet_daemon.wire.text import JsonFault

EXAMPLES = 300
# Pieces that parsers have stumbled over.
TOKENS = tuple(
    token if isinstance(token, bytes) else token.encode()
    for token in (
        *(b"", b"\x00", b"\xff", b"\xed\xa0\x80", b'"', b"{", b"[", b"]", b"}", b":", b",", b"null", b"true"),
        *(b"0", b"-1", b"1e5", b"NaN", b"9" * 30, b"\\ud842", b"\\u0000", b"\n", b"\r\n", b".", b"="),
        *(b'"person":{}', b'"kind":', b"\x80\x80", b"\x81\xfe\xff\xff", b"\x01\x80", b"\x04\x82\x7f\xff"),
        *("４", "\u202e", "\u200b", "\ufeff", "髙", "か゚", "\U000e0100", "\uac00"),
    )
)


@st.composite
def _changed(draw: st.DrawFn, corpus: tuple[bytes, ...]) -> bytes:
    """A sound example in which a few stretches were replaced."""
    data = draw(st.sampled_from(corpus))
    dice = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(dice.choice((1, 1, 2, 5))):
        place, size = dice.randrange(len(data) + 1), dice.choice((0, 1, 1, 2, 8, 40))
        data = data[:place] + dice.choice(TOKENS) + data[place + size :]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_only_documented_faults_escape(name: str) -> None:
    target = TARGETS[name]
    for example in target.corpus:
        target.run(example)

    @given(st.one_of(_changed(target.corpus), st.binary(max_size=200)))
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def run(data: bytes) -> None:
        target.run(data)

    run()


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> Target:
    """The reader of notices as it would be with a check less: full-width digits of an area pass."""
    read = reader.read_notice

    def without(register: str, raw: Any) -> Any:
        if isinstance(raw, dict) and "４" in str(raw.get("area")):
            raw = raw | {"area": "401315"}
        return read(register, raw)

    monkeypatch.setattr(reader, "read_notice", without)
    return notice.TARGET


def test_a_reader_with_a_check_less_is_found(lenient: Target) -> None:
    full_width = next(example for example in lenient.corpus if "４".encode() in example)
    with pytest.raises(AssertionError, match="disagree"):
        lenient.run(full_width)


def test_a_message_that_repeats_what_came_is_found() -> None:
    def tells() -> None:
        raise JsonFault("not JSON: 髙島")

    with pytest.raises(AssertionError, match="repeats"):
        only(tells, JsonFault)

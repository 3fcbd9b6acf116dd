"""Our canonical JSON is RFC 8785, by the measure of an implementation that is not ours."""

import json
from typing import Any

import rfc8785
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jukinet_daemon.wire.text import MAX_DEPTH, canonical, read_json
from support.notices import departure, fuhyo_change, juki_change

# What we write: ASCII names, any text without lone surrogates, whole numbers within 2**53, true, false, null.
NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=15,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(VALUES)
@settings(deadline=None, max_examples=300)
def test_canonical_is_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
@settings(deadline=None, max_examples=100)
def test_what_is_written_is_read_back(value: Any) -> None:
    assume(depth(value) <= MAX_DEPTH)
    assert read_json(canonical(value)) == value


def test_our_own_notices_are_canonical_however_they_were_written() -> None:
    for raw in (juki_change(), fuhyo_change(), departure()):
        spaced = json.dumps(dict(reversed(raw.items())), indent=2, ensure_ascii=True).encode()
        assert canonical(read_json(spaced)) == canonical(raw) == rfc8785.dumps(raw)

"""Every text that is allowed comes out of the wire as it went in, code point by code point."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jukinet_daemon.domain.notice import ChangeNotice
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.text import canonical, read_json
from support.notices import juki_change

COMPATIBILITY = [chr(code) for code in range(0xF900, 0xFAFF + 1)]
SUPPLEMENT = [chr(code) for code in range(0x2F800, 0x2FA1F + 1)]
VARIATIONS = [f"{base}{chr(0xE0100 + n)}" for base in "葛辺邉神祇" for n in range(32)]
# Hangul syllables and the signs of a failed conversion are refused as names: see unit/test_notice_wire.py.
PLAIN = st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Mn", "Mc", "Zs", "Co"]).filter(
    lambda char: not "\uac00" <= char <= "\ud7ff" and char not in "\ufffc\ufffd"
)
PIECES = st.one_of(
    st.sampled_from(COMPATIBILITY),
    st.sampled_from(SUPPLEMENT),
    st.sampled_from(VARIATIONS),
    st.sampled_from(
        ["か\u3099", "が", "ﾊﾟ", "①", "Å", "A\u030a", "ﬁ", "\U0002000b", "\U00031350", "\ue000", "\\", '"']
    ),
    PLAIN,
)
NAMES = st.lists(PIECES, min_size=1, max_size=40).map("".join)


def over_the_wire(name: str) -> str | None:
    raw = juki_change(person={"name": name, "address": name})
    notice = read_notice("juki", read_json(canonical(raw)))
    assert isinstance(notice, ChangeNotice)
    assert notice.person.address == name
    return notice.person.name


@given(NAMES)
@example("".join(COMPATIBILITY[:200]))
@example("".join(SUPPLEMENT[:200]))
@example("葛\U000e0100城 か\u3099")
@settings(deadline=None, max_examples=200)
def test_a_name_survives_to_the_code_point(name: str) -> None:
    assert over_the_wire(name) == name


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_text_in_any_normal_form_stays_in_it(form: str) -> None:
    text = unicodedata.normalize(form, "ガ が Å 髙 﨑" + "".join(COMPATIBILITY[:150]))  # type: ignore[arg-type]
    assert over_the_wire(text) == text


def test_every_compatibility_ideograph_is_kept_though_nfc_would_change_it() -> None:
    changed = [c for c in COMPATIBILITY + SUPPLEMENT if unicodedata.normalize("NFC", c) != c]
    assert len(changed) == 460 + 542
    assert [c for c in changed if over_the_wire(c) != c] == []

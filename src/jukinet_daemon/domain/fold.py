"""あいまい検索: the key a name is searched by (標準仕様書 2.1.2). Stored text is never folded.

What is folded away: the width of characters, hiragana or katakana, small or large kana, 濁点 and 半濁点,
長音 and the dashes written for it, spaces, upper or lower case, variation selectors, compatibility forms;
and オ段 + ウ is オ段 + オ. So コウ meets コオ, and コー meets コ, but オオノ stays apart from オノ. Two texts
of one key may still be two names: whoever provides a record compares what is stored.
"""

import re
from collections.abc import Mapping
from unicodedata import normalize

# 異体字, by code point, and the form each is searched as.
Variants = Mapping[int, str]

# As many code points as a name may have characters: marks make a name longer, compatibility forms unfold to
# many times their length, and a key must fit into an index.
LONGEST_KEY = 200

_KATAKANA_OF = {code: code + 0x60 for code in (*range(0x3041, 0x3097), 0x309D)}
_ALIKE = str.maketrans(
    "ァィゥェォヵㇰヶㇱㇲッㇳㇴㇵㇶㇷㇸㇹㇺャュョㇻㇼㇽㇾㇿヮワヲ",
    "アイウエオカクケシスツトヌハヒフヘホムヤユヨラリルレロハハオ",
)
# One pass for both: to katakana, and what is alike in katakana.
_PLAIN_KANA = _ALIKE | {code: _ALIKE.get(kana, kana) for code, kana in _KATAKANA_OF.items()}
_IGNORED = re.compile("[\\s\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef\\-‐‑‒–—―−─ー]+")
# After decomposition 濁点 is a character of its own. Where taking it off would not do:
_VOICED = {
    "ウ\u3099ア": "ハ",
    "ウ\u3099イ": "ヒ",
    "ウ\u3099エ": "ヘ",
    "ウ\u3099オ": "ホ",
    "ウ\u3099ヤ": "ヒヤ",
    "ウ\u3099ユ": "ヒユ",
    "ウ\u3099ヨ": "ヒヨ",
    "ウ\u3099": "フ",
    "チ\u3099": "シ",
    "ツ\u3099": "ス",
    "\u3099": "",
}
_VOICING = re.compile("|".join(_VOICED))
_LONG_O = re.compile("(?<=[オコソトノホモヨロ])ウ+")


def fold_kana(text: str) -> str:
    """The search key of a 振り仮名. Folding a key again changes nothing."""
    return fold_name(text, {})


def fold_name(text: str, variants: Variants) -> str:
    """The search key of a name in any script: as of kana, and each 異体字 as the form it is a variant of."""
    plain = _IGNORED.sub("", normalize("NFKD", text))
    if variants:
        plain = plain.translate(variants)
    plain = normalize("NFKD", plain.casefold()).translate(_PLAIN_KANA)
    # Every notice passes here, and most names have neither: to look is much cheaper than to substitute.
    if "\u3099" in plain:
        plain = _VOICING.sub(lambda voiced: _VOICED[voiced[0]], plain)
    if "ウ" in plain:
        plain = _LONG_O.sub(lambda long: "オ" * len(long[0]), plain)
    return plain[:LONGEST_KEY]

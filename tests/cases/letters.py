"""文字の事例: characters in names and addresses that nobody sees, and lawful ones that stay."""

from cases.case import NOTHING, coded, numbered

# Each stands in the middle of an item. The items differ only in their length.
_ITEMS = ("name", "address", "name_kana", "former_family_name", "alias")
_UNSEEN = (
    ("NUL", "\0"),
    ("tab", "\t"),
    ("line feed", "\n"),
    ("escape", "\x1b"),
    ("delete", "\x7f"),
    ("next line (U+0085)", "\x85"),
    ("soft hyphen (U+00AD)", "\u00ad"),
    ("combining grapheme joiner (U+034F)", "\u034f"),
    ("Arabic letter mark (U+061C)", "\u061c"),
    ("Hangul filler, leading (U+115F)", "\u115f"),
    ("Khmer vowel inherent (U+17B4)", "\u17b4"),
    ("Mongolian variation selector (U+180B)", "\u180b"),
    ("Mongolian vowel separator (U+180E)", "\u180e"),
    ("zero-width space (U+200B)", "\u200b"),
    ("zero-width non-joiner (U+200C)", "\u200c"),
    ("zero-width joiner (U+200D)", "\u200d"),
    ("left-to-right mark (U+200E)", "\u200e"),
    ("right-to-left mark (U+200F)", "\u200f"),
    ("line separator (U+2028)", "\u2028"),
    ("paragraph separator (U+2029)", "\u2029"),
    ("left-to-right embedding (U+202A)", "\u202a"),
    ("right-to-left embedding (U+202B)", "\u202b"),
    ("pop directional formatting (U+202C)", "\u202c"),
    ("left-to-right override (U+202D)", "\u202d"),
    ("right-to-left override (U+202E)", "\u202e"),
    ("word joiner (U+2060)", "\u2060"),
    ("invisible times (U+2062)", "\u2062"),
    ("left-to-right isolate (U+2066)", "\u2066"),
    ("right-to-left isolate (U+2067)", "\u2067"),
    ("first strong isolate (U+2068)", "\u2068"),
    ("pop directional isolate (U+2069)", "\u2069"),
    ("Hangul filler (U+3164)", "\u3164"),
    ("Hangul syllable, as J+ looks unconverted (U+AD00)", "\uad00"),
    ("noncharacter (U+FDD0)", "\ufdd0"),
    ("byte order mark (U+FEFF)", "\ufeff"),
    ("half-width Hangul filler (U+FFA0)", "\uffa0"),
    ("interlinear annotation (U+FFF9)", "\ufff9"),
    ("sign of a failed conversion (U+FFFD)", "\ufffd"),
    ("noncharacter (U+FFFF)", "\uffff"),
    ("shorthand format control (U+1BCA0)", "\U0001bca0"),
    ("musical format control (U+1D173)", "\U0001d173"),
    ("noncharacter (U+1FFFE)", "\U0001fffe"),
    ("tag (U+E0041)", "\U000e0041"),
    ("unassigned and unseen (U+E0080)", "\U000e0080"),
    ("unassigned and unseen (U+E0FFF)", "\U000e0fff"),
    ("lone high surrogate", "\ud842"),
    ("lone low surrogate", "\udfb7"),
)
_SEEN = (
    ("wide space (U+3000)", "\u3000"),
    ("variation selector 17 (U+E0100)", "\U000e0100"),
    ("variation selector 1 (U+FE00)", "\ufe00"),
    ("private use, a 外字 (U+E000)", "\ue000"),
    ("beyond the first plane, 𠮷 (U+20BB7)", "\U00020bb7"),
    ("compatibility ideograph (U+FA19)", "\ufa19"),
    ("combining voiced mark (U+3099)", "か\u3099"),
    ("half-width kana (U+FF71)", "\uff71"),
    ("Hebrew letter, which runs to the left (U+05D0)", "\u05d0"),
)

# What is sent: the item and its text.
LETTERS = numbered(
    "C",
    (
        (name, (item, f"髙島{letter}太郎"), coded("R300", f"person.{item}"), "notices_refused R300")
        for (name, letter), item in zip(_UNSEEN, _ITEMS * len(_UNSEEN), strict=False)
    ),
)
LAWFUL = numbered("K", ((name, ("name", f"髙島{letter}太郎"), "A100", NOTHING) for name, letter in _SEEN))

"""氏名と年月日: keys of names and words of dates, for whatever text a record may hold."""

from jukinet_daemon.domain.dates import Era, date_range, is_date_text
from jukinet_daemon.domain.fold import LONGEST_KEY, fold_kana, fold_name
from jukinet_daemon.domain.wareki import date_words, era_fits

from .target import Target


def _fold(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    key = fold_kana(text)
    assert len(key) <= LONGEST_KEY
    if len(key) < LONGEST_KEY:
        assert fold_kana(key) == key
    assert len(fold_name(text, {0x9AD9: "高"})) <= LONGEST_KEY


def _dates(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    if not is_date_text(text):
        return
    days = date_range(text)
    assert days is None or days[0] <= days[1]
    for era in (None, *Era):
        assert date_words(text, era)
        if era:
            era_fits(era, text)


NAMES = Target(
    "names",
    _fold,
    tuple(
        text.encode()
        for text in ("タカシマ タロウ", "コウノ ゔぁ", "神󠄀葛󠄁城𠮷野か゚", "ﾀﾞｯﾌﾟ", "㍿ﷺ", "ウゥ゙ーオウウ")
    ),
)
DATES = Target(
    "dates",
    _dates,
    (b"20261101", b"00000000", b"2026A4A3", b"19120730", b"99991231", b"00010000", b"19990229", b"0000A1A1"),
)

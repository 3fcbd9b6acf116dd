"""Search keys: spellings of one name meet (標準仕様書 2.1.2), different names mostly do not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jukinet_daemon.domain.fold import LONGEST_KEY, fold_kana, fold_name
from jukinet_daemon.schemas import read_variants, schemas_folder

VARIANTS = read_variants()
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


def name_key(text: str) -> str:
    return fold_name(text, VARIANTS)


@pytest.mark.parametrize(
    "spellings",
    [
        # 清音、濁音、半濁音: the standard's examples.
        ("ヂ", "ジ", "シ"),
        ("ヅ", "ズ", "ス"),
        ("ワ", "ハ"),
        ("ヴァ", "バ", "ハ"),
        ("ヴィ", "ビ"),
        ("ヴ", "ブ"),
        ("オ", "ヲ"),
        ("ヒ", "ピ", "ビ"),
        ("ヴェルディ", "ベルデイ"),
        ("レヴュー", "レビュー", "レビユ"),
        ("ハセガワ", "ハセカワ", "ﾊｾｶﾞﾜ", "ハセカ\u3099ワ", "ハセカ゛ワ"),
        # 拗音、促音の小文字と大文字.
        ("キッカワ", "キツカワ"),
        ("ジュンジ", "ジユンジ"),
        ("シャ", "シヤ"),
        ("リョウ", "リヨウ"),
        # オ段 + ウ.
        ("コウイチ", "コオイチ"),
        ("リョウ", "リョオ"),
        ("ゴウ", "コオ"),
        ("コウウ", "コオオ"),
        # 長音 and the dashes written for it.
        ("ローラ", "ロ―ラ", "ロ－ラ", "ロ‐ラ", "ﾛｰﾗ", "ﾛ-ﾗ", "ロラ"),
        # Spaces, width, script, case.
        ("タカシマ タロウ", "タカシマ\u3000タロウ", "ﾀｶｼﾏ ﾀﾛｳ", "たかしまたろう"),
        ("Maria SANTOS", "ＭＡＲＩＡ　Ｓａｎｔｏｓ", "mariasantos"),
    ],
)
def test_spellings_of_one_reading_meet(spellings: tuple[str, ...]) -> None:
    assert {fold_kana(spelling) for spelling in spellings} == {fold_kana(spellings[0])}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("オオノ", "オノ"),
        ("チバ", "シバ"),
        ("ツズキ", "スズキ"),
        ("ウエダ", "オエダ"),
        ("アウ", "アオ"),
        ("タロウ", "ジロウ"),
    ],
)
def test_different_readings_stay_apart(one: str, other: str) -> None:
    assert fold_kana(one) != fold_kana(other)


def test_a_key_is_plain_kana() -> None:
    assert fold_kana("ﾀﾞｻﾞｲ ｼｭｳｼﾞ") == "タサイシユウシ"
    assert fold_kana("ショウヘイ") == "シヨオヘイ"


@pytest.mark.parametrize(
    "spellings",
    [
        ("辺", "邊", "边", "邉", "𨘢", "邉\U000e0101"),
        ("浜", "濱", "濵", "滨"),
        ("藤", "䕨", "籘", "籐"),
        ("斉藤", "斎藤", "齊藤", "齋藤"),
        ("髙島", "高嶋", "高嶌"),
        ("宮﨑", "宮崎", "宮嵜"),
        ("𠮷田", "吉田"),
        ("櫻井 廣國", "桜井\u3000広国"),
        ("澤", "沢"),
        ("神", "\ufa19"),
        ("諸岡", "\ufa22岡"),
        ("\U0002f804", "\u4f60"),
        ("葛\U000e0100城", "葛\ufe00城", "葛城"),
        ("関ヶ原", "關ケ原"),
        ("シヨウ子", "ショウ子", "しょう子"),
        ("ﾏﾘｱ Santos", "マリア SANTOS"),
    ],
)
def test_forms_of_one_name_meet(spellings: tuple[str, ...]) -> None:
    assert {name_key(spelling) for spelling in spellings} == {name_key(spellings[0])}


def test_other_kanji_stay_as_they_are() -> None:
    assert name_key("葛城 神祇\ue000〓") == "葛城神祇\ue000〓"
    assert name_key("一ノ瀬") == "一ノ瀬"


def test_a_key_fits_an_index_however_far_its_text_unfolds() -> None:
    assert len(name_key("\ufdfa" * LONGEST_KEY)) == LONGEST_KEY


@given(TEXTS)
def test_a_key_is_its_own_key(text: str) -> None:
    for fold in (fold_kana, name_key):
        assert fold(fold(text)) == fold(text)


@given(TEXTS)
def test_the_normal_form_of_a_text_does_not_matter(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert name_key(unicodedata.normalize(form, text)) == name_key(text)


def test_the_table_of_variants_is_sound() -> None:
    """Each character stands once, on one side, and in the form in which folding looks it up."""
    _, *lines = (schemas_folder() / "codes" / "name_variants.csv").read_text("utf-8").splitlines()
    characters = "".join(lines).replace(",", "")
    assert len(set(characters)) == len(characters)
    assert unicodedata.normalize("NFKD", characters) == characters
    assert [line for line in lines if line[1] != "," or len(line) < 3] == []
    assert lines == sorted(lines)

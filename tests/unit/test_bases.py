"""The list of legal bases: whole, cited, without doubles, and as the statutes have it."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from jukinet_daemon.domain.bases import EXECUTIVE, Bases, BasisFault, LegalBasis, Organ, Term, Use
from jukinet_daemon.domain.offices import OfficeAffair, Offices
from jukinet_daemon.schemas import read_bases, read_number_bases, read_offices

ROOT = Path(__file__).parents[2]
BASES = read_bases()
NUMBERS = {number.code: number for number in read_number_bases()}
TODAY = date(2026, 11, 24)
GOVERNOR, EDUCATION = frozenset({Organ.GOVERNOR}), frozenset({Organ.EDUCATION})
HEAD = (
    "code,table,row,use,organs,requester,affair,number_bases,juki_article,fuhyo_article,"
    "valid_from,valid_to,citation\n"
)


def _basis(code: str) -> LegalBasis:
    basis = BASES.find(code, TODAY)
    assert basis
    return basis


def test_every_row_of_the_statutes_tables_is_there() -> None:
    """法別表第五 103 items, 別表第六 7 rows, 準法定事務省令 12 and 4, two items of 法30条の15第1項."""
    counted = Counter(basis.code.partition("-")[0] for basis in BASES.all)
    assert counted == {"J5": 103, "J6": 7, "Q2": 12, "Q3": 4, "J15": 2}
    assert sum(code.startswith("N-") for code in NUMBERS) == 220
    assert set(NUMBERS) >= {"N9-1", "N9-2"}


def test_every_row_has_words_and_a_citation_that_no_other_has() -> None:
    said = [(row.code, row.affair, row.citation) for row in BASES.all]
    said += [(row.code, row.affair, row.citation) for row in NUMBERS.values()]
    for code, affair, citation in said:
        assert affair, code
        assert citation.startswith(("法30条の", "番号法9条")), code
    assert [cited for cited, times in Counter(row[2] for row in said).items() if times > 1] == []
    assert len({code for code, _, _ in said}) == len(said) == 350


def test_every_basis_holds_for_both_registers_under_its_own_article() -> None:
    for basis in BASES.all:
        assert basis.articles["juki"].startswith("法30条の15")
        assert basis.articles["fuhyo"].startswith(("法30条の44の6第", "法30条の44の7第"))
        assert (basis.use is Use.PROVISION) == (Organ.GOVERNOR not in basis.organs)


# Read in the statutes by a person: the organ, the first words of the affair, the 番号法 rows that go with it.
BY_HAND = [
    ("J5-1", GOVERNOR, "武力攻撃事態等における国民の保護", ("N-115-3", "N-115-4", "N-115-5")),
    ("J5-1-2", GOVERNOR, "武力攻撃事態等における国民の保護", ("N-115-2",)),
    ("J5-1-5", GOVERNOR, "災害救助法による同法第二条第一項若しくは第二項の救助", ("N-6",)),
    ("J5-2", GOVERNOR, "労働金庫法による", ()),
    ("J5-4-3", GOVERNOR, "地方税法その他の地方税に関する法律", ("N-24",)),
    ("J5-6", GOVERNOR, "旅券法による同法第三条第一項の申請", ()),
    ("J5-6-7", GOVERNOR, "難病の患者に対する医療等に関する法律による", ("N-131",)),
    ("J5-7-2", GOVERNOR, "原子爆弾被爆者に対する援護に関する法律による同法第十条", ("N-97",)),
    ("J5-8-4", GOVERNOR, "児童福祉法による同法第二十二条第一項の助産施設", ("N-10",)),
    ("J5-9-6", GOVERNOR, "社会福祉士及び介護福祉士法による", ()),
    ("J5-9-8", GOVERNOR, "精神保健及び精神障害者福祉に関する法律", ("N-22",)),
    ("J5-10-9", GOVERNOR, "戦没者等の遺族に対する特別弔慰金支給法", ("N-68",)),
    ("J5-24", GOVERNOR, "宅地建物取引業法による", ("N-32-3",)),
    ("J5-27-12", GOVERNOR, "河川法による同法第七十五条第一項の命令", ()),
    ("J5-34", GOVERNOR, "福島復興再生特別措置法による同法第四十九条", ()),
    ("J6-1", EXECUTIVE, "公的給付の支給等の迅速かつ確実な実施", ("N-135",)),
    ("J6-1-2", frozenset({Organ.AUDIT}), "地方自治法による同法第二百四十二条第一項", ()),
    ("J6-4", EDUCATION, "教育職員免許法による同法第八条第一項", ("N-19-4",)),
    ("J6-6", EXECUTIVE, "児童手当法による同法第十七条第一項", ("N-81",)),
    ("Q2-5-2", GOVERNOR, "「水俣病総合対策費補助金交付要綱」に基づく", ("N9-1",)),
    ("Q3-2", EDUCATION, "高等学校等修学支援事業費補助金（奨学のための給付金）", ("N9-1",)),
    ("J15-3", GOVERNOR, "本人確認情報の利用につき", ()),
]


@pytest.mark.parametrize(("code", "organs", "words", "numbers"), BY_HAND, ids=[row[0] for row in BY_HAND])
def test_rows_are_as_a_person_read_them(
    code: str, organs: frozenset[Organ], words: str, numbers: tuple[str, ...]
) -> None:
    basis = _basis(code)
    assert (basis.organs, basis.number_bases) == (organs, numbers)
    assert basis.affair.startswith(words)


def test_a_number_goes_only_with_the_same_act() -> None:
    """Every pair but that of 準法定事務 is of one Act: its name stands in both affairs."""
    pairs = [(basis, NUMBERS[code]) for basis in BASES.all for code in basis.number_bases]
    assert len(pairs) > 80
    for basis, number in pairs:
        if number.code != "N9-1":
            assert basis.affair[:3] == number.affair[:3], basis.code


def test_items_of_a_list_are_run_on_whole() -> None:
    affair = _basis("Q2-1").affair
    assert affair.endswith("生存の事実又は氏名若しくは住所の変更の事実の確認")
    assert affair.index("イ　") < affair.index("チ　")


def test_a_code_that_is_not_listed_is_no_basis() -> None:
    assert BASES.find("J5-999", TODAY) is None
    assert BASES.find("", TODAY) is None
    assert BASES.listed("J7-1") is None


def test_a_basis_holds_from_its_first_day_to_its_last() -> None:
    term = Term(date(2026, 4, 1), date(2027, 3, 31))
    bases = Bases([replace(_basis("J5-6"), term=term)], [])
    days = ["2026-03-31", "2026-04-01", "2027-03-31", "2027-04-01"]
    found = [bases.find("J5-6", date.fromisoformat(day)) is not None for day in days]
    assert found == [False, True, True, False]


def test_a_number_basis_that_has_ended_goes_with_nothing() -> None:
    basis = _basis("J5-1-5")
    ended = replace(NUMBERS["N-6"], term=Term(date(2015, 10, 5), date(2026, 11, 23)))
    bases = Bases([basis], [ended])
    assert bases.numbers_of(basis, date(2026, 11, 23)) == (ended,)
    assert bases.numbers_of(basis, TODAY) == ()


def test_a_list_with_a_double_or_a_gap_is_refused() -> None:
    basis = _basis("J5-1-5")
    with pytest.raises(BasisFault, match="J5-1-5: stands twice"):
        Bases([basis, basis], NUMBERS.values())
    with pytest.raises(BasisFault, match="N-6 is not in the list"):
        Bases([basis], [])


def test_nobody_outside_the_prefecture_is_given_a_number() -> None:
    """法30条の13: 個人番号 is taken out of what an ordinance may give."""
    basis = replace(_basis("J5-1-5"), organs=frozenset({Organ.MUNICIPALITY}))
    with pytest.raises(BasisFault, match="法30条の13"):
        Bases([basis], NUMBERS.values())


def _file(folder: Path, *rows: str) -> Path:
    path = folder / "bases.csv"
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows), "utf-8")
    return path


def test_a_prefecture_adds_its_ordinances(tmp_path: Path) -> None:
    table = _file(
        tmp_path,
        "P-1,県条例,1,use,governor,都道府県知事,奨学金の貸与,N9-2,法30条の15第1項2号,,2026-04-01,,県条例別表1",
        "P-2,県条例,2,provision,municipality,市町村,一覧,,法30条の13第1項,,2026-04-01,2027-03-31,県条例別表2",
    )
    bases = read_bases(table)
    assert len(bases.all) == len(BASES.all) + 2
    own = bases.find("P-1", TODAY)
    assert own
    assert own.articles == {"juki": "法30条の15第1項2号"}
    assert [number.citation for number in bases.numbers_of(own, TODAY)] == ["番号法9条2項"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("J5-6,,,use,governor,,x,,a,,2026-04-01,,c", "J5-6: code: .*a prefecture's own begins with P"),
        ("P-1,,,use,king,,x,,a,,2026-04-01,,c", "line 2: 'king' is not a valid Organ"),
        ("P-1,,,gift,governor,,x,,a,,2026-04-01,,c", "line 2: 'gift' is not a valid Use"),
        ("P-1,,,use,governor,,x,,a,,20260401x,,c", "line 2: Invalid isoformat"),
        ("P-1,,,use,governor,,x,N-999,a,,2026-04-01,,c", "N-999 is not in the list"),
        ("P-1,,,use,governor", "line 2: "),
    ],
)
def test_a_bad_file_of_a_prefecture_is_told_by_line(tmp_path: Path, row: str, told: str) -> None:
    with pytest.raises(BasisFault, match=told):
        read_bases(_file(tmp_path, row))


def test_a_file_without_a_column_is_told(tmp_path: Path) -> None:
    table = tmp_path / "bases.csv"
    table.write_text("code,use\nP-1,use\n", "utf-8")
    with pytest.raises(BasisFault, match=r"organs: .*no such column"):
        read_bases(table)


def test_the_example_of_offices_can_be_used() -> None:
    offices = read_offices(ROOT / "config" / "offices.csv", BASES)
    assert len(offices.all) == 6
    assert offices.knows("zeimu")
    assert not read_offices(None, BASES).all


def test_an_office_may_not_be_registered_for_what_is_not_its_organs() -> None:
    term = Term(date(2026, 6, 14))
    audit = OfficeAffair("kansa", "監査委員事務局", Organ.AUDIT, "x", "県税", "J5-4-3", term)
    with pytest.raises(BasisFault, match="kansa/x: basis: J5-4-3 is not for this organ"):
        Offices([audit], BASES)
    with pytest.raises(BasisFault, match="J9-1 is not in the list"):
        Offices([replace(audit, basis="J9-1")], BASES)
    good = replace(audit, basis="J6-1-2")
    with pytest.raises(BasisFault, match="stands twice"):
        Offices([good, good], BASES)

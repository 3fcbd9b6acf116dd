"""Text is in the file and at the national server byte for byte as it came; a key beside it finds it."""

import json
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import HouseMaker
from jukinet_daemon.domain.dates import date_range
from jukinet_daemon.domain.fold import fold_kana, fold_name
from jukinet_daemon.schemas import read_variants
from support.national import relayed
from support.notices import fuhyo_change, juki_change
from support.world import House, until

VARIANTS = read_variants()
# What a normalisation, a collation, a font or a code conversion on the way would have changed.
COMPATIBILITY = st.integers(0xF900, 0xFAFF).map(chr) | st.integers(0x2F800, 0x2FA1D).map(chr)
SEQUENCES = st.builds(
    lambda base, number: base + chr(number), st.sampled_from("葛辺邉神祇辻"), st.integers(0xE0100, 0xE010F)
)
ASTRAL = st.sampled_from("𠮷𠮟𡈽𨘢𩸽\U0002000b\U00031350")
OLD_FORMS = st.sampled_from([chr(code) for code in VARIANTS])
KANA = st.sampled_from(["か\u3099", "が", "ﾊﾟ", "ハ\u309a", "ｱ", "ヴ", "ー", "ｰ", "ゐ", "ヶ"])
LATIN = st.text("azAZ09 -'.,\\\"%_", min_size=1, max_size=4)
GAIJI = st.integers(0xE000, 0xF8FF).map(chr) | st.integers(0xF0000, 0xF00FF).map(chr)
SPACES = st.sampled_from(" \u3000\u00a0\u2003")
PIECES = st.one_of(COMPATIBILITY, SEQUENCES, ASTRAL, OLD_FORMS, KANA, LATIN, GAIJI, SPACES)
# An old form at the end, so that every key differs from its text.
NAMES = st.builds(lambda pieces, old: "".join(pieces) + old, st.lists(PIECES, max_size=20), OLD_FORMS)
PARCELS = st.lists(
    st.tuples(NAMES, st.lists(PIECES, min_size=1, max_size=20).map("".join)), min_size=10, max_size=40
)

NOTICE = {"juki": juki_change, "fuhyo": fuhyo_change}
FIND = {
    "name": "SELECT notice_id::text AS id FROM history WHERE search_name = $1",
    "beginning": "SELECT notice_id::text AS id FROM history WHERE starts_with(search_name, $1)",
    "kana": "SELECT notice_id::text AS id FROM history WHERE search_kana = $1",
    "former_name": "SELECT notice_id::text AS id FROM history WHERE search_former_name = $1",
    "former_kana": "SELECT notice_id::text AS id FROM history WHERE search_former_kana = $1",
    "alias": "SELECT notice_id::text AS id FROM history WHERE search_alias = $1",
}
_STORED = """
SELECT notice_id::text AS id, convert_to(name, 'UTF8') AS name, convert_to(address, 'UTF8') AS address,
    search_name, search_kana
FROM history
"""


@pytest.fixture(params=["juki", "fuhyo"])
async def house(request: pytest.FixtureRequest, open_house: HouseMaker) -> House:
    opened: House = await open_house(request.param)
    return opened


async def tell(house: House, notices: list[dict[str, Any]]) -> None:
    async with house.line() as line:
        answers = await line.tell(*notices)
    assert {answer.code for answer in answers} == {"A100"}
    await until(lambda: relayed(house))


async def found(house: House, by: str, key: str) -> set[str]:
    return {row["id"] for row in await house.rows(FIND[by], key)}


def journal_lines(house: House) -> dict[str, bytes]:
    """The lines of the national server's journal, unread, by notice."""
    lines = house.national_journal.read_bytes().splitlines()
    return {json.loads(line)["record"]["id"]: line for line in lines}


def quoted(field: str, text: str) -> bytes:
    """A field as it must stand in a line."""
    return f'"{field}":{json.dumps(text, ensure_ascii=False)}'.encode()


@given(parcel=PARCELS)
@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_text_arrives_byte_for_byte(house: House, parcel: list[tuple[str, str]]) -> None:
    make = NOTICE[house.register]
    notices = {
        notice["id"]: notice
        for name, address in parcel
        for notice in [make(person={"name": name, "address": address})]
    }
    await tell(house, list(notices.values()))
    rows = {row["id"]: row for row in await house.rows(_STORED)}
    lines = journal_lines(house)
    keys = {name: fold_name(normalize("NFKC", name), VARIANTS) for name, _ in parcel}
    for notice_id, notice in notices.items():
        person, row, line = notice["person"], rows[notice_id], lines[notice_id]
        name, address = person["name"], person["address"]
        assert (row["name"], row["address"]) == (name.encode(), address.encode())
        assert quoted("name", name) in line
        assert quoted("address", address) in line
        assert row["search_name"] == keys[name] != name
        assert row["search_kana"] == fold_kana(person["name_kana"])
    sample = next(iter(notices.values()))
    assert sample["id"] in await found(house, "name", keys[sample["person"]["name"]])


@pytest.mark.parametrize(
    ("by", "asked"),
    [
        ("name", "渡辺 斉"),
        ("beginning", "渡邉"),
        ("kana", "ワタナベ ヒトシ"),
        ("kana", "ﾜﾀﾅﾍﾞﾋﾄｼ"),
        ("former_name", "広沢"),
        ("former_kana", "ヒロサハ"),
        ("alias", "MARIA 桜"),
    ],
)
async def test_every_name_finds_its_record_by_another_spelling(
    open_house: HouseMaker, by: str, asked: str
) -> None:
    house = await open_house("juki")
    japanese = juki_change(
        person={
            "name": "渡邊\U000e0101\u3000齋",
            "name_kana": "わたなべ ひとし",
            "former_family_name": "廣澤",
            "former_family_name_kana": "ヒロサワ",
        }
    )
    foreign = juki_change(
        foreign=True,
        cause="overseas_move_in",
        person={"name": "ＳＡＮＴＯＳ　Maria", "name_kana": ..., "alias": "Ｍａｒｉａ　櫻", "birth_era": ...},
    )
    await tell(house, [japanese, foreign, juki_change()])
    wanted = foreign if by == "alias" else japanese
    assert await found(house, by, fold_name(asked, VARIANTS)) == {wanted["id"]}


async def test_a_name_without_reading_or_birth_year_has_no_key_and_no_range(open_house: HouseMaker) -> None:
    house = await open_house("juki")
    dates = ["00000704", "1950A400", "20230229"]
    notices = [juki_change(person={"name": ..., "name_kana": ..., "date_of_birth": text}) for text in dates]
    await tell(house, notices)
    rows = await house.rows("SELECT * FROM history")
    spans = {row["date_of_birth"]: (row["born_from"], row["born_to"]) for row in rows}
    assert spans == {text: date_range(text) or (None, None) for text in dates}
    assert {row[key] for row in rows for key in ("search_name", "search_kana", "search_alias")} == {None}


async def test_the_count_of_gaiji_arrives(house: House) -> None:
    counted = NOTICE[house.register](person={"name": "〓\ue000", "name_gaiji": 2, "address_gaiji": 99})
    uncounted = NOTICE[house.register]()
    await tell(house, [counted, uncounted])
    rows = await house.rows("SELECT notice_id::text AS id, name_gaiji, address_gaiji FROM history")
    assert {(row["id"], row["name_gaiji"], row["address_gaiji"]) for row in rows} == {
        (counted["id"], 2, 99),
        (uncounted["id"], 0, 0),
    }
    people = {key: json.loads(line)["record"]["person"] for key, line in journal_lines(house).items()}
    assert people == {notice["id"]: notice["person"] for notice in (counted, uncounted)}

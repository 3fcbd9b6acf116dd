"""人口: the people before the day are many kinds of people, where the prefecture has them."""

import json
from collections import Counter
from functools import cache
from importlib import resources
from pathlib import Path

import pytest

from jukinet_daemon.domain.identifiers import is_area_code, is_individual_number, is_resident_code
from jukinet_daemon.domain.notice import ChangeNotice
from jukinet_daemon.sim.people import (
    Population,
    Posted,
    first_load,
    load_municipalities,
    make_population,
)
from jukinet_daemon.sim.people.births import era_of
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.text import canonical, read_json

MUNICIPALITIES = Path(__file__).parents[2] / "schemas" / "codes" / "municipalities.csv"
SIZE = 6000


@cache
def population() -> Population:
    return make_population(MUNICIPALITIES, seed=7, size=SIZE)


@cache
def loaded() -> list[Posted]:
    return first_load(population())


def all_text() -> str:
    return json.dumps([posted.notice for posted in loaded()], ensure_ascii=False)


def people() -> list[dict[str, str]]:
    return [posted.notice["person"] for posted in loaded() if posted.register == "juki"]


def test_has_the_size_asked_for_and_people_elsewhere_besides() -> None:
    assert len(population().residents) == SIZE
    assert len(population().elsewhere) == SIZE * 12 // 100


def test_same_seed_same_bytes_and_another_seed_others() -> None:
    again = first_load(make_population(MUNICIPALITIES, seed=7, size=SIZE))
    other = first_load(make_population(MUNICIPALITIES, seed=8, size=SIZE))

    assert [canonical(p.notice) for p in again] == [canonical(p.notice) for p in loaded()]
    assert [canonical(p.notice) for p in other] != [canonical(p.notice) for p in loaded()]


def test_first_load_has_one_notice_for_each_person_of_each_file() -> None:
    counts = Counter(posted.register for posted in loaded())

    assert counts["juki"] == SIZE
    assert counts["fuhyo"] == sum(1 for _ in population().on_sheets)
    assert len({posted.notice["id"] for posted in loaded()}) == len(loaded())


def test_first_load_is_sound_to_the_reader_of_the_wire() -> None:
    for posted in loaded():
        assert isinstance(read_notice(posted.register, posted.notice), ChangeNotice)


def test_every_municipality_sends_and_the_largest_sends_most() -> None:
    senders = Counter(posted.sender for posted in loaded() if posted.register == "juki")
    expected = {m.code for m in load_municipalities(MUNICIPALITIES) if m.city is None}

    assert set(senders) == expected
    assert len(senders) == 60
    assert [code for code, _ in senders.most_common(2)] == ["401307", "401005"]
    assert 0.25 < senders["401307"] / SIZE < 0.37


def test_wards_are_areas_and_never_senders() -> None:
    areas = {p.notice["area"] for p in loaded() if p.sender == "401307"}

    assert areas == {"401315", "401323", "401331", "401340", "401358", "401366", "401374"}


def test_identifiers_are_unique_and_rightly_ended() -> None:
    everybody = (*population().residents, *population().elsewhere)
    codes = [one.code for one in everybody if one.code]
    numbers = [one.number for one in everybody if one.number]

    assert len(set(codes)) == len(codes)
    assert len(set(numbers)) == len(numbers)
    assert all(map(is_resident_code, codes))
    assert all(map(is_individual_number, numbers))
    assert any(code.startswith("0") for code in codes)
    assert any(number.startswith("0") for number in numbers)


def test_addresses_lie_in_their_areas() -> None:
    for one in people():
        assert is_area_code(one["address_area"])
        assert one["address"].startswith("福岡県")
    assert any("\u3000" in one["address"] for one in people())
    assert any("\u3000" not in one["address"] for one in people())


@pytest.mark.parametrize(
    "character", ["髙", "﨑", "邉", "邊", "德", "栁", "\U00020bb7", "\ufa19", "辻\U000e0100", "葛\U000e0100"]
)
def test_names_have_characters_that_normalisation_would_ruin(character: str) -> None:
    assert character in all_text()


def test_canonical_bytes_keep_every_code_point() -> None:
    for posted in loaded():
        assert read_json(canonical(posted.notice)) == posted.notice


def test_foreign_residents_have_no_reading_and_no_era() -> None:
    foreign = [one for one in population().residents if one.foreign]

    assert 0.01 < len(foreign) / SIZE < 0.035
    assert all(one.name.kana is None and one.era is None and one.sheet is None for one in foreign)
    assert all(one.name.former is None for one in foreign)
    assert any(one.name.text.isascii() for one in foreign)
    assert any(not one.name.text.isascii() for one in foreign)
    assert any(one.name.alias for one in foreign)


def test_japanese_residents_have_a_reading_and_some_a_former_name() -> None:
    japanese = [one for one in population().residents if not one.foreign]

    assert all(one.name.kana and one.era and one.name.alias is None for one in japanese)
    former = [one for one in japanese if one.name.former]
    assert former
    assert all(one.name.former_kana for one in former)


def test_most_japanese_have_their_sheet_here_and_half_of_them_at_home() -> None:
    japanese = [one for one in population().residents if not one.foreign]
    here = [one for one in japanese if one.sheet]

    assert 0.80 < len(here) / len(japanese) < 0.90
    assert 0.45 < sum(one.sheet.area == one.area for one in here if one.sheet) / len(here) < 0.60


def test_some_on_sheets_are_overseas_and_a_few_have_no_code() -> None:
    away = [posted.notice for posted in loaded() if posted.register == "fuhyo"][-SIZE * 12 // 100 :]

    assert any(notice["person"].get("overseas") for notice in away)
    assert any("resident_code" not in notice["person"] for notice in away)
    assert all(notice["record_key"].startswith("F-") for notice in away)


def test_some_births_are_days_of_no_calendar() -> None:
    births = {one["date_of_birth"] for one in people()}

    assert {"19450000", "19490229"} <= births


@pytest.mark.parametrize(
    ("birth", "era"),
    [
        ("19120729", "meiji"),
        ("19120730", "taisho"),
        ("19261224", "taisho"),
        ("19261225", "showa"),
        ("19890107", "showa"),
        ("19890108", "heisei"),
        ("20190430", "heisei"),
        ("20190501", "reiwa"),
        ("19450000", "showa"),
    ],
)
def test_eras_turn_on_their_days(birth: str, era: str) -> None:
    assert era_of(birth) == era


@pytest.mark.parametrize(
    ("name", "column"), [("family_names", "family"), ("given_names", "given"), ("old_form_names", "family")]
)
def test_tables_of_names_have_readings_in_katakana(name: str, column: str) -> None:
    path = resources.files("jukinet_daemon.sim") / "data" / f"{name}.csv"
    rows = path.read_text(encoding="utf-8").splitlines()[1:]

    assert len(rows) == len(set(rows))
    for row in rows:
        text, kana, *_ = row.split(",")
        assert text, column
        assert all("ァ" <= letter <= "ヴ" or letter == "ー" for letter in kana)

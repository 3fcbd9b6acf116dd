"""Check digits of the three identifiers, against numbers that others published."""

import csv

import pytest

from jukinet_daemon.domain.identifiers import (
    area_code_check_digit,
    individual_number_check_digit,
    is_area_code,
    is_individual_number,
    is_resident_code,
    resident_code_check_digit,
)
from jukinet_daemon.schemas import schemas_folder

SHAPES = (
    pytest.param(is_individual_number, "379474484458", id="individual number"),
    pytest.param(is_resident_code, "24727059608", id="resident code"),
    pytest.param(is_area_code, "401307", id="area code"),
)


def table() -> list[dict[str, str]]:
    with (schemas_folder() / "codes" / "municipalities.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("number", ["379474484458", "454972364860", "507957100721", "983205673214"])
def test_published_individual_numbers_are_valid(number: str) -> None:
    assert is_individual_number(number)


@pytest.mark.parametrize("number", ["507957100722", "983205673210"])
def test_published_misprints_of_individual_numbers_are_not(number: str) -> None:
    assert not is_individual_number(number)


@pytest.mark.parametrize("code", ["24727059608", "24846016224", "25208017643"])
def test_sample_resident_codes_fit_the_inferred_formula(code: str) -> None:
    assert is_resident_code(code)


def test_a_resident_code_next_to_a_sample_does_not_fit() -> None:
    assert not is_resident_code("25208017644")


def test_every_area_code_of_the_prefecture_is_valid() -> None:
    codes = [row["code"] for row in table()]
    assert len(codes) == 74
    assert [code for code in codes if not is_area_code(code)] == []
    assert is_area_code("400009")


def test_remainder_zero_gives_0_for_the_numbers_but_1_for_the_area_code() -> None:
    # All-zero digits have the weighted sum 0, so remainder 0 in each family.
    assert individual_number_check_digit("0" * 11) == "0"
    assert resident_code_check_digit("0" * 10) == "0"
    assert area_code_check_digit("0" * 5) == "1"


def test_remainder_one_gives_0_in_all_three_families() -> None:
    # A last digit of 6 weighs 2: sum 12, remainder 1.
    assert individual_number_check_digit("00000000006") == "0"
    assert resident_code_check_digit("0000000006") == "0"
    assert area_code_check_digit("00006") == "0"


@pytest.mark.parametrize(("check", "sound"), SHAPES)
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda s: s[:-1], id="a digit short"),
        pytest.param(lambda s: "0" + s, id="a digit more"),
        pytest.param(lambda s: s + "\n", id="newline after"),
        pytest.param(lambda s: "".join(chr(ord(c) + 0xFEE0) for c in s), id="full-width"),
        pytest.param(lambda s: s[:-1] + str((int(s[-1]) + 1) % 10), id="wrong check digit"),
        pytest.param(lambda _: "", id="empty"),
    ],
)
def test_anything_but_the_exact_ascii_digits_is_refused(check, sound: str, spoil) -> None:  # type: ignore[no-untyped-def]
    assert check(sound)
    assert not check(spoil(sound))

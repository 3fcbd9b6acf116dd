"""Who may write where: 60 senders, 74 areas, and the wards that are written in place of their city."""

import pytest

from jukinet_daemon.domain.area import Area, Areas
from jukinet_daemon.schemas import read_areas

FUKUOKA, HIGASHI, HAKATA = "401307", "401315", "401323"
KITAKYUSHU, MOJI = "401005", "401013"
OMUTA = "402028"

AREAS = read_areas()


def test_sixty_municipalities_notify_and_no_ward_does() -> None:
    assert len(AREAS.senders) == 60
    assert {FUKUOKA, KITAKYUSHU, OMUTA} <= set(AREAS.senders)
    assert not {HIGASHI, MOJI} & set(AREAS.senders)


def test_the_two_designated_cities_write_seven_wards_each() -> None:
    everything = [*AREAS.senders, *(f"{code:06}" for code in range(401000, 401400))]
    assert len({a for a in everything if AREAS.may_write(FUKUOKA, a)}) == 7
    assert len({a for a in everything if AREAS.may_write(KITAKYUSHU, a)}) == 7


@pytest.mark.parametrize(
    ("sender", "area", "allowed"),
    [
        (OMUTA, OMUTA, True),
        (FUKUOKA, HIGASHI, True),
        (FUKUOKA, HAKATA, True),
        (KITAKYUSHU, MOJI, True),
        (FUKUOKA, FUKUOKA, False),
        (KITAKYUSHU, KITAKYUSHU, False),
        (FUKUOKA, MOJI, False),
        (KITAKYUSHU, HIGASHI, False),
        (OMUTA, HIGASHI, False),
        (FUKUOKA, OMUTA, False),
        (HIGASHI, HIGASHI, False),
        (OMUTA, "131016", False),
        ("131016", "131016", False),
        ("400009", OMUTA, False),
    ],
)
def test_a_municipality_writes_its_own_register_and_no_other(sender: str, area: str, allowed: bool) -> None:
    assert AREAS.may_write(sender, area) is allowed


def test_areas_are_found_by_code_with_their_city() -> None:
    areas = Areas([Area("401307", "福岡市"), Area("401315", "福岡市東区", "401307")])
    assert areas["401315"].city == "401307"
    assert "401307" in areas
    assert "402028" not in areas
    assert areas.senders == ("401307",)

"""Who is taken before a full gate, who gives way, and whose turn is next."""

import socket
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jukinet_daemon.server import porch as porch_module
from jukinet_daemon.server.porch import Porch, Standing

MOST = 4


def standing(porch: Porch, addresses: str) -> list[Standing]:
    """One who came from each address, in that order; all of them found room."""
    came = [newcomer(address) for address in addresses]
    assert [porch.enter(one) for one in came] == [None] * len(came)
    return came


def newcomer(address: str) -> Standing:
    with socket.socket() as closed:
        return Standing(closed, address, 0.0)


def turns(porch: Porch) -> str:
    """The addresses of all who wait, as their turns come."""
    return "".join(one.address for one in iter(porch.next, None))


def test_while_there_is_room_nobody_gives_way() -> None:
    porch = Porch(MOST)
    came = standing(porch, "aaab")
    assert len(porch) == MOST
    assert porch.everybody() == came


def test_the_oldest_of_the_most_crowded_address_gives_way_to_another() -> None:
    porch = Porch(MOST)
    oldest, *others = standing(porch, "aaab")
    last = newcomer("c")
    assert porch.enter(last) is oldest
    assert porch.everybody() == [*others, last]
    assert turns(porch) == "abca"


def test_it_gives_way_whether_or_not_its_turn_has_come() -> None:
    porch = Porch(MOST)
    first, second, *_ = standing(porch, "aaab")
    assert porch.next() is first
    assert porch.enter(newcomer("c")) is first
    assert porch.enter(newcomer("d")) is second
    assert len(porch) == MOST


def test_whoever_crowds_is_not_taken() -> None:
    porch = Porch(MOST)
    came = standing(porch, "aabb")
    for address in "ab":
        last = newcomer(address)
        assert porch.enter(last) is last
    assert porch.everybody() == came
    assert turns(porch) == "abab"


def test_turns_go_round_and_in_the_order_of_an_address() -> None:
    porch = Porch(9)
    first, second, third, other = standing(porch, "aaab")
    assert [porch.next() for _ in range(5)] == [first, other, second, third, None]
    assert not porch.waits


def test_who_came_first_waits_first_until_its_turn() -> None:
    porch = Porch(9)
    first, second, third, other = standing(porch, "aaba")
    assert porch.first_to_wait(2) == [first, second]
    assert [porch.next(), porch.next()] == [first, third]
    porch.leave(second)
    assert porch.first_to_wait(9) == [other]
    assert porch.next() is other
    assert porch.everybody() == [first, other, third]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 9))))
def test_the_most_crowded_address_is_known_at_every_step(steps: list[tuple[str, int]]) -> None:
    """Whatever comes and goes: checked against counting anew."""
    porch, here = Porch(MOST), list[Standing]()
    for address, choice in steps:
        if choice == 9:
            porch.next()
        elif here and choice > 6:
            porch.leave(here.pop(choice % len(here)))
        assert set(porch.everybody()) == set(here)
        if choice > 6:
            continue
        came = newcomer(address)
        goes = porch.enter(came)
        crowd = Counter(one.address for one in here)
        if len(here) < MOST:
            assert goes is None
        elif max(crowd.values()) <= crowd[address] + 1:
            assert goes is came
            continue
        else:
            assert goes is not None
            assert crowd[goes.address] == max(crowd.values())
            assert goes is next(one for one in here if one.address == goes.address)
            here.remove(goes)
        here.append(came)
        assert set(porch.everybody()) == set(here)
        assert len(porch) == len(here)


def test_an_address_that_waits_in_vain_has_not_begun_anew_when_it_comes_again() -> None:
    """Others come again and again from more addresses than there are turns in anybody's patience."""
    porch, turns_in_patience = Porch(1000), 25
    for number in range(40):
        porch.enter(newcomer(f"bad {number}"))
    tries, served = 0, False
    while not served:
        tries += 1
        good = newcomer("good")
        porch.enter(good)
        for _ in range(turns_in_patience):
            next_one = porch.next()
            assert next_one is not None
            porch.leave(next_one)
            if served := next_one is good:
                break
            porch.enter(newcomer(next_one.address))
        porch.leave(good)
    assert tries == 2


def test_of_ever_new_addresses_only_so_many_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(porch_module, "REMEMBERED", 8)
    porch = Porch(MOST)
    waiting = newcomer("waits")
    porch.enter(waiting)
    for number in range(20):
        one = newcomer(f"{number}")
        porch.enter(one)
        porch.leave(one)
    assert porch.next() is waiting


def test_who_has_left_makes_room_and_leaves_once() -> None:
    porch = Porch(MOST)
    first, *others = standing(porch, "aaaa")
    for _ in range(2):
        porch.leave(first)
        assert len(porch) == MOST - 1
    assert porch.enter(newcomer("a")) is None
    for one in others:
        porch.leave(one)
    assert (len(porch), turns(porch)) == (1, "a")

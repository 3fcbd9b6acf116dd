"""Running numbers: whatever the order in which they come, what is missing is exactly what never came."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jukinet_daemon.domain.numbering import LONGEST_LEAP, Numbering

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def missing(numbering: Numbering) -> list[int]:
    return [number for gap in numbering.gaps for number in range(gap.first, gap.last + 1)]


@given(st.lists(st.lists(st.integers(1, 40), max_size=12), max_size=8))
def test_what_is_missing_is_what_never_came(looks: list[list[int]]) -> None:
    numbering, came = Numbering(), set[int]()
    for numbers in looks:
        numbering = numbering.with_seen(numbers, NOW)
        came |= set(numbers)
        assert numbering.highest == max(came, default=0)
        assert missing(numbering) == [n for n in range(1, numbering.highest) if n not in came]
        assert all(
            one.last + 1 < two.first for one, two in zip(numbering.gaps, numbering.gaps[1:], strict=False)
        )


@given(st.sets(st.integers(1, 40)), st.integers(1, 40), st.integers(0, 10))
def test_numbers_that_were_settled_are_not_missing(came: set[int], first: int, more: int) -> None:
    numbering = Numbering().with_seen(came, NOW)
    settled = numbering.without(first, first + more)
    assert missing(settled) == [n for n in missing(numbering) if not first <= n <= first + more]
    assert settled.highest == numbering.highest


def spans(numbering: Numbering) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in numbering.gaps]


def test_a_jump_is_one_gap() -> None:
    assert spans(Numbering().with_seen([5, 5 + LONGEST_LEAP], NOW)) == [(1, 4), (6, 4 + LONGEST_LEAP)]


@pytest.mark.parametrize("far", [3 + LONGEST_LEAP + 1, 2**53 - 1])
def test_a_leap_is_not_followed_and_hides_nothing(far: int) -> None:
    numbering = Numbering().with_seen([1, 2, 3, far], NOW)
    assert (numbering.highest, numbering.leapt_to(far)) == (3, True)
    assert spans(numbering.with_seen([4, 5, 9, 10], NOW)) == [(6, 8)]


def test_a_sender_may_go_on_from_where_it_leapt_to() -> None:
    numbering = Numbering().with_seen([1, 4], NOW).going_on_from(10**15)
    assert not numbering.leapt_to(10**15)
    assert spans(numbering.with_seen([10**15, 10**15 + 2], NOW)) == [(2, 3), (10**15 + 1, 10**15 + 1)]

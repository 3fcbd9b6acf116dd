"""The one table of answers: a code is used once, and says its class by its letter."""

import pytest

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.outcomes import OUTCOMES, Outcome, OutcomeClass

ALL = [value for value in vars(outcomes).values() if isinstance(value, Outcome)]
# P: a parcel not read (refused as a whole); W: a remark, which stands beside an acceptance.
LETTERS = {
    "A": OutcomeClass.ACCEPTED,
    "H": OutcomeClass.HELD,
    "R": OutcomeClass.REFUSED,
    "P": OutcomeClass.REFUSED,
    "L": OutcomeClass.LATER,
    "W": OutcomeClass.ACCEPTED,
}


def test_no_code_is_used_twice_and_none_is_missing_from_the_table() -> None:
    # A code used twice would silently drop a row of OUTCOMES.
    assert len({outcome.code for outcome in ALL}) == len(ALL) == len(OUTCOMES)


@pytest.mark.parametrize("outcome", ALL, ids=lambda outcome: outcome.code)
def test_a_row_is_complete_and_its_letter_is_its_class(outcome: Outcome) -> None:
    assert outcome.kind is LETTERS[outcome.code[0]]
    assert outcome.code[1:].isdecimal()
    assert len(outcome.code) == 4
    assert all((outcome.ja, outcome.en, outcome.citation, outcome.action))
    assert not outcome.ja.isascii()
    assert outcome.en.isascii()


def test_no_two_rows_say_the_same() -> None:
    assert len({outcome.ja for outcome in ALL}) == len({outcome.en for outcome in ALL}) == len(ALL)


def test_only_a_fresh_answer_has_a_class_of_its_own_in_the_table() -> None:
    assert OutcomeClass.REPEATED not in {outcome.kind for outcome in ALL}

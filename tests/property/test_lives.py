"""Random lives, told by many municipalities out of step, leave in the file exactly what they should.

Two judges look at every town. The clerk (`lives.model`) takes each telegram as it arrives and says, after
every batch, what must lie in each folder. The lives themselves say, once all has arrived, who is where, under
which codes, with which items; they know nothing of folders, order or batches.
"""

import inspect
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .lives import delivery, model, telegram, town
from .lives.compare import (
    nothing_is_lost,
    relayed_in_order,
    same_as_the_folders,
    the_past_ends_in_the_present,
    true_to_life,
)
from .lives.delivery import batches, delivered
from .lives.faults import FAULTS, Fault, MakeFile
from .lives.file import File
from .lives.model import Clerk
from .lives.town import live

REGISTERS = ("juki", "fuhyo")
# What a run must come to in each register, so that it cannot become less unnoticed.
LIVES = 2000
TOWNS = 280

SEEDS = st.integers(0, 2**64 - 1)
# A town is told again from the seeds it is reported with; to shrink them would take minutes and tell nothing.
EVERY_TOWN = settings(
    max_examples=TOWNS,
    phases=[Phase.generate],
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
UNTIL_THE_FIRST = settings(EVERY_TOWN, phases=[Phase.generate], report_multiple_bugs=False)
TOWN = st.lists(st.tuples(SEEDS, st.integers(1, 12)), min_size=8, max_size=8)


@dataclass
class Tally:
    """What a run came to."""

    lives: int = 0
    asked: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def run(make: MakeFile, register: str, tally: Tally, how: settings = EVERY_TOWN) -> None:
    """Lives through as many towns as a run of the suite does; raises at the first difference."""

    @how
    @given(TOWN, SEEDS)
    def towns(seeds: list[tuple[int, int]], order: int) -> None:
        dice, file, clerk = Random(order), make(register), Clerk(register)
        lives = [live(human, seed, register, steps) for human, (seed, steps) in enumerate(seeds)]
        arrived = delivered((one.told for one in lives), dice)
        for batch in batches(arrived, dice):
            file.commit(batch)
            for told in batch:
                clerk.take(told)
            same_as_the_folders(file, clerk)
        nothing_is_lost(file, arrived)
        relayed_in_order(file)
        the_past_ends_in_the_present(file, arrived)
        tally.asked += true_to_life(file, lives)
        tally.lives += len(lives)
        tally.outcomes += file.outcomes

    towns()


@pytest.mark.parametrize("register", REGISTERS)
def test_the_file_is_true_to_the_lives_that_were_told(register: str) -> None:
    tally = Tally()
    run(File, register, tally)
    print(f"{register}: {tally.lives} lives, {tally.asked} without a held notice, {dict(tally.outcomes)}")
    assert tally.lives >= LIVES
    assert tally.asked >= LIVES / 2
    common = {"A100", "A120", "H200", "H210", "H211", "H212", "H213"}
    assert common <= set(tally.outcomes)
    assert (register == "juki") == ("H215" in tally.outcomes)


def test_of_one_who_was_told_of_by_a_slip_alone_the_file_knows_nothing() -> None:
    one, file = live(5, 530_986, "fuhyo", 1), File("fuhyo")
    assert [told.sound for told in one.told] == [False]
    file.commit(one.told)
    assert true_to_life(file, [one]) == 1
    assert file.refused == [one.told[0].id]


@pytest.mark.parametrize("module", [telegram, town, delivery, model], ids=lambda module: module.__name__)
def test_the_judges_know_nothing_of_the_program(module: ModuleType) -> None:
    assert "jukinet_daemon" not in inspect.getsource(module)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_an_error_in_the_program_is_found_in_less(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally()
    with pytest.raises((AssertionError, KeyError)):
        run(fault(monkeypatch), "juki", tally, UNTIL_THE_FIRST)
    print(f"{fault.__name__}: found after {tally.lives} lives")

"""人生: a human's life as a random walk through what can happen, one seed a life."""

from collections.abc import Callable
from random import Random

from .human import PLANNED_AHEAD, Human, new_code, new_number
from .telegram import AREAS, CORRECTION, DELETION, ENTRY, Telegram

Step = Callable[[Human], None]


def live(human: int, seed: int, register: str, steps: int) -> Human:
    """One life of some steps in a register: the same for the same numbers, and with codes of its own."""
    dice = Random(f"{human}/{seed}")
    one = Human(human, register, dice)
    juki = register == "juki"
    one.foreign = juki and dice.random() < 0.3
    if juki or dice.random() < 0.8:
        one.code = new_code(dice)
        one.codes.add(one.code)
    if juki and dice.random() < 0.5:
        one.number = new_number(dice)
    one.enter(dice.choice(AREAS), dice.choice(("birth", "domestic_move_in", "overseas_move_in")))
    if dice.random() < 0.04:
        one.told.clear()  # He was there before the file was, and nobody said so.
    for _ in range(steps):
        one.later()
        _step(one)(one)
    return one


def _step(one: Human) -> Step:
    if one.died_in:
        return _rise if one.dice.random() < 0.4 else _rest
    if one.area is None:
        return _return
    steps = _STEPS[one.register]
    return one.dice.choices(list(steps), list(steps.values()))[0]


def _move(one: Human) -> None:
    days: tuple[dict[str, str], ...] = ({}, {}, {"day": one.earlier()}, {"day": PLANNED_AHEAD})
    out = one.dice.choice(days) if one.register == "juki" else {}
    one.move(one.dice.choice([area for area in AREAS if area != one.area]), **out)


def _leave(one: Human) -> None:
    _perhaps_again(one, one.leave(one.dice.choice(("domestic_move_out", "deletion_ex_officio"))))


def _leave_japan(one: Human) -> None:
    planned = {"day": PLANNED_AHEAD} if one.register == "juki" and one.dice.random() < 0.5 else {}
    _perhaps_again(one, one.leave("overseas_move_out", **planned))


def _return(one: Human) -> None:
    cause = one.dice.choice(("domestic_move_in", "overseas_move_in"))
    _perhaps_again(one, one.enter(one.dice.choice(AREAS), cause))


def _die(one: Human) -> None:
    one.died_in = one.home
    _perhaps_again(one, one.leave("death", day=one.earlier()))


def _rise(one: Human) -> None:
    """The death was an error: nothing is taken back, he is entered again (異動の取消し)."""
    area, one.died_in = one.died_in, None
    assert area is not None
    days: tuple[dict[str, str], ...] = ({}, {"day": one.earlier()})
    one.enter(area, "entry_ex_officio", **one.dice.choice(days))


def _rest(_one: Human) -> None:
    """Nothing happens to the dead."""


def _perhaps_again(one: Human, told: Telegram) -> None:
    if one.dice.random() < 0.2:
        planned = told.day == PLANNED_AHEAD
        other = {ENTRY: "entry_ex_officio", DELETION: "deletion_ex_officio"}[told.what]
        one.tell_again(told, "domestic_move_out" if planned else other)


def _move_house(one: Human) -> None:
    one.correct("change_of_address", {"address": f"{one.dice.randrange(99)}丁目", "overseas": False})


def _marry(one: Human) -> None:
    one.correct("correction_ex_officio", {"name": f"名{one.dice.randrange(99)}"})


def _find_an_old_error(one: Human) -> None:
    one.correct("correction_ex_officio", {"name": f"名{one.dice.randrange(99)}"}, day=one.earlier())


def _settle_overseas(one: Human) -> None:
    one.correct("correction_ex_officio", {"address": "", "overseas": True})


def _change_nationality(one: Human) -> None:
    one.change_nationality(entry_first=one.dice.random() < 0.5)


def _slip(one: Human) -> None:
    """Something is told that is wrong by itself: it is refused, and nothing else changes."""
    one.tell(one.home, CORRECTION, "minor_correction", old_code=new_code(one.dice), sound=False)


def _blunder(one: Human) -> None:
    """Something is told that contradicts the file: it waits, and all later ones behind it."""
    if one.dice.random() < 0.5:
        one.tell(one.home, ENTRY, "entry_ex_officio", day="20190101")
    else:
        elsewhere = one.dice.choice([area for area in AREAS if area != one.area])
        one.tell(elsewhere, DELETION, "deletion_ex_officio", day="20190101")


_BOTH: dict[Step, float] = {
    _move: 5,
    _leave: 1,
    _leave_japan: 1,
    _die: 1.5,
    _move_house: 2,
    _marry: 1,
    _find_an_old_error: 1,
    Human.take_code: 1.5,
    _slip: 0.5,
    _blunder: 0.1,
}
_STEPS: dict[str, dict[Step, float]] = {
    "juki": _BOTH | {Human.take_number: 1.5, _change_nationality: 1.5},
    "fuhyo": _BOTH | {_settle_overseas: 1},
}

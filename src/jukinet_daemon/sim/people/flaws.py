"""きず: notices that are wrong on purpose, one rule broken in each; nothing happens to anybody by them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import cycle, islice
from types import MappingProxyType
from typing import Any

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.sim.people import who
from jukinet_daemon.sim.people.clock import some_time
from jukinet_daemon.sim.people.notices import Posted, RegisterName, fuhyo_notice, juki_notice
from jukinet_daemon.sim.people.resident import Resident
from jukinet_daemon.sim.people.scene import Scene

Flaw = Callable[[Scene, Posted], Posted | None]
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
# A reused id needs an earlier notice of the same sender, so a day of some size.
_ENOUGH_TO_REUSE = 25
_IN_TURN: tuple[tuple[RegisterName, str], ...] = (
    ("juki", "number-digit"),
    ("fuhyo", "not-your-area"),
    ("juki", "unknown-field"),
    ("fuhyo", "full-width"),
    ("juki", "missing-cause"),
    ("fuhyo", "unknown-person"),
    ("juki", "id-reused"),
    ("juki", "not-your-area"),
    ("fuhyo", "unknown-field"),
    ("juki", "full-width"),
    ("juki", "unknown-person"),
    ("fuhyo", "id-reused"),
)


def planned_flaws(count: int, juki: int, fuhyo: int) -> list[tuple[RegisterName, str]]:
    """Which flaws a day has, by register: in turn, and at most one in four of a register's notices."""
    room = {"juki": juki // 4, "fuhyo": fuhyo // 4}
    planned: list[tuple[RegisterName, str]] = []
    for register, flaw in islice(cycle(_IN_TURN), count):
        if room[register] > 0 and (flaw != "id-reused" or room[register] > _ENOUGH_TO_REUSE):
            room[register] -= 1
            planned.append((register, flaw))
    return planned


def flawed(scene: Scene, register: RegisterName, flaw: str) -> Posted:
    """One flawed notice. Tries people and times until one fits."""
    while True:
        posted = _sound(scene, register, flaw)
        spoiled = _FLAWS[flaw](scene, posted) if posted else None
        if spoiled:
            return replace(spoiled, flaw=flaw)


def _sound(scene: Scene, register: RegisterName, flaw: str) -> Posted | None:
    at = some_time(scene.rng)
    if flaw == "unknown-person":
        return _of_stranger(scene, register, at)
    wish = who.is_resident if register == "juki" else who.has_code(who.is_elsewhere)
    person = scene.folk.pick(at, wish)
    if person is None:
        return None
    scene.folk.told(person, at)
    return _address_change(scene, register, person, at)


def _address_change(scene: Scene, register: RegisterName, person: Resident, at: float) -> Posted:
    rng, geography = scene.rng, scene.geography
    if register == "juki" and person.area:
        moved = replace(person, home=geography.home(rng, person.area))
        return _posted(scene, at, juki_notice(rng, moved, Cause.CHANGE_OF_ADDRESS, scene.today))
    moved = replace(person, home=geography.home_elsewhere(rng))
    return _posted(scene, at, fuhyo_notice(rng, moved, Change.CORRECTION, scene.today), "fuhyo")


def _of_stranger(scene: Scene, register: RegisterName, at: float) -> Posted:
    rng, person = scene.rng, scene.newcomer(foreign=False)
    if register == "juki":
        return _posted(scene, at, juki_notice(rng, person, Cause.DOMESTIC_MOVE_OUT, scene.today))
    person = replace(person, sheet=scene.maker.sheet(scene.geography.some_area(rng)))
    return _posted(scene, at, fuhyo_notice(rng, person, Change.DELETION, scene.today), "fuhyo")


def _posted(scene: Scene, at: float, notice: dict[str, Any], register: RegisterName = "juki") -> Posted:
    return Posted(register, scene.geography.sender_of(notice["area"]), at, notice)


def _person_with(posted: Posted, **items: str) -> Posted:
    person = posted.notice["person"] | items
    return replace(posted, notice=posted.notice | {"person": person})


def _number_digit(_scene: Scene, posted: Posted) -> Posted | None:
    number = posted.notice["person"].get("individual_number")
    if number is None:
        return None
    return _person_with(posted, individual_number=number[:-1] + str((int(number[-1]) + 1) % 10))


def _not_your_area(scene: Scene, posted: Posted) -> Posted:
    area = scene.geography.another_area(scene.rng, posted.notice["area"], near=0)
    sender = scene.geography.sender_of(area)
    return replace(posted, sender=sender) if sender != posted.sender else _not_your_area(scene, posted)


def _unknown_field(_scene: Scene, posted: Posted) -> Posted:
    # 続柄 is not among what may be notified (法30条の6第1項).
    return _person_with(posted, relationship="世帯主")


def _full_width(_scene: Scene, posted: Posted) -> Posted:
    code = posted.notice["person"]["resident_code"]
    return _person_with(posted, resident_code=code[:-1] + code[-1].translate(_FULL_WIDTH))


def _missing_cause(_scene: Scene, posted: Posted) -> Posted:
    return replace(posted, notice={item: v for item, v in posted.notice.items() if item != "cause"})


def _unknown_person(_scene: Scene, posted: Posted) -> Posted:
    return posted


def _id_reused(scene: Scene, posted: Posted) -> Posted | None:
    earlier = [
        one.notice["id"]
        for one in scene.desk.posted
        if (one.register, one.sender) == (posted.register, posted.sender) and one.at < posted.at
    ]
    return replace(posted, notice=posted.notice | {"id": scene.rng.choice(earlier)}) if earlier else None


_FLAWS: Mapping[str, Flaw] = MappingProxyType(
    {
        "number-digit": _number_digit,
        "not-your-area": _not_your_area,
        "unknown-field": _unknown_field,
        "full-width": _full_width,
        "missing-cause": _missing_cause,
        "unknown-person": _unknown_person,
        "id-reused": _id_reused,
    }
)

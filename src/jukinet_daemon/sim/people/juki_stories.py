"""住民票の出来事: what happens to residents, by the twenty causes of 規則11条, as often as in a year."""

from dataclasses import replace

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.sim.people import who
from jukinet_daemon.sim.people.affair import Affair, Story
from jukinet_daemon.sim.people.births import era_of
from jukinet_daemon.sim.people.geography import renamed
from jukinet_daemon.sim.people.names import (
    foreign_name,
    japanese_name,
    married,
    some_family,
    some_nation,
    with_alias,
)
from jukinet_daemon.sim.people.resident import Home

_IN_BEFORE_OUT = 0.4
_KEEPS_FORMER = 0.2


def _home(affair: Affair) -> Home:
    if affair.person.home is None:
        raise ValueError("this person has no address")
    return affair.person.home


def _birth(affair: Affair) -> None:
    # The number is asked for by the code, so the first notice comes without it (番号法8条1項).
    affair.date = affair.person.birth
    affair.tell(Cause.BIRTH)
    _given_number(affair)
    affair.echo(Change.ENTRY)


def _given_number(affair: Affair) -> None:
    affair.becomes(number=affair.scene.maker.issuer.number())
    affair.tell(Cause.NUMBER_ENTRY_EX_OFFICIO, date=affair.scene.today)


def _death(affair: Affair) -> None:
    affair.tell(Cause.DEATH)
    affair.echo_end()
    affair.becomes(home=None, sheet=None)


def _move_in(affair: Affair) -> None:
    affair.tell(Cause.DOMESTIC_MOVE_IN)
    affair.echo()


def _move_out(affair: Affair) -> None:
    affair.tell(Cause.DOMESTIC_MOVE_OUT)
    affair.departs()
    affair.becomes(home=affair.scene.geography.home_elsewhere(affair.scene.rng))
    affair.echo()


def _move_inside(affair: Affair) -> None:
    # Two municipalities tell of one move, and either may come first (令30条の5一号・二号).
    scene, before = affair.scene, affair.person
    area = scene.geography.another_area(scene.rng, _home(affair).area)
    affair.departs()
    affair.becomes(home=scene.geography.home(scene.rng, area))
    if scene.rng.random() < _IN_BEFORE_OUT:
        affair.tell(Cause.DOMESTIC_MOVE_IN)
        affair.tell(Cause.DOMESTIC_MOVE_OUT, of=before, date=affair.date)
    else:
        affair.tell(Cause.DOMESTIC_MOVE_OUT, of=before, date=affair.date)
        affair.tell(Cause.DOMESTIC_MOVE_IN)
    affair.echo()


def _arrival_from_abroad(affair: Affair) -> None:
    affair.tell(Cause.OVERSEAS_MOVE_IN)
    _given_number(affair)


def _return_from_abroad(affair: Affair) -> None:
    affair.tell(Cause.OVERSEAS_MOVE_IN)
    affair.echo()


def _move_abroad(affair: Affair) -> None:
    affair.tell(Cause.OVERSEAS_MOVE_OUT)
    affair.becomes(home=None)
    affair.echo()


def _change_of_address(affair: Affair) -> None:
    affair.becomes(home=affair.scene.geography.home(affair.scene.rng, _home(affair).area))
    affair.tell(Cause.CHANGE_OF_ADDRESS)
    affair.echo()


def _minor_correction(affair: Affair) -> None:
    affair.becomes(home=renamed(affair.scene.rng, _home(affair)))
    affair.tell(Cause.MINOR_CORRECTION)
    affair.echo()


def _marriage(affair: Affair) -> None:
    rng = affair.scene.rng
    keep = rng.random() < _KEEPS_FORMER
    affair.becomes(name=married(affair.person.name, some_family(rng), keep=keep))
    affair.tell(Cause.CORRECTION_EX_OFFICIO)
    affair.echo()


def _alias(affair: Affair) -> None:
    affair.becomes(name=with_alias(affair.scene.rng, affair.person.name))
    affair.tell(Cause.CORRECTION_EX_OFFICIO)


def _found_living_here(affair: Affair) -> None:
    affair.tell(Cause.ENTRY_EX_OFFICIO)


def _found_gone(affair: Affair) -> None:
    affair.tell(Cause.DELETION_EX_OFFICIO)
    affair.becomes(home=None, sheet=None)


def _naturalization(affair: Affair) -> None:
    # One code, one area, one day: the foreign record ends and the Japanese one begins (令8条の2).
    scene, person = affair.scene, affair.person
    affair.tell(Cause.DELETION_BY_NATURALIZATION)
    sex = person.sex or scene.maker.some_sex()
    name = japanese_name(scene.rng, some_family(scene.rng), sex, person.birth)
    affair.becomes(foreign=False, name=name, era=era_of(person.birth))
    affair.tell(Cause.ENTRY_BY_NATURALIZATION)
    if person.sheet is None:
        affair.echo_new_sheet(scene.maker.sheet(_home(affair).area))


def _nationality_loss(affair: Affair) -> None:
    scene, person = affair.scene, affair.person
    affair.tell(Cause.DELETION_BY_NATIONALITY_LOSS)
    name = foreign_name(scene.rng, some_nation(scene.rng), person.sex or scene.maker.some_sex())
    now = replace(person, foreign=True, name=name, era=None)
    affair.tell(Cause.ENTRY_BY_NATIONALITY_LOSS, of=now)
    affair.echo_end()
    affair.becomes(foreign=True, name=name, era=None)


def _number_changed(cause: Cause, affair: Affair) -> None:
    old = affair.person.number
    affair.becomes(number=affair.scene.maker.issuer.number())
    affair.tell(cause, previous_number=old)


def _number_requested(affair: Affair) -> None:
    _number_changed(Cause.NUMBER_CHANGE_REQUEST, affair)


def _number_corrected(affair: Affair) -> None:
    _number_changed(Cause.NUMBER_CORRECTION_EX_OFFICIO, affair)


def _code_changed(cause: Cause, affair: Affair) -> None:
    old = affair.person.code
    affair.becomes(code=affair.scene.maker.issuer.code())
    affair.tell(cause, previous_code=old)
    if affair.person.sheet and affair.scene.desk.left("fuhyo") > 0:
        affair.on_sheet(Change.CODE_CORRECTION, previous_code=old)


def _code_requested(affair: Affair) -> None:
    _code_changed(Cause.CODE_CHANGE_REQUEST, affair)


def _code_entered(affair: Affair) -> None:
    _code_changed(Cause.CODE_ENTRY_EX_OFFICIO, affair)


_RESIDENT = who.anyone(who.is_resident)
_JAPANESE = who.anyone(who.is_japanese)
_FOREIGN = who.anyone(who.is_foreign)

JUKI_STORIES = (
    Story(37.5, 2, who.newborn, _birth),
    Story(56, 1, who.anyone(who.is_old), _death),
    Story(106, 1, who.mover_in, _move_in),
    Story(101, 1, _RESIDENT, _move_out),
    Story(115, 2, _RESIDENT, _move_inside),
    Story(30, 2, who.stranger_from_abroad, _arrival_from_abroad),
    Story(10, 1, who.returner, _return_from_abroad),
    Story(25, 1, _RESIDENT, _move_abroad),
    Story(170, 1, _RESIDENT, _change_of_address),
    Story(35, 1, _RESIDENT, _minor_correction),
    Story(40, 1, who.anyone(who.is_adult), _marriage),
    Story(5, 1, _FOREIGN, _alias),
    Story(3, 1, who.stranger, _found_living_here),
    Story(3, 1, _RESIDENT, _found_gone),
    Story(1, 2, _FOREIGN, _naturalization),
    Story(0.5, 2, _JAPANESE, _nationality_loss),
    Story(1.5, 1, _RESIDENT, _number_requested),
    Story(0.5, 1, _RESIDENT, _number_corrected),
    Story(1.5, 1, _RESIDENT, _code_requested),
    Story(0.5, 1, _RESIDENT, _code_entered),
)
JUKI_FILLER = Story(0, 1, _RESIDENT, _change_of_address)

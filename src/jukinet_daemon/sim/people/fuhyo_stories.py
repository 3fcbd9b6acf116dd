"""附票の出来事: what happens to people with their 本籍 here that the prefecture's own 住民票 do not tell."""

from dataclasses import replace

from jukinet_daemon.domain.change import Change
from jukinet_daemon.sim.people import who
from jukinet_daemon.sim.people.affair import Affair, Story
from jukinet_daemon.sim.people.resident import Resident
from jukinet_daemon.sim.people.scene import Scene


def _move_elsewhere(affair: Affair) -> None:
    affair.becomes(home=affair.scene.geography.home_elsewhere(affair.scene.rng))
    affair.on_sheet(Change.CORRECTION)


def _move_overseas(affair: Affair) -> None:
    affair.becomes(home=None)
    affair.on_sheet(Change.CORRECTION)


def _leave_sheet(affair: Affair) -> None:
    affair.on_sheet(Change.DELETION)
    affair.becomes(sheet=None)


def _death(affair: Affair) -> None:
    _leave_sheet(affair)
    affair.becomes(home=None)


def _enter_sheet(affair: Affair) -> None:
    affair.on_sheet(Change.ENTRY)


def _birth(affair: Affair) -> None:
    affair.date = affair.person.birth
    affair.on_sheet(Change.ENTRY)


def _sheet_moves_inside(affair: Affair) -> None:
    # 転籍 inside the prefecture: two 本籍地 tell, the old one first.
    scene, old = affair.scene, affair.person.sheet
    affair.on_sheet(Change.DELETION)
    area = scene.geography.another_area(scene.rng, old.area if old else "", near=0)
    affair.becomes(sheet=scene.maker.sheet(area))
    affair.on_sheet(Change.ENTRY)


def _code_changes(affair: Affair) -> None:
    old = affair.person.code
    affair.becomes(code=affair.scene.maker.issuer.code())
    affair.on_sheet(Change.CODE_CORRECTION, previous_code=old)


def _with_sheet(scene: Scene, one: Resident) -> Resident:
    return replace(one, sheet=scene.maker.sheet(one.area or scene.geography.some_area(scene.rng)))


def _resident_bringing_sheet(scene: Scene, at: float) -> Resident | None:
    one = scene.folk.pick(at, lambda one: who.is_japanese(one) and one.sheet is None)
    return _with_sheet(scene, one) if one else None


def _outsider_bringing_sheet(scene: Scene, _at: float) -> Resident:
    home = scene.geography.home_elsewhere(scene.rng)
    return _with_sheet(scene, replace(scene.newcomer(foreign=False), home=home))


def _old_and_away(one: Resident) -> bool:
    return who.is_away(one) and one.birth < "1960"


_ELSEWHERE = who.anyone(who.is_elsewhere)

FUHYO_STORIES = (
    Story(60, 1, _ELSEWHERE, _move_elsewhere),
    Story(12, 1, who.anyone(_old_and_away), _death),
    Story(8, 1, who.newborn_elsewhere, _birth),
    Story(5, 1, who.anyone(who.is_on_sheet), _leave_sheet),
    Story(4, 1, _resident_bringing_sheet, _enter_sheet),
    Story(4, 1, _outsider_bringing_sheet, _enter_sheet),
    Story(4, 2, who.anyone(who.has_code(who.is_on_sheet)), _sheet_moves_inside),
    Story(5, 1, _ELSEWHERE, _move_overseas),
    Story(3, 1, who.anyone(who.is_overseas), _move_elsewhere),
    Story(2, 1, who.anyone(who.has_code(who.is_away)), _code_changes),
)
FUHYO_FILLER = FUHYO_STORIES[0]

"""誰: to whom a story may happen, for each kind of story."""

from dataclasses import replace

from jukinet_daemon.sim.people.affair import Who
from jukinet_daemon.sim.people.folk import Wish
from jukinet_daemon.sim.people.names import Family
from jukinet_daemon.sim.people.resident import Resident
from jukinet_daemon.sim.people.scene import Scene

_RETURN = 0.3
_FOREIGN = 0.04


def anyone(wish: Wish) -> Who:
    """Whoever the wish is true of."""
    return lambda scene, at: scene.folk.pick(at, wish)


def is_resident(one: Resident) -> bool:
    """Has a 住民票 here."""
    return one.area is not None


def is_foreign(one: Resident) -> bool:
    """Has a foreign resident's 住民票 here."""
    return one.area is not None and one.foreign


def is_japanese(one: Resident) -> bool:
    """Has a Japanese national's 住民票 here."""
    return one.area is not None and not one.foreign


def is_adult(one: Resident) -> bool:
    """Is a Japanese resident of an age to marry."""
    return is_japanese(one) and "1960" < one.birth < "2005"


def is_old(one: Resident) -> bool:
    """Is a resident of an age to die."""
    return one.area is not None and one.birth < "1960"


def is_on_sheet(one: Resident) -> bool:
    """Is in a 附票 here; living anywhere."""
    return one.sheet is not None and not one.foreign


def is_elsewhere(one: Resident) -> bool:
    """Is in a 附票 here and lives in another prefecture."""
    return is_on_sheet(one) and one.home is not None and not one.home.here


def is_overseas(one: Resident) -> bool:
    """Is in a 附票 here as 国外転出者."""
    return is_on_sheet(one) and one.home is None


def is_away(one: Resident) -> bool:
    """Is in a 附票 here and has no 住民票 here."""
    return is_on_sheet(one) and one.area is None


def has_code(wish: Wish) -> Wish:
    """The same with a 住民票コード, which a 附票 may lack."""
    return lambda one: one.code is not None and wish(one)


def mover_in(scene: Scene, at: float) -> Resident | None:
    """Somebody arriving from another prefecture: a native coming home, or a stranger to both files."""
    native = scene.folk.pick(at, has_code(is_elsewhere)) if scene.rng.random() < _RETURN else None
    if native is None:
        foreign = scene.rng.random() < _FOREIGN
        stranger = scene.newcomer(foreign=foreign)
        return replace(stranger, number=scene.maker.issuer.number()) if foreign else stranger
    return settled(scene, native)


def returner(scene: Scene, at: float) -> Resident | None:
    """A 国外転出者 coming home, with the code and number of before."""
    native = scene.folk.pick(at, has_code(is_overseas))
    return settled(scene, native) if native else None


def stranger_from_abroad(scene: Scene, _at: float) -> Resident:
    """A foreigner arriving, who will be given a number."""
    return scene.newcomer(foreign=True)


def stranger(scene: Scene, _at: float) -> Resident:
    """A Japanese national whom no file knows."""
    return scene.newcomer(foreign=False)


def newborn(scene: Scene, at: float) -> Resident | None:
    """A child of somebody here, without a number yet; the 附票 is to be where the parent's is."""
    parent = scene.folk.pick(at, lambda one: is_japanese(one) and "1982" < one.birth < "2005")
    return _child(scene, parent) if parent else None


def newborn_elsewhere(scene: Scene, at: float) -> Resident | None:
    """A child born elsewhere to somebody with the 本籍 here."""
    parent = scene.folk.pick(at, lambda one: is_elsewhere(one) and "1982" < one.birth < "2005")
    return _child(scene, parent) if parent else None


def settled(scene: Scene, native: Resident) -> Resident:
    """The same person with an address in the prefecture."""
    area = scene.geography.some_area(scene.rng)
    return replace(native, home=scene.geography.home(scene.rng, area))


def _child(scene: Scene, parent: Resident) -> Resident:
    family = Family(parent.name.family, parent.name.family_kana or "")
    birth = scene.recent_date()
    child = scene.maker.japanese_born(family, scene.maker.some_sex(), birth, parent.home)
    sheet = scene.maker.sheet(parent.sheet.area) if parent.sheet else None
    return replace(child, number=None, sheet=sheet)

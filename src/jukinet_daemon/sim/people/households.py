"""世帯: who lives together: ages by a pyramid, couples, children with the family's name."""

from dataclasses import dataclass, replace

from jukinet_daemon.domain.notice import Sex
from jukinet_daemon.sim.people.chance import Chance, Weighted
from jukinet_daemon.sim.people.maker import Maker
from jukinet_daemon.sim.people.names import Family, foreign_name, some_family, some_nation, with_former
from jukinet_daemon.sim.people.resident import Home, Resident

_SIZES = Weighted((1, 2, 3, 4, 5, 6), (40, 27, 16, 12, 4, 1))
_FOREIGN_SIZES = Weighted((1, 2, 3, 4), (75, 15, 6, 4))
# Head of a household by its size: bands of age, each with a weight.
_ALONE = Weighted(((18, 29), (30, 64), (65, 84), (85, 102)), (25, 38, 28, 9))
_TWO = Weighted(((24, 44), (45, 64), (65, 88)), (20, 30, 50))
_MORE = Weighted(((27, 44), (45, 60)), (60, 40))
_COUPLE = 0.85
_FORMER = 0.03
_GRANDPARENT = 0.4
_CHILD_SINCE = "2005"


@dataclass(frozen=True, slots=True)
class Member:
    """A place in a household."""

    age: int
    sex: Sex
    spouse: bool = False


def japanese_household(maker: Maker, home: Home) -> list[Resident]:
    """A household of Japanese nationals at an address."""
    family = some_family(maker.rng)
    members = _members(maker, _SIZES.pick(maker.rng))
    return [_japanese(maker, family, member, home) for member in members]


def foreign_household(maker: Maker, home: Home) -> list[Resident]:
    """A household of foreign residents at an address; children have the first one's family name."""
    nation = some_nation(maker.rng)
    members = _members(maker, _FOREIGN_SIZES.pick(maker.rng))
    people = [maker.foreign(nation, member.sex, min(member.age, 70), home) for member in members]
    return [_named_after(maker, nation, people[0], one) for one in people]


def _japanese(maker: Maker, family: Family, member: Member, home: Home) -> Resident:
    person = maker.japanese(family, member.sex, member.age, home)
    if member.spouse and maker.rng.random() < _FORMER:
        return replace(person, name=with_former(person.name, some_family(maker.rng)))
    return person


def _named_after(maker: Maker, nation: str, head: Resident, one: Resident) -> Resident:
    if one.birth <= head.birth or one.birth < _CHILD_SINCE or one.name.family == head.name.family:
        return one
    names = iter(lambda: foreign_name(maker.rng, nation, one.sex or Sex.MALE), None)
    return replace(one, name=next(name for name in names if name.family == head.name.family))


def _members(maker: Maker, size: int) -> list[Member]:
    rng = maker.rng
    bands = {1: _ALONE, 2: _TWO}.get(size, _MORE)
    head = Member(rng.randint(*bands.pick(rng)), maker.some_sex())
    members = [head]
    if size > 1 and rng.random() < _COUPLE:
        members.append(_spouse(rng, head))
    if size > 4 and rng.random() < _GRANDPARENT:
        members.append(Member(head.age + rng.randint(22, 34), Sex.FEMALE))
    while len(members) < size:
        members.append(Member(max(0, head.age - rng.randint(24, 37)), maker.some_sex()))
    return members


def _spouse(rng: Chance, head: Member) -> Member:
    other = Sex.FEMALE if head.sex is Sex.MALE else Sex.MALE
    return Member(max(18, head.age + rng.randint(-6, 4)), other, spouse=True)

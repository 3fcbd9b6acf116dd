"""氏名: names as people of the prefecture have them, old forms and foreign residents' names among them."""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache

from jukinet_daemon.domain.notice import Sex
from jukinet_daemon.sim.people.chance import Chance, Weighted
from jukinet_daemon.sim.people.resident import Name
from jukinet_daemon.sim.people.tables import table

_SPACE = "\u3000"
_OLD_FORM = 0.03
_ALIAS = {"china": 0.2, "korea": 0.6}
# Names go with the year of birth: (first year, generation), youngest first.
_GENERATIONS = (("1990", "young"), ("1955", "middle"), ("0000", "elder"))


@dataclass(frozen=True, slots=True)
class Family:
    """氏 and its reading."""

    text: str
    kana: str


@cache
def _families() -> Weighted[Family]:
    rows = [Family(row["family"], row["kana"]) for row in table("family_names")]
    return Weighted(rows, [1 / (rank + 15) for rank in range(len(rows))])


@cache
def _old_forms() -> tuple[Family, ...]:
    return tuple(Family(row["family"], row["kana"]) for row in table("old_form_names"))


@cache
def _given() -> dict[tuple[str, str], list[tuple[str, str]]]:
    names: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in table("given_names"):
        names[row["sex"], row["generation"]].append((row["given"], row["kana"]))
    return names


@cache
def _foreign() -> dict[tuple[str, str], list[tuple[str, str]]]:
    names: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in table("foreign_names"):
        names[row["nation"], row["part"]].append((row["latin"], row["kanji"]))
    return names


@cache
def _nations() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["nation"] for row in table("foreign_names")))


def some_family(rng: Chance) -> Family:
    """A 氏; a few are written with old-form or compatibility characters or a variation selector."""
    return rng.choice(_old_forms()) if rng.random() < _OLD_FORM else _families().pick(rng)


def some_nation(rng: Chance) -> str:
    """Where a foreign resident comes from."""
    return rng.choice(_nations())


def japanese_name(rng: Chance, family: Family, sex: Sex, birth: str) -> Name:
    """A Japanese national's name with its reading."""
    generation = next(name for first, name in _GENERATIONS if birth[:4] >= first)
    given, kana = rng.choice(_given()[sex.value, generation])
    return Name(
        text=family.text + _SPACE + given,
        kana=family.kana + _SPACE + kana,
        family=family.text,
        family_kana=family.kana,
    )


def foreign_name(rng: Chance, nation: str, sex: Sex) -> Name:
    """A foreign resident's name: Latin capitals, or kanji, or both in the one column; no reading."""
    family, family_kanji = rng.choice(_foreign()[nation, "family"])
    given, given_kanji = rng.choice(_foreign()[nation, sex.value])
    latin = f"{family} {given}"
    if not family_kanji:
        return Name(latin, None, family, None)
    kanji = f"{family_kanji} {given_kanji}"
    text = kanji if rng.random() < 0.5 else f"{latin}{_SPACE}{kanji}"
    name = Name(text, None, family, None)
    return with_alias(rng, name) if rng.random() < _ALIAS[nation] else name


def with_alias(rng: Chance, name: Name) -> Name:
    """The name with a 通称 (令30条の16)."""
    family = some_family(rng)
    given, _ = rng.choice(_given()["female" if rng.random() < 0.5 else "male", "middle"])
    return replace(name, alias=family.text + _SPACE + given)


def with_former(name: Name, former: Family) -> Name:
    """The name with a 旧氏 and its reading (令30条の13)."""
    return replace(name, former=former.text, former_kana=former.kana)


def married(name: Name, family: Family, *, keep: bool) -> Name:
    """The name under another 氏, the one before kept as 旧氏 if asked for (Japanese nationals)."""
    given, kana = name.text.removeprefix(name.family), (name.kana or "").removeprefix(name.family_kana or "")
    return Name(
        text=family.text + given,
        kana=family.kana + kana,
        family=family.text,
        family_kana=family.kana,
        former=name.family if keep else None,
        former_kana=name.family_kana if keep else None,
    )

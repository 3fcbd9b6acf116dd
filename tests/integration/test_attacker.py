"""A stolen database: whoever has all of it and tries every guess finds no 個人番号."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from jukinet_daemon.domain.identifiers import individual_number_check_digit
from support.notices import juki_change
from support.store import bench, session

NUMBERS = 1_000
SPACE = 1_000_000
ALL_NUMBERS = 10**11
_FIRST = 37_947_000_000
_TABLES = """
SELECT quote_ident(relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""


@dataclass
class Loot:
    """A whole database as a thief sees it: every text, and every string of bytes with how often it occurs."""

    text: str = ""
    values: Counter[bytes] = field(default_factory=Counter)
    rows: list[tuple[bytes, ...]] = field(default_factory=list)


async def _loot(owner: asyncpg.Connection) -> Loot:
    loot = Loot()
    parts = []
    for table in await owner.fetch(_TABLES):
        for row in await owner.fetch(f"SELECT t.* FROM {table[0]} AS t"):
            fields = tuple(value for value in row if isinstance(value, bytes))
            loot.values.update(fields)
            loot.rows.append(fields)
            parts.append(" ".join(str(value) for value in row if not isinstance(value, bytes)))
    loot.text = "\n".join(parts)
    return loot


def _candidates(how_many: int = SPACE) -> Iterator[str]:
    """A reduced space of numbers: those from one on, each with its check digit."""
    for body in range(_FIRST, _FIRST + how_many):
        digits = f"{body:011}"
        yield digits + individual_number_check_digit(digits)


def _found(loot: Loot, candidates: Iterable[str]) -> set[str]:
    """The attack: every candidate in clear, hashed plainly, and hashed with every salt that rows share.

    Looks at whole values and at their ends, which is where something is cut or has something in front.
    """
    wanted = set(loot.values) | {value[2:] for value in loot.values}
    salts = [b"", *(value for value, times in loot.values.items() if times > 1 and len(value) <= 64)]
    found = set()
    for number in candidates:
        digits = number.encode()
        digests = (hashlib.sha256(salt + digits).digest() for salt in salts)
        if any(digest in wanted or digest[:16] in wanted for digest in digests):
            found.add(number)
    return found


def _found_row_by_row(loot: Loot, candidates: Iterable[str]) -> set[str]:
    """The attack on salts of a row's own: any value of a row as the salt of any other."""
    guesses = [(number, number.encode()) for number in candidates]
    found = set()
    for row in loot.rows:
        short = [value for value in row if len(value) <= 64]
        for salt in short:
            targets = {value for value in short if value is not salt}
            if targets:
                for number, digits in guesses:
                    digest = hashlib.sha256(salt + digits).digest()
                    if digest in targets or digest[:16] in targets:
                        found.add(number)
    return found


def _in_clear(loot: Loot, numbers: Iterable[str]) -> set[str]:
    blob = b"\0".join(loot.values)
    return {number for number in numbers if number in loot.text or number.encode() in blob}


async def _register(dsn: str, numbers: list[str]) -> None:
    async with bench(dsn) as door:
        for start in range(0, len(numbers), 200):
            births: list[dict[str, Any]] = [
                juki_change(person={"individual_number": number}) for number in numbers[start : start + 200]
            ]
            answers = await door.receive(*births)
            assert all('"ACCEPTED"' in answer.text for answer in answers)


async def test_a_thief_of_the_database_finds_no_number(
    new_database: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    dsn, candidates = new_database("juki"), list(_candidates())
    numbers = candidates[:: SPACE // NUMBERS]
    assert len(numbers) == NUMBERS
    await _register(dsn, numbers)
    async with session(dsn) as owner:
        assert await owner.fetchval("SELECT count(individual_number) FROM history") == NUMBERS
        sound = await _loot(owner)
        await owner.execute("CREATE TABLE salted (salt bytea NOT NULL, digest bytea NOT NULL)")
        salt = b"one salt for all"
        await owner.executemany(
            "INSERT INTO salted VALUES ($1, $2)",
            [(salt, hashlib.sha256(salt + number.encode()).digest()) for number in numbers],
        )
        weak = await _loot(owner)
    assert sum(len(row) for row in sound.rows) > 3 * NUMBERS
    began = time.monotonic()
    assert _found(sound, candidates) == set()
    spent = time.monotonic() - began
    assert _in_clear(sound, numbers) == set()
    assert _found_row_by_row(sound, numbers[:100]) == set()

    assert _found(weak, candidates) == set(numbers)  # teeth
    hours = spent * ALL_NUMBERS / SPACE / 3600
    with capsys.disabled():
        print(f"\n10^11 candidates, one core, this script: about {hours:.0f} h")


async def test_the_attack_has_teeth_for_every_weak_way_of_keeping_a_number() -> None:
    number = next(_candidates(1))
    digits = number.encode()
    salts = b"a", b"b"
    own = tuple(hashlib.sha256(salt + digits).digest()[:16] for salt in salts)
    assert _found(Loot(values=Counter([hashlib.sha256(digits).digest()])), [number]) == {number}
    assert _found(Loot(values=Counter([b"\0\1" + hashlib.sha256(digits).digest()[:16]])), [number]) == {
        number
    }
    assert _found_row_by_row(Loot(rows=[(salts[0], own[0])]), [number]) == {number}
    assert _found_row_by_row(Loot(rows=[(salts[1], own[0])]), [number]) == set()
    assert _in_clear(Loot(text=f"... {number} ..."), [number]) == {number}
    assert _in_clear(Loot(values=Counter([b"x" + digits])), [number]) == {number}

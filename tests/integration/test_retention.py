"""The view `retention` and the rule in the domain give every record the same term."""

from calendar import isleap
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import groupby
from random import Random

import asyncpg
import pytest

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.record import Record
from jukinet_daemon.domain.retention import keep_until, term_starts
from jukinet_daemon.store.rows import HISTORY_ROW, history_row
from support.records import record
from support.store import VAULT, session
from support.world import REGISTERS

CHANGES = (Change.ENTRY, Change.DELETION, Change.CORRECTION, Change.CODE_CORRECTION)


def told(version: int, change: Change, day: date, person: int) -> Record:
    return record(version, change, day, person_id=person, cause=Cause.BIRTH)


def edges() -> Iterable[Record]:
    """A record and its successor around the end of February of every year that could matter."""
    person = 0
    for year in range(2002, 2403):
        for day in (date(year, 2, 27), date(year, 2, 28), date(year, 2, 29) if isleap(year) else None):
            for start in (day, day + timedelta(days=1)) if day else ():
                person += 1
                yield told(1, Change.ENTRY, start, person)
                yield told(2, Change.DELETION, start, person)


def chance(dice: Random) -> Iterable[Record]:
    """Histories of 300 persons: gaps between versions, days in a row, days before what they follow."""
    for person in range(1, 301):
        version, day = 0, date(2026, 1, 1) + timedelta(days=dice.randrange(2000))
        for _ in range(dice.randrange(1, 9)):
            version += dice.randrange(1, 4)
            day += timedelta(days=dice.choice((-40, 0, 0, 1, 30, 365, 1461)))
            yield told(version, dice.choice(CHANGES), day, person)


async def write(owner: asyncpg.Connection, register: str, records: list[Record]) -> None:
    people = sorted({r.person_id for r in records})
    await owner.execute(
        "INSERT INTO person (person_id, version, stays, waiting, coded)"
        " SELECT p, 1, '{}', 0, true FROM unnest($1::bigint[]) AS p",
        people,
    )
    columns = HISTORY_ROW[register]
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    await owner.executemany(
        f"INSERT INTO history ({', '.join(columns)}) VALUES ({places})",
        [history_row(register, r, VAULT) for r in records],
    )


@pytest.mark.parametrize("register", REGISTERS)
async def test_the_view_and_the_rule_agree(new_database: Callable[[str], str], register: str) -> None:
    for records in (list(edges()), list(chance(Random(7)))):
        expected: dict[tuple[int, int], tuple[date | None, date | None]] = {}
        for person, own in groupby(records, key=lambda r: r.person_id):
            history = list(own)
            terms = zip(history, term_starts(history), keep_until(history), strict=True)
            expected |= {(person, r.version): (start, last) for r, start, last in terms}
        async with session(new_database(register)) as owner:
            await write(owner, register, records)
            rows = await owner.fetch("SELECT person_id, version, starts_on, keep_until FROM retention")
        assert len(rows) == len(records)
        assert {(r["person_id"], r["version"]): (r["starts_on"], r["keep_until"]) for r in rows} == expected

"""What the role of the bridge gets of the 住基 file: numbers of people overseas, after their evidence."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from jukinet_daemon.domain.bridge_outcomes import ANSWERED
from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.dates import date_range
from jukinet_daemon.domain.overseas import LastStay, left_overseas
from support.bridge import BURN
from support.store import session

BRIDGE = "jukinet_bridge"
TODAY = date(2026, 11, 24)
CODE, OTHER_CODE = "12345678901", "10987654321"
LEFT = LastStay(False, 0, False, Change.DELETION, Cause.OVERSEAS_MOVE_OUT, "20201110", CODE, numbered=True)
PEOPLE = {
    "left": LEFT,
    "open": replace(LEFT, open=True),
    "came back": replace(LEFT, open=True, change=Change.ENTRY, cause=Cause.OVERSEAS_MOVE_IN),
    "waits": replace(LEFT, waiting=1),
    "foreign": replace(LEFT, foreign=True),
    "died": replace(LEFT, cause=Cause.DEATH),
    "moved": replace(LEFT, cause=Cause.DOMESTIC_MOVE_OUT),
    "leaves later": replace(LEFT, event_date="20261125"),
    "leaves today": replace(LEFT, event_date="20261124"),
    "some day": replace(LEFT, event_date="00000000"),
    "another code": replace(LEFT, resident_code=OTHER_CODE),
    "no number": replace(LEFT, numbered=False),
}
ENTER = """
WITH entered AS (
    INSERT INTO person VALUES (1, 2, 2, ARRAY[
        ROW('401315', false, false, 1, 'entry', '20200101', '20200101', NULL, NULL)::stay,
        ROW('401315', $1, $2, 2, 'deletion', '20261110', '20200101', NULL, NULL)::stay
    ], $3, true)
)
INSERT INTO history (
    person_id, version, notice_id, area, is_foreign, change, cause, event_date, resident_code,
    individual_number, individual_number_index, date_of_birth, address, name_gaiji, address_gaiji, notified_on
)
SELECT 1, 2, gen_random_uuid(), '401315', $1, $4, $5, $6, $7, $8::bytea, $8::bytea, '19850403', '', 0, 0,
    '2026-11-10'
"""


@pytest.fixture
async def owner(new_database: Callable[[str], str]) -> AsyncIterator[asyncpg.Connection]:
    async with session(new_database("juki")) as connection:
        yield connection


async def _enter(owner: asyncpg.Connection, last: LastStay) -> None:
    """The one person of the file, whose code was CODE."""
    number = b"sealed" if last.numbered else None
    assert last.change
    assert last.cause
    stay = (last.foreign, last.open, last.waiting)
    record = (last.change.value, last.cause.value, last.event_date, last.resident_code, number)
    await owner.execute(ENTER, *stay, *record)
    await owner.execute("INSERT INTO person_key VALUES ('code', $1, 1)", CODE)


async def _as_bridge(owner: asyncpg.Connection) -> None:
    await owner.execute(f"SET ROLE {BRIDGE}")


async def _given(owner: asyncpg.Connection, *requests: str) -> list[bytes | None]:
    rows = await owner.fetch("SELECT individual_number FROM bridge_give($1::uuid[])", requests)
    return [row["individual_number"] for row in rows]


@pytest.mark.parametrize("who", PEOPLE)
async def test_the_database_and_the_rules_agree_on_who_left(owner: asyncpg.Connection, who: str) -> None:
    await _enter(owner, PEOPLE[who])
    version = await owner.fetchval("SELECT left_overseas($1, $2)", CODE, TODAY)
    assert version == (2 if left_overseas(PEOPLE[who], CODE, TODAY) is ANSWERED else None)


DAYS = [
    *(date(2026, month, 1) - timedelta(days=back) for month in range(1, 13) for back in (0, 1, 2)),
    *(date(2026, month, day) for month in (2, 11, 12) for day in (10, 11, 20, 21)),
    date(2028, 2, 28),
    date(2028, 2, 29),
]
MONTHS = (*(f"{month:02}" for month in range(13)), "A1", "A2", "A3", "A4")
DAYS_WRITTEN = ("00", "01", "10", "11", "20", "21", "28", "29", "30", "31", "A1", "A2", "A3")


async def test_the_database_and_the_rules_agree_on_what_lies_ahead(owner: asyncpg.Connection) -> None:
    written = [y + m + d for y in ("0000", "2025", "2026", "2028") for m in MONTHS for d in DAYS_WRITTEN]
    rows = await owner.fetch(
        "SELECT dated, today, lies_ahead(dated, today) AS ahead"
        " FROM unnest($1::text[]) AS dated, unnest($2::date[]) AS today",
        written,
        DAYS,
    )
    assert len(rows) == len(written) * len(DAYS)
    for row in rows:
        span = date_range(row["dated"])
        assert row["ahead"] == (span is not None and span[1] > row["today"]), tuple(row)


@pytest.mark.parametrize(
    "who", [who for who, last in PEOPLE.items() if left_overseas(last, CODE, TODAY) is not ANSWERED]
)
async def test_no_call_gives_the_number_of_who_is_not_overseas(owner: asyncpg.Connection, who: str) -> None:
    """Whoever has the role puts every code to everything it may call."""
    # By the real clock.
    last = replace(LEFT, event_date="29991231") if who == "leaves later" else PEOPLE[who]
    await _enter(owner, last)
    await _as_bridge(owner)
    found = await owner.fetch("SELECT * FROM bridge_find($1)", [CODE])
    assert [row["person_id"] for row in found] == [1]
    assert b"sealed" not in found[0].values()
    requests = [str(uuid4()), str(uuid4())]
    for expected in (2, None):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.fetchval(BURN, requests[0], requests[0], "B100", CODE, expected)
    assert await owner.fetchval(BURN, requests[1], requests[1], "B324", CODE, 2) == ["done"]
    assert await _given(owner, *requests) == [None, None]


async def test_a_number_comes_after_its_evidence_is_committed(owner: asyncpg.Connection) -> None:
    """Also within a savepoint: elsewise a thief would read the number and roll its evidence back."""
    await _enter(owner, LEFT)
    await _as_bridge(owner)
    request = str(uuid4())
    for inner in (False, True):
        transaction = owner.transaction()
        await transaction.start()
        if inner:
            await owner.execute("SAVEPOINT hidden")
        assert await owner.fetchval(BURN, request, request, "B100", CODE, 2) == ["done"]
        if inner:
            await owner.execute("RELEASE hidden")
        assert await _given(owner, request) == [None]
        await transaction.rollback()
    assert await _given(owner, request) == [None]
    assert await owner.fetchval(BURN, request, request, "B100", CODE, 2) == ["done"]
    assert await _given(owner, request, str(uuid4())) == [b"sealed", None]
    await owner.execute("RESET ROLE")
    assert await owner.fetchval("SELECT count(*) FROM ledger") == 1


async def test_a_number_is_given_for_a_minute(owner: asyncpg.Connection) -> None:
    await _enter(owner, LEFT)
    request = str(uuid4())
    assert await owner.fetchval(BURN, request, request, "B100", CODE, 2) == ["done"]
    for minutes in (-2, 2):
        await owner.execute(
            "UPDATE bridge_answer SET answered_at = now() + make_interval(mins => $1)", minutes
        )
        assert await _given(owner, request) == [None]


EVIDENCE: dict[str, Any] = {
    "another request": ("gen_random_uuid()", "$3::text"),
    "another outcome": ("$1::uuid", "'B324'"),
}


@pytest.mark.parametrize("of", EVIDENCE)
async def test_an_answer_needs_evidence_of_itself(owner: asyncpg.Connection, of: str) -> None:
    await _enter(owner, LEFT)
    await _as_bridge(owner)
    request, code = EVIDENCE[of]
    forged = BURN.replace("'request', $1::uuid, 'code', $3::text", f"'request', {request}, 'code', {code}")
    assert forged != BURN
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.fetchval(forged, str(uuid4()), str(uuid4()), "B100", CODE, 2)


@pytest.mark.parametrize(
    "call",
    [
        "bridge_find(array_fill('00000000000'::text, '{101}'))",
        "bridge_give(array_fill(gen_random_uuid(), '{101}'))",
        "bridge_burn(array_fill(NULL::bridge_answer_row, '{101}'), '{}')",
    ],
)
async def test_a_call_is_about_few(owner: asyncpg.Connection, call: str) -> None:
    await _as_bridge(owner)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="too many"):
        await owner.fetch(f"SELECT {call}")

"""What the process at the notices door, which has their key, gets of fingerprints: an answer, slowly."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from support.store import session
from support.world import until

NOTICES, WATCH = "jukinet_notices", "jukinet_watch"
ID, ANOTHER, UNKNOWN = (f"00000000-0000-4000-8000-00000000000{place}" for place in (1, 2, 3))
REMEMBERED = """
INSERT INTO inbox (notice_id, sender, parcel_id, fingerprint, outcome, code, answer)
VALUES ($1, $2, 1, 'said', 'ACCEPTED', 'A100', '{}')
"""
FUKUOKA, KITAKYUSHU = "401307", "401005"
CAME = """
INSERT INTO parcel (parcel_id, sender, number, digest, thumbprint, sealed, received_at, fingerprint, kinds)
SELECT place, '401307', 7, place::text, '', '', now() + place * interval '1 second', said::bytea,
    CASE WHEN said IS NOT NULL THEN '{}'::text[] END
FROM unnest($1::text[]) WITH ORDINALITY AS came (said, place)
"""


@pytest.fixture
def juki(new_database: Callable[[str], str]) -> str:
    return new_database("juki")


async def _same(connection: asyncpg.Connection, *asked: tuple[str, bytes]) -> list[tuple[str, bytes]]:
    ids, contents = zip(*asked, strict=True)
    rows = await connection.fetch("SELECT * FROM same_notices($1::uuid[], $2::bytea[])", ids, contents)
    return sorted((str(row["notice_id"]), row["fingerprint"]) for row in rows)


async def test_what_was_said_is_told_from_what_was_not(juki: str) -> None:
    async with session(juki) as owner, session(juki, role=NOTICES) as door:
        await owner.execute(REMEMBERED, ID, FUKUOKA)
        assert await _same(door, (ID, b"said"), (ID, b"guess"), (ANOTHER, b"said")) == [(ID, b"said")]


async def test_every_guess_at_a_notice_costs_a_millisecond(juki: str) -> None:
    async with session(juki) as owner, session(juki, role=NOTICES) as door:
        await owner.execute(REMEMBERED, ID, FUKUOKA)
        loop = asyncio.get_running_loop()
        for guesses in (1, 200):
            begun = loop.time()
            assert await _same(door, *((ID, str(guess).encode()) for guess in range(guesses))) == []
            assert loop.time() - begun >= guesses * 0.001
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _same(door, *((ID, b"") for _ in range(1001)))


@pytest.mark.parametrize(
    ("role", "call"),
    [
        (NOTICES, f"SELECT same_notices('{{{ID}}}', '{{x}}')"),
        (WATCH, "SELECT parcels_of_number('401307', 7)"),
    ],
)
async def test_guesses_go_one_after_another(juki: str, role: str, call: str) -> None:
    """Elsewise many sessions would guess many times as fast."""
    async with session(juki) as owner, session(juki, role=role) as one, session(juki, role=role) as other:
        await owner.execute(REMEMBERED, ID, FUKUOKA)

        async def waits() -> bool:
            event = "SELECT wait_event FROM pg_stat_activity WHERE pid = $1"
            return bool(await owner.fetchval(event, other.get_server_pid()) == "advisory")

        async with one.transaction():
            await one.fetch(call)
            second = asyncio.create_task(other.fetch(call))
            await until(waits)
            assert not second.done()
        await second


async def test_guesses_at_what_one_sent_keep_nobody_elses_repeats_waiting(juki: str) -> None:
    """One CS that sends hundreds of contents under one id must not hold up the repeats of all others."""
    role = NOTICES
    async with session(juki) as owner, session(juki, role=role) as one, session(juki, role=role) as other:
        await owner.execute(REMEMBERED, ID, FUKUOKA)
        await owner.execute(REMEMBERED, ANOTHER, KITAKYUSHU)
        async with one.transaction():
            await _same(one, (ID, b"guess"))
            await other.execute("SET lock_timeout = '5s'")
            assert await _same(other, (ANOTHER, b"said")) == [(ANOTHER, b"said")]
            assert await _same(other, (UNKNOWN, b"said")) == []
        assert await _same(other, (ANOTHER, b"said"), (ID, b"said")) == [(ID, b"said"), (ANOTHER, b"said")]


async def test_parcels_of_a_number_are_held_against_the_first(juki: str) -> None:
    async with session(juki) as owner, session(juki, role=WATCH) as watch:
        await owner.execute(CAME, ["said", "said", "another", None])
        rows = await watch.fetch("SELECT * FROM parcels_of_number('401307', 7)")
        assert [tuple(row) for row in rows] == [("1", True), ("2", True), ("3", False), ("4", None)]
        assert await watch.fetch("SELECT * FROM parcels_of_number('401307', 8)") == []


async def test_every_parcel_that_is_compared_costs_a_millisecond(juki: str) -> None:
    """A thief could put in parcels that carry guesses."""
    async with session(juki) as owner, session(juki, role=WATCH) as watch:
        await owner.execute(CAME, ["guess"] * 200)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await watch.fetch("SELECT * FROM parcels_of_number('401307', 7)")
        assert loop.time() - begun >= 0.2

"""確定: each decision is a transaction of its own, whole or not at all, and a race is noticed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from support.notices import departure, juki_change, resident_code
from support.store import Bench, bench, holding, outcomes, waiting_calls
from support.world import KITAKYUSHU

ACCEPTED, HELD, REFUSED = "ACCEPTED", "HELD", "REFUSED"
EVERYTHING = """
SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM history), (SELECT count(*) FROM outbox),
    (SELECT count(*) FROM ledger)
"""


@pytest.fixture
def dsn(new_database: Callable[[str], str]) -> str:
    return new_database("juki")


@pytest.fixture
async def benches(dsn: str) -> AsyncIterator[tuple[Bench, Bench]]:
    """Two sessions of the notices door, as of two processes."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(bench(dsn)), await stack.enter_async_context(bench(dsn))


@pytest.fixture
def desk(benches: tuple[Bench, Bench]) -> Bench:
    return benches[0]


def correction(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A 修正 of the person of an entry."""
    return juki_change(
        **{"change": "correction", "cause": "correction_ex_officio", "person": of["person"]} | changes
    )


async def everything(owner: asyncpg.Connection) -> tuple[int, ...]:
    """How many rows inbox, history, outbox and ledger have."""
    (counts,) = await owner.fetch(EVERYTHING)
    return tuple(counts.values())


async def test_each_decision_is_a_transaction_of_its_own(desk: Bench, owner: asyncpg.Connection) -> None:
    notices = [juki_change() for _ in range(3)]
    assert outcomes(await desk.receive(*notices)) == [ACCEPTED] * 3
    rows = await owner.fetch(
        "SELECT i.xmin::text AS i, h.xmin::text AS h, o.xmin::text AS o, l.xmin::text AS l, p.xmin::text AS p"
        " FROM inbox AS i JOIN history AS h USING (notice_id) JOIN outbox AS o USING (notice_id)"
        " JOIN ledger AS l ON l.payload::jsonb ->> 'id' = i.notice_id::text"
        " JOIN person AS p ON p.person_id = h.person_id"
    )
    transactions = [set(row.values()) for row in rows]
    assert [len(one) for one in transactions] == [1, 1, 1]
    assert len(set.union(*transactions)) == 3


async def test_what_each_kind_of_answer_leaves(desk: Bench, owner: asyncpg.Connection) -> None:
    entry = juki_change()
    code = entry["person"]["resident_code"]
    stray = juki_change(change="deletion", cause="death")
    answers = await desk.receive(entry, departure(resident_code=code), stray, juki_change(area="131016"))
    assert outcomes(answers) == [ACCEPTED, ACCEPTED, HELD, REFUSED]
    assert await everything(owner) == (4, 1, 1, 4)
    assert await owner.fetchval("SELECT count(*) FROM departure") == 1
    assert await owner.fetchval("SELECT count(*) FROM held") == 1
    texts = [row["answer"] for row in await owner.fetch("SELECT answer FROM inbox")]
    assert sorted(texts) == sorted(answer.text for answer in answers)


@pytest.mark.parametrize("table", ["history", "outbox"])
async def test_a_record_that_cannot_be_stored_is_held_and_spoils_no_neighbour(
    desk: Bench, owner: asyncpg.Connection, table: str
) -> None:
    bad, *good = [juki_change() for _ in range(4)]
    await owner.execute(f"ALTER TABLE {table} ADD CHECK (notice_id <> '{bad['id']}')")
    answers = await desk.receive(good[0], bad, *good[1:])
    assert [json.loads(answer.text)["outcome"] for answer in answers] == [ACCEPTED, HELD, ACCEPTED, ACCEPTED]
    assert await everything(owner) == (4, 3, 3, 4)
    assert await owner.fetchval("SELECT array_agg(notice_id::text) FROM held") == [bad["id"]]


@pytest.mark.parametrize("table", ["inbox", "ledger"])
async def test_a_notice_that_cannot_even_be_held_spoils_no_neighbour(
    desk: Bench, owner: asyncpg.Connection, table: str
) -> None:
    """Nothing of it stays, and it may be sent again."""
    bad, *good = [juki_change() for _ in range(4)]
    check = f"strpos(payload, '{bad['id']}') = 0" if table == "ledger" else f"notice_id <> '{bad['id']}'"
    await owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT no CHECK ({check})")
    answers = await desk.receive(good[0], bad, *good[1:])
    words = [json.loads(answer.text)["outcome"] for answer in answers]
    assert words == [ACCEPTED, "LATER", ACCEPTED, ACCEPTED]
    assert await everything(owner) == (3, 3, 3, 3)
    assert await owner.fetchval("SELECT count(*) FROM person") == 3

    await owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT no")
    assert outcomes(await desk.receive(bad)) == [ACCEPTED]


async def test_a_parcel_is_kept_once_however_often_its_notices_go_round(
    desk: Bench, owner: asyncpg.Connection
) -> None:
    notice = juki_change()
    await desk.receive(notice, juki_change(), notice)
    assert await owner.fetchval("SELECT count(*) FROM parcel") == 1


async def test_a_person_that_moved_on_is_a_conflict_and_leaves_nothing(
    benches: tuple[Bench, Bench], owner: asyncpg.Connection
) -> None:
    one, other = benches
    entry = juki_change()
    await one.receive(entry)
    late = await one.planned(correction(entry))
    assert outcomes(await other.receive(correction(entry))) == [ACCEPTED]
    before = await everything(owner)
    assert await one.commit(late) == ["conflict"]
    assert await everything(owner) == before


async def test_a_conflict_is_decided_again_and_accepted_once(
    benches: tuple[Bench, Bench], owner: asyncpg.Connection
) -> None:
    one, other = benches
    entry, mine, theirs = (first := juki_change()), correction(first), correction(first)
    await one.receive(entry)
    one.inbox.meanwhile.append(lambda: other.receive(theirs))
    assert outcomes(await one.receive(mine)) == [ACCEPTED]
    rows = await owner.fetch("SELECT notice_id::text FROM history ORDER BY version")
    assert [row["notice_id"] for row in rows] == [entry["id"], theirs["id"], mine["id"]]
    assert await everything(owner) == (3, 3, 3, 3)


async def test_a_conflict_can_change_the_answer(benches: tuple[Bench, Bench]) -> None:
    one, other = benches
    entry = juki_change()
    await one.receive(entry)
    death = juki_change(change="deletion", cause="death", person=entry["person"])
    one.inbox.meanwhile.append(lambda: other.receive(death))
    assert outcomes(await one.receive(correction(entry))) == [HELD]


async def test_a_later_decision_does_not_meet_its_version_by_chance(benches: tuple[Bench, Bench]) -> None:
    """The other session moved the person on by one, to the version that our second decision expects."""
    one, other = benches
    entry = juki_change()
    await one.receive(entry)
    late = await one.planned(correction(entry), correction(entry), juki_change())
    await other.receive(correction(entry))
    assert await one.commit(late) == ["conflict", "conflict", "done"]


async def test_nor_does_one_behind_an_id_that_another_sender_took(
    benches: tuple[Bench, Bench], owner: asyncpg.Connection
) -> None:
    """As above, but the other session moved the person by a notice of the same id as our first."""
    one, other = benches
    entry = juki_change()
    await one.receive(entry)
    first, second = correction(entry), correction(entry)
    late = await one.planned(first, second)
    theirs = juki_change(id=first["id"], area="401013", person=entry["person"])
    assert outcomes(await other.receive(theirs, sender=KITAKYUSHU)) == [ACCEPTED]
    assert await one.commit(late) == ["seen", "conflict"]
    assert outcomes(await one.receive(first, second)) == [REFUSED, ACCEPTED]
    stays = await owner.fetchval("SELECT stays FROM person")
    assert [stay["area"] for stay in stays] == [entry["area"], "401013"]


async def test_an_id_taken_from_under_a_notice_about_nobody_stops_nothing_behind_it(
    benches: tuple[Bench, Bench],
) -> None:
    one, other = benches
    about_nobody = juki_change(person={"sex": "unknown"})
    late = await one.planned(about_nobody, juki_change())
    assert outcomes(await other.receive(about_nobody)) == [REFUSED]
    assert await one.commit(late) == ["seen", "done"]


async def test_two_sessions_claim_a_new_code_at_once(
    dsn: str, benches: tuple[Bench, Bench], owner: asyncpg.Connection
) -> None:
    one, other = benches
    code = resident_code()
    here = await one.planned(juki_change(person={"resident_code": code}))
    there = await other.planned(juki_change(area="401013", person={"resident_code": code}), sender=KITAKYUSHU)
    async with holding(dsn, "LOCK TABLE ledger"):
        first = asyncio.create_task(one.commit(here))
        await waiting_calls(owner)
        second = asyncio.create_task(other.commit(there))
        await waiting_calls(owner, 2)
    assert (await first, await second) == (["done"], ["conflict"])
    assert await owner.fetchval("SELECT count(*) FROM person") == 1
    assert await everything(owner) == (1, 1, 1, 1)


async def test_two_sessions_receive_a_new_person_at_once(
    benches: tuple[Bench, Bench], owner: asyncpg.Connection
) -> None:
    one, other = benches
    code = resident_code()
    here = juki_change(person={"resident_code": code})
    there = juki_change(area="401013", person={"resident_code": code})
    answers = await asyncio.gather(one.receive(here), other.receive(there, sender=KITAKYUSHU))
    assert [outcomes(of_one) for of_one in answers] == [[ACCEPTED], [ACCEPTED]]
    assert await owner.fetchval("SELECT array_agg(version) FROM person") == [2]


async def test_two_sessions_commit_the_same_id_at_once(
    dsn: str, benches: tuple[Bench, Bench], owner: asyncpg.Connection
) -> None:
    one, other = benches
    notice = juki_change()
    async with holding(dsn, "LOCK TABLE ledger"):
        first = asyncio.create_task(one.receive(notice))
        await waiting_calls(owner)
        second = asyncio.create_task(other.receive(notice))
        await waiting_calls(owner, 2)
    answers = await first + await second
    assert outcomes(answers) == [ACCEPTED, "REPEATED"]
    assert answers[0].text == answers[1].text
    assert await everything(owner) == (1, 1, 1, 1)
    assert await owner.fetchval("SELECT redelivered FROM inbox") == 1


async def test_repeats_are_counted_and_answered_word_for_word(desk: Bench, owner: asyncpg.Connection) -> None:
    notices = [juki_change(), juki_change()]
    first = await desk.receive(*notices)
    for times in (1, 2):
        again = await desk.receive(*notices)
        assert outcomes(again) == ["REPEATED"] * 2
        assert [answer.text for answer in again] == [answer.text for answer in first]
        rows = await owner.fetch("SELECT redelivered FROM inbox")
        assert [row["redelivered"] for row in rows] == [times] * 2
    assert await everything(owner) == (2, 2, 2, 2)


async def test_an_id_with_other_content_is_evidence_and_changes_nothing(
    desk: Bench, owner: asyncpg.Connection
) -> None:
    notice = juki_change()
    await desk.receive(notice)
    (answer,) = await desk.receive(notice | {"event_date": "20261031"})
    assert json.loads(answer.text)["outcome"] == REFUSED
    assert await everything(owner) == (1, 1, 1, 2)


@pytest.mark.parametrize("held", ["LOCK TABLE ledger", "LOCK TABLE closing"])
async def test_a_connection_lost_mid_call_is_answered_later_and_nothing_doubles(
    dsn: str, desk: Bench, owner: asyncpg.Connection, held: str
) -> None:
    """Killed before anything is committed, and killed when all but the closing transaction is."""
    notices = [juki_change() for _ in range(3)]
    async with holding(dsn, held):
        answers = asyncio.create_task(desk.receive(*notices))
        (pid,) = await waiting_calls(owner)
        await owner.execute("SELECT pg_terminate_backend($1)", pid)
        assert outcomes(await answers) == ["LATER"] * 3
    retried = await desk.receive(*notices)
    assert outcomes(retried) == [ACCEPTED if "ledger" in held else "REPEATED"] * 3
    assert await everything(owner) == (3, 3, 3, 3)
    assert await owner.fetchval("SELECT count(*) FROM parcel") == 2

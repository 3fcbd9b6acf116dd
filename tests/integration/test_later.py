"""The database goes away: LATER, and nothing overtakes what is to be sent again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from conftest import HouseMaker
from jukinet_daemon.outward import PeerFault
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.service.numbers import Numbers
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.municipality import Answered, MunicipalCs, Window
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.national import national, relay_of, relayed, taken
from support.stall import a_batch_waits, commits_stand_still, house_on, life_of_a_person
from support.watch import versions
from support.wellness import outcome, well
from support.world import FUKUOKA, CsLine, House, Pki, postgres, until


@pytest.fixture
def mortal() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that a test may kill."""
    with postgres() as server:
        yield server


async def replies_to_the_end(line: CsLine) -> tuple[list[Any], str]:
    """All replies until the line ends, and how it ended."""
    replies: list[Any] = []
    while True:
        try:
            replies.append((await line.conversation.receive()).reply)
        except PeerFault as fault:
            return replies, str(fault)


async def end_sessions(house: House, role: str) -> None:
    """Ends every session of a door's role, in whatever it does."""
    await house.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE $1",
        f"{role} %",
    )


async def test_killed_database_and_nothing_overtakes(
    mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path
) -> None:
    async with house_on(mortal, pki, tmp_path) as house:
        entry, *rest = life_of_a_person(corrections=6)
        async with house.line() as line:
            (answer,) = await line.tell(entry)
            assert answer.code == "A100"
            await asyncio.to_thread(mortal.kill)
            for notice in rest:
                with suppress(PeerFault):
                    await line.conversation.send(line.parcel(notice))
            replies, end = await replies_to_the_end(line)
        assert [[(a.outcome, a.code) for a in reply.answers] for reply in replies] == [[("LATER", "L500")]]
        assert (len(replies), end) == (1, "the line ended: 1013")
        await asyncio.to_thread(mortal.start)
        assert await versions(house) == [entry["id"]]
        async with house.line() as line:
            answers = await line.tell(*rest)
        assert {answer.code for answer in answers} == {"A100"}
        assert await versions(house) == [entry["id"], *(notice["id"] for notice in rest)]


async def test_nothing_is_remembered_of_a_parcel_that_was_not_taken(
    mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No look at the numbers would ever clear it away, and a CS tries for as long as the database is away."""
    noted, note = [], Numbers.answered

    def answered(numbers: Numbers, sender: str, number: int, digest: str) -> None:
        noted.append(digest)
        note(numbers, sender, number, digest)

    monkeypatch.setattr(Numbers, "answered", answered)
    async with house_on(mortal, pki, tmp_path) as house:
        assert await outcome(house) == "ACCEPTED"
        await asyncio.to_thread(mortal.kill)
        for _ in range(3):
            assert await outcome(house) == "LATER"
        assert len(noted) == 1
        await asyncio.to_thread(mortal.start)
        await well(house)
        assert await outcome(house) == "ACCEPTED"
        assert len(noted) == 2


async def test_session_ended_in_the_middle_of_a_commit(open_house: HouseMaker) -> None:
    """LATER does not say that nothing was applied: what was is answered as a repeat."""
    house = await open_house("juki", national=False)
    life = life_of_a_person(corrections=6)
    async with house.line() as line, commits_stand_still(house):
        await line.conversation.send(line.parcel(life[0]))
        await a_batch_waits(house)
        for notice in life[1:]:
            await line.conversation.send(line.parcel(notice))
        await end_sessions(house, "jukinet_notices")
        replies, end = await replies_to_the_end(line)
    assert [answer.outcome for reply in replies for answer in reply.answers] == ["LATER"]
    assert end == "the line ended: 1013"
    assert set(await versions(house)) <= {life[0]["id"]}
    async with house.line() as line:
        reply = await line.exchange(line.parcel(*life))
    assert {answer.code for answer in reply.answers} == {"A100"}
    assert set(reply.repeated) <= {0}
    assert await versions(house) == [notice["id"] for notice in life]


async def test_other_senders_lines_stay_whole(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    async with house.line() as idle:
        async with house.line() as line, commits_stand_still(house):
            await line.conversation.send(line.parcel(*life_of_a_person(corrections=1)))
            await a_batch_waits(house)
            await end_sessions(house, "jukinet_notices")
            replies, end = await replies_to_the_end(line)
        assert (len(replies), end) == (1, "the line ended: 1013")
        (answer,) = await idle.tell(life_of_a_person(corrections=0)[0])
    assert answer.code == "A100"


@asynccontextmanager
async def municipal_cs(house: House, folder: Path, answered: list[Answered]) -> AsyncIterator[MunicipalCs]:
    """A CS that does its work by itself."""
    caller = house.pki.caller(Role.CS, FUKUOKA, "juki")
    window = Window("juki", FUKUOKA, house.notices_url, caller, parcel_notices=2)
    journal = Journal(folder / "cs.ndjson")
    cs = MunicipalCs(window, journal, answered.append)
    work = asyncio.create_task(cs.run())
    try:
        yield cs
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        journal.close()


async def test_cs_delivers_everything_in_order_by_itself(
    mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path
) -> None:
    answered: list[Answered] = []
    life = life_of_a_person(corrections=120)

    async with house_on(mortal, pki, tmp_path) as house, municipal_cs(house, tmp_path, answered) as cs:
        with capture_logs() as events:
            cs.post(life)

            async def under_way() -> bool:
                return len(answered) >= 10

            async def noticed() -> bool:
                return any(event["event"] == "batch_failed" for event in events)

            await until(under_way)
            mortal.kill()
            await until(noticed)
            await asyncio.to_thread(mortal.start)
            async with asyncio.timeout(30):
                await cs.done()
        assert [item.notice["id"] for item in answered] == [notice["id"] for notice in life]
        assert {item.outcome for item in answered} == {"ACCEPTED"}
        assert await versions(house) == [notice["id"] for notice in life]


async def test_relay_outlives_its_database(mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path) -> None:
    journal = tmp_path / "national.ndjson"
    async with (
        house_on(mortal, pki, tmp_path) as house,
        national(pki, journal) as url,
        relay_of(house, url=url) as relay,
    ):
        first, *rest = life_of_a_person(corrections=3)
        async with house.line() as line:
            await line.tell(first)
        await until(lambda: relayed(house))
        with capture_logs() as events:
            mortal.kill()

            async def noticed() -> bool:
                broken = any(event["event"] == "relay_interrupted" for event in events)
                return broken or any(task.done() for task in relay.loops)

            await until(noticed)
        await asyncio.to_thread(mortal.start)
        assert [task for task in relay.loops if task.done()] == []
        async with house.line() as line:
            await line.tell(*rest)
        await until(lambda: relayed(house))
    assert taken(journal) == [first["id"], *(notice["id"] for notice in rest)]


async def test_relay_session_ended(open_house: HouseMaker) -> None:
    house = await open_house("juki")
    first, *rest = life_of_a_person(corrections=3)
    async with house.line() as line:
        await line.tell(first)
        await until(lambda: relayed(house))
        await end_sessions(house, "jukinet_relay")
        await line.tell(*rest)
    await until(lambda: relayed(house))
    assert [task for task in house.daemon.loops if task.done()] == []
    assert taken(house.national_journal) == [first["id"], *(notice["id"] for notice in rest)]

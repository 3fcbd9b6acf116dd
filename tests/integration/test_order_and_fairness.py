"""Order for each person, turns between senders, and no reading without bound."""

import asyncio
import json

import pytest

from conftest import HouseMaker
from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.service.lanes import Answer, Arrival, Lanes, Waiting
from jukinet_daemon.service.refuse import Refuser
from jukinet_daemon.sim.journal import read_journal
from support.forge import fields, sealed
from support.notices import juki_change
from support.raw import TEXT, RawLine, cs_context, raw_line
from support.stall import a_batch_waits, commits_stand_still, life_of_a_person
from support.watch import versions
from support.world import KITAKYUSHU, until


async def test_notices_about_a_person_apply_in_the_order_sent(open_house: HouseMaker) -> None:
    house = await open_house("juki", notices={"listen": "127.0.0.1:0", "batch_notices": 3})
    life = life_of_a_person(corrections=30)
    async with house.line() as line:
        for notice in life:
            await line.conversation.send(line.parcel(notice, juki_change()))
        replies = [(await line.conversation.receive()).reply for _ in life]
    assert [reply.parcel for reply in replies] == list(range(1, len(life) + 1))
    assert {answer.code for reply in replies for answer in reply.answers} == {"A100"}
    sent = [notice["id"] for notice in life]
    assert [name for name in await versions(house) if name in set(sent)] == sent

    async def relayed() -> list[str]:
        names = [entry["record"]["id"] for entry in read_journal(house.national_journal)]
        return names if len(names) == 2 * len(life) else []

    assert [name for name in await until(relayed) if name in set(sent)] == sent


async def test_flood_delays_another_by_one_turn_only(
    open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, flood = 4, 60
    queued: list[str] = []
    put = Lanes.put

    async def counting_put(self: Lanes, arrival: Arrival) -> "asyncio.Future[list[Answer]]":
        promise = await put(self, arrival)
        queued.append(arrival.parcel.sender)
        return promise

    taken: list[str] = []
    pick = Lanes._pick

    def noting_pick(self: Lanes, notices: int) -> list[Waiting]:
        batch = pick(self, notices)
        taken.extend(waiting.arrival.parcel.sender for waiting in batch)
        return batch

    monkeypatch.setattr(Lanes, "put", counting_put)
    monkeypatch.setattr(Lanes, "_pick", noting_pick)
    door = {"listen": "127.0.0.1:0", "batch_notices": batch, "parcels_in_flight": 64}
    house = await open_house("juki", national=False, notices=door)
    modest = juki_change(area="401013")

    async def all_queued() -> bool:
        return len(queued) == flood + 1

    async with house.line() as flooder, house.line(KITAKYUSHU) as other:
        async with commits_stand_still(house):
            for _ in range(flood):
                await flooder.conversation.send(flooder.parcel(juki_change()))
            await other.conversation.send(other.parcel(modest))
            await until(all_queued)
        (answer,) = (await other.conversation.receive()).reply.answers
        for _ in range(flood):
            await flooder.conversation.receive()
    assert answer.code == "A100"
    assert len(await versions(house)) == flood + 1
    # The batch that stood still when the other came, and one parcel of the flooder in the next. What is
    # handed out counts: two workers commit side by side.
    assert taken.index(KITAKYUSHU) <= batch + 1


async def test_flood_of_what_cannot_be_read_takes_one_connection_and_nobody_elses_turn(
    open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood, erring = 30, []
    refuse = Refuser.refuse

    async def counting(self: Refuser, peer: str, parcel_digest: str, outcome: Outcome) -> Outcome:
        erring.append(peer)
        return await refuse(self, peer, parcel_digest, outcome)

    monkeypatch.setattr(Refuser, "refuse", counting)
    door = {"listen": "127.0.0.1:0", "parcels_in_flight": 64}
    house = await open_house("juki", national=False, notices=door)

    async def all_wait() -> bool:
        return len(erring) == flood + 1

    async with house.line() as flooder, house.line(KITAKYUSHU) as other:
        async with commits_stand_still(house):
            for _ in range(flood):
                await flooder.conversation.send("unreadable")
            await a_batch_waits(house)
            await other.conversation.send("unreadable")
            await until(all_wait)
            waiting = await house.rows(
                "SELECT FROM pg_locks WHERE relation = 'closing'::regclass AND NOT granted"
            )
        assert (await other.conversation.receive()).reply.refused.code == "P400"
        for _ in range(flood):
            await flooder.conversation.receive()
    assert len(waiting) == 1
    refusals = await house.rows(
        "SELECT payload::json ->> 'sender' AS sender FROM ledger"
        " WHERE payload::json ->> 'event' = 'parcel_refused' ORDER BY entry_id"
    )
    senders = [row["sender"] for row in refusals]
    assert len(senders) == flood + 1
    # The one under way when the other came, and one more at most.
    assert senders.index(KITAKYUSHU) <= 2


async def test_sender_that_reads_no_replies_is_not_read_without_bound(open_house: HouseMaker) -> None:
    parcels, each = 120, 500
    house = await open_house("juki", national=False)
    async with house.line() as sane, raw_line(house, cs_context(house), receive_buffer=4096) as raw:
        await raw.upgrade()
        # Bad notices: a long reply for a short parcel. The reader's own buffer is bounded too.
        bad = sealed(sane, json.dumps(fields(*[{}] * each)))
        answered: list[int] = []

        async def stalled() -> bool:
            answered.append((await house.rows("SELECT count(*) FROM parcel"))[0]["count"])
            return len(answered) > 25 and answered[-1] > 0 and len(set(answered[-25:])) == 1

        sender = asyncio.create_task(_send_all(raw, bad, parcels))
        await until(stalled)
        assert answered[-1] < parcels / 2
        (answer,) = await sane.tell(juki_change())
        assert answer.code == "A100"
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _send_all(raw: RawLine, message: str, count: int) -> None:
    for _ in range(count):
        await raw.send(TEXT, message.encode())

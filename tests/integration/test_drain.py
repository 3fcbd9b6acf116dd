"""Stopping: what was taken is answered, what was answered is stored, and nobody new is let in."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from conftest import HouseMaker
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.outward import PeerFault
from support.notices import juki_change
from support.raw import cs_context, raw_line
from support.stall import a_batch_waits, commits_stand_still
from support.watch import versions
from support.world import KITAKYUSHU, CsLine, House, until

PARCELS = 30


async def answers_to_the_end(line: CsLine) -> tuple[list[Any], str]:
    """All answers until the line ends, and how it ended."""
    answers: list[Any] = []
    while True:
        try:
            answers += (await line.conversation.receive()).reply.answers
        except PeerFault as fault:
            return answers, str(fault)


async def door_closed(house: House) -> bool:
    host, _, port = house.daemon.addresses["notices"].rpartition(":")
    try:
        _reader, writer = await asyncio.open_connection(host, int(port))
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_stop_while_parcels_are_in_flight(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    notices = [juki_change() for _ in range(PARCELS)]
    async with house.line() as line:
        async with commits_stand_still(house):
            for notice in notices:
                await line.conversation.send(line.parcel(notice))
            await a_batch_waits(house)
            stopping = asyncio.create_task(house.daemon.stop())
            await until(lambda: door_closed(house))
            assert not stopping.done()
        answers, end = await answers_to_the_end(line)
        await stopping
    assert end == "the line ended: 1001"
    # At least the batch that was being committed was finished and answered.
    assert len(answers) > 0
    assert {answer.code for answer in answers} == {"A100"}
    names = [answer.id for answer in answers]
    assert names == [notice["id"] for notice in notices][: len(names)]
    kept = await house.rows("SELECT notice_id::text AS id FROM inbox")
    assert set(names) <= {row["id"] for row in kept}
    await _all_is_safe(house, notices, {row["id"] for row in kept})


async def _all_is_safe(house: House, notices: list[dict[str, Any]], kept: set[str]) -> None:
    """After the next start everything sent again is accepted, and nothing is there twice."""
    daemon = Daemon(house.config)
    await daemon.start()
    try:
        async with replace(house, daemon=daemon).line() as line:
            reply = await line.exchange(line.parcel(*notices))
    finally:
        await daemon.stop()
    assert {answer.code for answer in reply.answers} == {"A100"}
    assert {notices[place]["id"] for place in reply.repeated} == kept
    assert sorted(await versions(house)) == sorted(notice["id"] for notice in notices)


async def test_every_line_is_answered_and_closed(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    busy = {"401307": juki_change(), KITAKYUSHU: juki_change(area="401013")}
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(house.line(name)) for name in busy]
        idle = await stack.enter_async_context(house.line())
        async with commits_stand_still(house):
            for line in lines:
                await line.conversation.send(line.parcel(busy[line.municipality]))
            await a_batch_waits(house)
            stopping = asyncio.create_task(house.daemon.stop())
            await until(lambda: door_closed(house))
        ends = await asyncio.gather(*(answers_to_the_end(line) for line in [*lines, idle]))
        await stopping
    assert {end for _, end in ends} == {"the line ended: 1001"}
    assert ends[-1][0] == []
    answered = {answer.id for answers, _ in ends for answer in answers}
    assert answered <= set(await versions(house))
    assert len(answered) >= 1


async def test_client_that_does_not_listen_cannot_hold_the_server(open_house: HouseMaker) -> None:
    """It never answers the close: the server waits a bounded time and goes."""
    house = await open_house("juki", national=False)
    async with raw_line(house, cs_context(house)) as raw:
        await raw.upgrade()
        async with asyncio.timeout(20):
            await house.daemon.stop()
        assert await raw.close_code() == 1001

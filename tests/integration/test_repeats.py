"""The memory of notice ids: a repeat gets the first answer word for word, and nothing happens twice."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from conftest import HouseMaker
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.service.receive import Receiver
from support.forge import fields, sealed
from support.notices import departure, juki_change
from support.store import arrival, bench, outcomes
from support.watch import versions
from support.world import KITAKYUSHU, CsLine, House


def written(signed_payload: str) -> list[str]:
    """The answers of a reply as text, exactly as they stand in it."""
    text = signed_payload.removeprefix('{"answers":[')
    answers = []
    while text.startswith("{"):
        _, end = json.JSONDecoder().raw_decode(text)
        answers.append(text[:end])
        text = text[end:].removeprefix(",")
    return answers


async def told(line: CsLine, *notices: Any) -> tuple[list[str], list[int]]:
    """The answers to a parcel as text, and the places of those given before."""
    await line.conversation.send(line.parcel(*notices))
    receipt = await line.conversation.receive()
    return written(payload_of(receipt.signed)), receipt.reply.repeated


def payload_of(signed: str) -> str:
    """The payload of a reply whose signature was verified by its receiver."""
    middle = signed.split(".")[1]
    return urlsafe_b64decode(middle + "=" * (-len(middle) % 4)).decode()


async def test_again_on_another_connection_in_another_parcel(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    first, other = juki_change(), juki_change()
    async with house.line() as line:
        (answer,), repeated = await told(line, first)
        assert repeated == []
    async with house.line() as line:
        line.number = 70
        answers, repeated = await told(line, other, first)
    assert answers[1] == answer
    assert repeated == [1]
    assert sorted(await versions(house)) == sorted([first["id"], other["id"]])


async def test_a_number_that_nobody_takes_is_content_too(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    text = json.dumps(fields(juki_change(foreign="*"))).replace('"*"', "{}")
    codes = []
    async with house.line() as line:
        for strange in ("1.5", "1.5", "1.50", '"1.5"', "9" * 5000):
            reply = await line.exchange(sealed(line, text.replace("{}", strange)))
            codes += [(answer.code, place in reply.repeated) for place, answer in enumerate(reply.answers)]
    assert codes == [("R300", False), ("R300", True), *[("R390", False)] * 3]


async def test_keys_in_another_order_are_the_same_content(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    notice = juki_change()
    turned = {**dict(reversed(notice.items())), "person": dict(reversed(notice["person"].items()))}
    async with house.line() as line:
        (first,), _ = await told(line, notice)
        spaced = json.dumps(fields(turned), indent=2, ensure_ascii=True)
        assert list(json.loads(spaced)["notices"][0]) != sorted(notice)
        await line.conversation.send(sealed(line, spaced))
        receipt = await line.conversation.receive()
    assert written(payload_of(receipt.signed)) == [first]
    assert receipt.reply.repeated == [0]
    assert await versions(house) == [notice["id"]]


async def test_many_times_in_one_parcel(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    notice = juki_change()
    async with house.line() as line:
        answers, repeated = await told(line, *[notice] * 20)
    assert len(set(answers)) == 1
    assert repeated == list(range(1, 20))
    assert await versions(house) == [notice["id"]]


async def test_sixty_four_at_once(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    notice = juki_change()
    async with _lines(house, 8) as lines:
        for line in lines:
            for _ in range(8):
                await line.conversation.send(line.parcel(notice))
        receipts = await asyncio.gather(*(_receive(line, 8) for line in lines))
    answers = {text for line in receipts for receipt in line for text in written(payload_of(receipt.signed))}
    firsts = [receipt for line in receipts for receipt in line if receipt.reply.repeated == []]
    assert len(answers) == 1
    assert len(firsts) == 1
    assert await versions(house) == [notice["id"]]
    (row,) = await house.rows("SELECT redelivered, (SELECT count(*) FROM outbox) AS sent FROM inbox")
    assert (row["redelivered"] > 0, row["sent"]) == (True, 1)


async def test_more_repeats_in_a_batch_than_are_compared_at_once(new_database: Callable[[str], str]) -> None:
    """`batch_notices` may be 2000; the database compares a thousand in one call."""
    async with bench(new_database("juki")) as place:
        receiver = Receiver(place.house, place.inbox)
        batch = [arrival(*(juki_change() for _ in range(400))) for _ in range(3)]
        first = [answer for answers in await receiver.receive(batch) for answer in answers]
        again = [answer for answers in await receiver.receive(batch) for answer in answers]
    assert outcomes(first) == ["ACCEPTED"] * 1200
    assert outcomes(again) == ["REPEATED"] * 1200
    assert [answer.text for answer in again] == [answer.text for answer in first]


async def test_id_with_other_content(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    notice = juki_change()
    other = juki_change(id=notice["id"])
    async with house.line() as line:
        (first,), _ = await told(line, notice)
        (answer,) = await line.tell(other)
        assert (answer.outcome, answer.code, answer.field) == ("REFUSED", "R390", "id")
        (answer,) = await line.tell(notice | {"event_date": "20261102"})
        assert answer.code == "R390"
        (again,), repeated = await told(line, notice)
    assert (again, repeated) == (first, [0])
    assert await versions(house) == [notice["id"]]


async def test_id_of_another_municipality(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    notice = juki_change()
    async with house.line() as line, house.line(KITAKYUSHU) as neighbour:
        (first,), _ = await told(line, notice)
        for content in (notice, juki_change(id=notice["id"], area="401013")):
            (answer,) = await neighbour.tell(content)
            assert (answer.outcome, answer.code, answer.field) == ("REFUSED", "R391", "id")
        (again,), repeated = await told(line, notice)
    assert (again, repeated) == (first, [0])
    assert await versions(house) == [notice["id"]]


async def test_refused_and_held_notices_get_their_first_answer(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    refused = juki_change(area="401013")
    unreadable = juki_change(relationship="head")
    held = departure()
    async with house.line() as line:
        first, _ = await told(line, refused, unreadable, held)
        assert [json.loads(text)["code"] for text in first] == ["R310", "R301", "H220"]
        again, repeated = await told(line, held, unreadable, refused)
    assert again == first[::-1]
    assert repeated == [0, 1, 2]
    assert len(await house.rows("SELECT * FROM held")) == 1
    assert await versions(house) == []


async def test_twice_in_one_parcel(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    notice, between = juki_change(), juki_change()
    other = juki_change(id=notice["id"])
    async with house.line() as line:
        answers, repeated = await told(line, notice, between, notice, other)
    assert answers[0] == answers[2]
    assert repeated == [2]
    assert json.loads(answers[3])["code"] == "R390"
    assert sorted(await versions(house)) == sorted([notice["id"], between["id"]])


async def test_remembered_after_a_restart(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    notice = juki_change()
    async with house.line() as line:
        (first,), _ = await told(line, notice)
    await house.daemon.stop()
    daemon = Daemon(house.config)
    await daemon.start()
    try:
        async with replace(house, daemon=daemon).line() as line:
            (again,), repeated = await told(line, notice)
    finally:
        await daemon.stop()
    assert (again, repeated) == (first, [0])
    assert await versions(house) == [notice["id"]]


@asynccontextmanager
async def _lines(house: House, count: int) -> AsyncIterator[list[CsLine]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(house.line()) for _ in range(count)]


async def _receive(line: CsLine, count: int) -> list[Any]:
    return [await line.conversation.receive() for _ in range(count)]

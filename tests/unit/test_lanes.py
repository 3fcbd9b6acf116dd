"""Parcels wait per sender and are taken in turn; a full lane stops its own sender and nobody else."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from jukinet_daemon.service.lanes import FEW, SHARE, Arrival, Lanes, Waiting
from jukinet_daemon.wire.parcel import Parcel

NOW = datetime(2026, 11, 23, tzinfo=UTC)
T = TypeVar("T")
A, B, C = "401307", "401005", "402028"


def arrival(sender: str, number: int, notices: int = 1) -> Arrival:
    return Arrival(Parcel("juki", sender, number, ({},) * notices), "", "", "", NOW)


def names(batch: list[Waiting]) -> list[tuple[str, int]]:
    return [(waiting.arrival.parcel.sender, waiting.arrival.parcel.number) for waiting in batch]


async def put(lanes: Lanes, sender: str, *numbers: int, notices: int = 1) -> None:
    for number in numbers:
        await lanes.put(arrival(sender, number, notices))


async def settle() -> None:
    """Lets every task that can go on go on until all of them wait for something else."""
    for _ in range(20):
        await asyncio.sleep(0)


async def started(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    task = asyncio.create_task(work)
    await settle()
    return task


async def test_a_flood_of_one_sender_delays_no_other() -> None:
    lanes = Lanes(1000)
    await put(lanes, A, *range(100))
    await put(lanes, B, 1)
    await put(lanes, C, 1)
    assert names(await lanes.take(3)) == [(A, 0), (A, 1), (A, 2)]
    assert names(await lanes.take(3)) == [(B, 1), (C, 1)]


async def test_senders_are_taken_round_by_round_and_each_in_its_own_order() -> None:
    lanes = Lanes(1000)
    await put(lanes, A, 1, 2, 3, 4)
    await put(lanes, B, 1, 2)
    assert names(await lanes.take(5)) == [(A, 1), (B, 1), (A, 2), (B, 2), (A, 3)]


async def test_who_was_served_comes_last_next_time() -> None:
    lanes = Lanes(1000)
    for sender in (A, B, C):
        await put(lanes, sender, 1, 2)
    served = []
    for _ in range(6):
        batch = await lanes.take(1)
        served += names(batch)
        await lanes.release(batch)
    assert served == [(A, 1), (B, 1), (C, 1), (A, 2), (B, 2), (C, 2)]


async def test_a_batch_holds_no_more_notices_than_asked_but_one_parcel_at_least() -> None:
    lanes = Lanes(1000)
    await put(lanes, A, 1, notices=300)
    await put(lanes, B, 1, notices=3)
    await put(lanes, C, 1, notices=2)
    first = await lanes.take(4)
    assert names(first) == [(A, 1)]
    await put(lanes, A, 2, notices=1)
    # B fills three of four places; C's two do not fit.
    assert names(await lanes.take(4)) == [(B, 1)]
    assert names(await lanes.take(4)) == [(C, 1)]


async def test_a_parcel_that_did_not_fit_is_first_next_time() -> None:
    lanes = Lanes(1000)
    await put(lanes, A, 1, notices=3)
    await put(lanes, B, 1, 2, notices=3)
    await put(lanes, C, 1, 2)
    batch = await lanes.take(4)
    assert names(batch) == [(A, 1), (C, 1)]
    await lanes.release(batch)
    assert names(await lanes.take(4))[0] == (B, 1)


async def test_a_lane_that_is_worked_on_is_not_given_out_until_released() -> None:
    lanes = Lanes(1000)
    await put(lanes, A, 1, 2)
    first = await lanes.take(1)
    await put(lanes, B, 1)
    assert names(await lanes.take(10)) == [(B, 1)]
    third = await started(lanes.take(10))
    assert not third.done()
    await lanes.release(first)
    assert names(await third) == [(A, 2)]


async def test_a_full_lane_makes_its_sender_wait_and_nobody_else() -> None:
    lanes = Lanes(10)
    await put(lanes, A, 1, notices=10)
    waiting = await started(lanes.put(arrival(A, 2)))
    assert not waiting.done()
    await asyncio.wait_for(lanes.put(arrival(B, 1, 10)), 5)
    assert lanes.depth == 2
    await lanes.take(1)
    await asyncio.wait_for(waiting, 5)
    assert lanes.depth == 2


async def test_a_parcel_larger_than_a_lane_goes_into_an_empty_one() -> None:
    lanes = Lanes(10)
    await asyncio.wait_for(lanes.put(arrival(A, 1, 500)), 5)
    assert names(await lanes.take(1)) == [(A, 1)]


async def test_a_put_that_is_given_up_leaves_nothing_behind() -> None:
    lanes = Lanes(1)
    await put(lanes, A, 1)
    waiting = await started(lanes.put(arrival(A, 2)))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    batch = await lanes.take(10)
    assert names(batch) == [(A, 1)]
    assert lanes.depth == 0


async def test_take_waits_for_the_first_parcel() -> None:
    lanes = Lanes(10)
    taking = await started(lanes.take(10))
    assert not taking.done()
    await put(lanes, A, 1)
    assert names(await taking) == [(A, 1)]


async def test_stopping_drains_what_waits_and_then_gives_nothing() -> None:
    lanes = Lanes(10)
    await put(lanes, A, 1)
    await put(lanes, B, 1)
    await lanes.stop()
    assert names(await lanes.take(1)) == [(A, 1)]
    assert names(await lanes.take(1)) == [(B, 1)]
    assert await lanes.take(1) == []


async def test_stopping_ends_a_take_that_waits() -> None:
    lanes = Lanes(10)
    taking = await started(lanes.take(10))
    await lanes.stop()
    assert await asyncio.wait_for(taking, 5) == []


@pytest.mark.parametrize("workers", [1, 4])
async def test_every_parcel_is_taken_once_and_in_its_senders_order(workers: int) -> None:
    lanes = Lanes(3)
    worked: dict[str, list[int]] = {A: [], B: [], C: []}
    in_work: set[str] = set()

    async def work() -> None:
        while batch := await lanes.take(2):
            senders = {sender for sender, _ in names(batch)}
            assert not senders & in_work
            in_work.update(senders)
            for sender, number in names(batch):
                await settle()
                worked[sender].append(number)
            in_work.difference_update(senders)
            await lanes.release(batch)

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    await asyncio.gather(*(put(lanes, sender, *range(20)) for sender in worked))
    await lanes.stop()
    await asyncio.wait_for(asyncio.gather(*tasks), 20)
    assert worked == {sender: list(range(20)) for sender in worked}


async def test_stopping_does_not_leave_behind_what_waits_in_a_busy_lane() -> None:
    lanes = Lanes(10)
    await put(lanes, A, 1, 2)
    first = await lanes.take(1)
    await lanes.stop()
    second = await started(lanes.take(1))
    await lanes.release(first)
    assert names(await asyncio.wait_for(second, 5)) == [(A, 2)]


async def test_no_sender_has_more_than_its_share_of_a_batch() -> None:
    lanes = Lanes(1000)
    await put(lanes, A, *range(1, 9), notices=SHARE // 4)
    await put(lanes, B, 1, 2, notices=SHARE // 4)
    batch = await lanes.take(1000)
    assert names(batch) == [(A, 1), (B, 1), (A, 2), (B, 2), (A, 3), (A, 4)]
    await lanes.release(batch)
    assert names(await lanes.take(1000)) == [(A, 5), (A, 6), (A, 7), (A, 8)]


async def test_few_notices_are_not_mixed_with_many() -> None:
    """Elsewise a town's notice waits for a city's batch, and what it sends meanwhile for the next."""
    lanes = Lanes(1000)
    await put(lanes, A, 1, 2, notices=SHARE)
    await put(lanes, B, 1)
    await put(lanes, C, 1, notices=FEW)
    many = await lanes.take(256)
    assert names(many) == [(A, 1)]
    few = await lanes.take(256)
    assert names(few) == [(B, 1), (C, 1)]


async def test_batches_of_few_and_of_many_take_turns() -> None:
    """Whatever order they came in: a town does not wait behind every city that makes up for an outage."""
    lanes = Lanes(1000)
    for city in (A, C):
        await put(lanes, city, 1, 2, notices=SHARE)
    served = []
    for number in range(4):
        await put(lanes, B, number)
        batch = await lanes.take(SHARE)
        served += names(batch)
        await lanes.release(batch)
    assert served == [(A, 1), (B, 0), (B, 1), (C, 1), (B, 2), (B, 3)]

"""所要時間: from send to durable reply and to the national receipt, at 500 notices a second."""

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import load, work
from benchmarks.cpu import Meter
from benchmarks.figures import milliseconds
from benchmarks.parcels import Prepared, Press
from benchmarks.people import BASE_PEOPLE, base
from benchmarks.receipts import all_relayed, receipted_at
from benchmarks.stage import Server, Stage

RATE = 500
_LEAD_S = 0.5


@dataclass(frozen=True, slots=True)
class Size:
    """For how many seconds."""

    seconds: int


FULL = Size(seconds=15)
QUICK = Size(seconds=6)

Schedule = dict[str, list[tuple[float, Prepared]]]


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Sends parcels of one notice at random times, answered or not; gives quantiles of both times.

    A notice's time counts from when it was due, so that a stall is not hidden by what was not sent in it.
    """
    stage.say(f"毎秒 {RATE} 件の所要時間 / latency at {RATE} notices a second")
    press = Press(stage.senders)
    mix = work.Mix(press, stage.senders, BASE_PEOPLE)
    parcels = work.prepare(stage, mix, RATE * size.seconds, 1)
    async with (
        stage.copy(await base(stage, press), "pace"),
        stage.national() as (url, national_pid),
        stage.server("pace", url) as server,
    ):
        return {"latency_ms": await _paced(stage, server, national_pid, parcels)}


async def _paced(stage: Stage, server: Server, national_pid: int, parcels: work.Work) -> dict[str, Any]:
    look = await stage.connect("pace")
    async with load.senders(stage, server, stage.senders) as opened:
        meter = Meter({"daemon": server.pid, "postgres": stage.postgres.pid, "national": national_pid})
        due = schedule(parcels, RATE, time.perf_counter() + _LEAD_S)
        clock = datetime.now(UTC) - timedelta(seconds=time.perf_counter())
        await asyncio.gather(*(sender.open_loop(due[sender.name]) for sender in opened))
        spent = meter.stop()
        await all_relayed(look)
        notices = load.check(stage, opened)
        durable = milliseconds(time for sender in opened for time in sender.latencies())
        sent = {parcel.ids[0]: begin for sender in opened for begin, parcel in sender.sent}
    receipts = await receipted_at(look, sent)
    await look.close()
    national = milliseconds(
        (at - clock).total_seconds() - sent[notice_id] for notice_id, at in receipts.items()
    )
    return {"durable": durable, "national_receipt": national} | spent.figures(notices)


def schedule(parcels: work.Work, rate: float, start: float, seed: int = 1) -> Schedule:
    """Times for each sender's parcels: all senders together at a rate, at random as such things happen."""
    chance = random.Random(seed)
    share = rate / len(parcels)
    due: Schedule = {}
    for sender, some in parcels.items():
        moment = start
        due[sender] = []
        for parcel in some:
            moment += chance.expovariate(share)
            due[sender].append((moment, parcel))
    return due

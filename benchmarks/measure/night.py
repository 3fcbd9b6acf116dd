"""長い夜間一括: a bulk 軽微な修正 of everybody in one city, while the other municipalities work as by day."""

import asyncio
import os
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import load, work
from benchmarks.cpu import Meter
from benchmarks.figures import milliseconds
from benchmarks.measure.latency import schedule
from benchmarks.parcels import Prepared, Press, cut
from benchmarks.people import fill
from benchmarks.receipts import all_relayed
from benchmarks.stage import Connection, Server, Stage

OTHERS_A_SECOND = 50
_CITY = "402036"
_OTHERS_FOR_S = 120
_BULK_PARCEL = 500


@dataclass(frozen=True, slots=True)
class Size:
    """How many people the city has; BENCH_NIGHT says otherwise."""

    people: int


FULL = Size(people=10_000)
QUICK = Size(people=6_000)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Gives how long the night takes, to the last answer and the last receipt, and what the others waited."""
    people = int(os.environ.get("BENCH_NIGHT", size.people))
    stage.say(f"一括修正 {people:,} 人の用意 / preparing the long night")
    others = [sender for sender in stage.senders if sender != _CITY]
    press = _town_and_country(stage, others)
    bulk = [press.correction(2 * n, "minor_correction") for n in range(1, people + 1)]
    key = stage.caller(_CITY).key
    parcels = [press.parcel(_CITY, some, key) for some in cut(bulk, _BULK_PARCEL)]
    by_day = {sender: _by_day(stage, press, place, sender) for place, sender in enumerate(others)}
    await stage.database("night")
    await fill(stage, "night", 2 * people + len(press.homes), press)
    async with stage.national() as (url, national_pid), stage.server("night", url) as server:
        stage.say(f"一括修正 {people:,} 人 / the long night")
        trees = {"daemon": server.pid, "postgres": stage.postgres.pid, "national": national_pid}
        look = await stage.connect("night")
        made = await _through(stage, server, look, {_CITY: parcels}, by_day, trees)
        await look.close()
    await stage.drop("night")
    return {"people": people} | made


def _town_and_country(stage: Stage, others: list[str]) -> Press:
    """Every second person lives in the city, the rest with the others in turn."""
    area_of = Press(stage.senders).area_of
    return Press(stage.senders, [area for other in others for area in (area_of[_CITY], area_of[other])])


def _by_day(stage: Stage, press: Press, place: int, sender: str) -> list[Prepared]:
    key = stage.caller(sender).key
    each = OTHERS_A_SECOND * _OTHERS_FOR_S // (len(press.homes) // 2)
    person = 2 * place + 1
    return [press.parcel(sender, [press.correction(person)], key) for _ in range(each)]


async def _through(
    stage: Stage,
    server: Server,
    look: Connection,
    bulk: work.Work,
    by_day: work.Work,
    trees: dict[str, int],
) -> dict[str, Any]:
    async with load.senders(stage, server, stage.senders) as opened:
        meter = Meter(trees)
        begun = time.perf_counter()
        sending = asyncio.create_task(load.closed_loops(bulk, opened))
        due = schedule(by_day, OTHERS_A_SECOND, begun)
        others = [sender for sender in opened if sender.name in due]
        going_on = [s.open_loop(load.as_long_as(sending, due[s.name])) for s in others]
        await asyncio.gather(sending, *going_on)
        await all_relayed(look)
        relayed = time.perf_counter() - begun
        spent = meter.stop()
        notices = load.check(stage, opened)
        waited = milliseconds(seconds for sender in others for seconds in sender.latencies())
    bulk_notices = sum(len(parcel.ids) for parcel in bulk[_CITY])
    return {
        "all_durable_s": round(sending.result(), 2),
        "rate": round(bulk_notices / sending.result(), 1),
        "all_relayed_s": round(relayed, 2),
        "others_ms": waited,
    } | spent.figures(notices)

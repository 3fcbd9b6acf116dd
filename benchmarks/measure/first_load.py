"""初期登録: residents entered into an empty file over the ordinary path, and what 5.1 million take."""

import os
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import load
from benchmarks.cpu import Meter
from benchmarks.parcels import Prepared, Press, cut
from benchmarks.receipts import all_relayed
from benchmarks.stage import Stage

PREFECTURE_PEOPLE = 5_100_000
_SLICE = 15_000
_PARCEL = 64


@dataclass(frozen=True, slots=True)
class Size:
    """How many residents; BENCH_FIRST_LOAD says otherwise."""

    people: int


FULL = Size(people=10_000)
QUICK = Size(people=5_000)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Gives the rate of durable entries, the time to the last receipt, and the time for a whole prefecture.

    Parcels are prepared slice by slice and the clock stands meanwhile.
    """
    people = int(os.environ.get("BENCH_FIRST_LOAD", size.people))
    press = Press(stage.senders)
    await stage.database("first_load")
    seconds, done = 0.0, 0
    async with stage.national() as (url, national_pid), stage.server("first_load", url) as server:
        trees = {"daemon": server.pid, "postgres": stage.postgres.pid, "national": national_pid}
        look = await stage.connect("first_load")
        spent = []
        for first in range(60, people + 60, _SLICE):
            parcels = _entries(stage, press, range(first, min(first + _SLICE, people + 60)))
            async with load.senders(stage, server, stage.senders) as opened:
                meter = Meter(trees)
                seconds += await load.closed_loops(parcels, opened)
                spent.append(meter.stop())
                done += load.check(stage, opened)
            stage.say(f"初期登録 {done:,}/{people:,} 人 毎秒 {done / seconds:,.0f} / first load")
        begun = time.perf_counter()
        await all_relayed(look)
        relayed = time.perf_counter() - begun
        size_mib = await look.fetchval("SELECT pg_database_size(current_database()) / 1048576")
        await look.close()
    await stage.drop("first_load")
    rate = done / seconds
    return {
        "people": done,
        "rate": round(rate, 1),
        "relayed_after_s": round(relayed, 2),
        "bytes_a_resident": round(size_mib * 1048576 / done),
        "whole_prefecture_hours": round(PREFECTURE_PEOPLE / rate / 3600, 2),
        "slices": [used.figures(min(_SLICE, done)) for used in spent],
    }


def _entries(stage: Stage, press: Press, people: range) -> dict[str, list[Prepared]]:
    made = {}
    for place, sender in enumerate(stage.senders):
        own = (person for person in people if person % len(stage.senders) == place)
        key = stage.caller(sender).key
        parcels = cut((press.entry(person) for person in own), _PARCEL)
        made[sender] = [press.parcel(sender, notices, key) for notices in parcels]
    return made

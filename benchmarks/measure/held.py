"""五百万人の台帳: acknowledged notices a second with a prefecture held, over the same on an empty file."""

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import work
from benchmarks.parcels import Press
from benchmarks.people import fill
from benchmarks.stage import Stage

_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Size:
    """People held, rounds, notices of each run."""

    people: int
    rounds: int
    notices: int


FULL = Size(people=5_000_000, rounds=3, notices=8_000)
QUICK = Size(people=100_000, rounds=1, notices=6_000)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Sends entries of new people and corrections, in turn to an empty file and to one that holds millions.

    On the empty file corrections are of people entered shortly before, on the full one of anybody.
    """
    press = Press(stage.senders)
    await stage.database("file_empty")
    await stage.database("file_held")
    filled_s = await _fill(stage, size.people, press)
    stage.say(f"{size.people:,} 葉を封印中 / sealing")
    sealed_s = await stage.seal("file_held", size.people)
    rates: dict[str, list[dict[str, Any]]] = {"file_empty": [], "file_held": []}
    mixes = {
        name: work.Mix(press, stage.senders, people)
        for name, people in (("file_empty", 0), ("file_held", size.people))
    }
    async with stage.server("file_empty") as empty, stage.server("file_held") as full:
        servers = {"file_empty": empty, "file_held": full}
        for number in range(size.rounds):
            stage.say(f"空の台帳と {size.people:,} 人の台帳 {number + 1}/{size.rounds} / empty and full file")
            for name, server in servers.items():
                parcels = work.prepare(stage, mixes[name], size.notices, 64)
                before = await _wal_bytes(stage)
                run = await work.acknowledge(stage, server, parcels)
                wal = (await _wal_bytes(stage) - before) / run["count"]
                rates[name].append(run | {"wal_bytes_each": round(wal)})
    gib = float(await stage.psql("file_held", "SELECT pg_database_size(current_database())")) / 2**30
    for name in servers:
        await stage.drop(name)
    median = {name: statistics.median(run["rate"] for run in runs) for name, runs in rates.items()}
    return {
        "rate_at_5m_vs_empty": round(median["file_held"] / median["file_empty"], 3),
        "people": size.people,
        "filled_in_s": round(filled_s, 1),
        "sealed_in_s": round(sealed_s, 1),
        "database_gib": round(gib, 2),
        "rates": median,
        "runs": rates,
    }


async def _wal_bytes(stage: Stage) -> int:
    return int(await stage.psql("postgres", "SELECT pg_current_wal_lsn() - '0/0'"))


async def _fill(stage: Stage, people: int, press: Press) -> float:
    begun = time.perf_counter()
    filling = asyncio.create_task(fill(stage, "file_held", people, press))
    while not filling.done():
        size = int(await stage.psql("file_held", "SELECT pg_database_size(current_database())")) / 2**30
        stage.say(f"{people:,} 人を登録中 {size:.1f} GiB / filling")
        await asyncio.wait({filling}, timeout=_LOOK_S)
    filling.result()
    return time.perf_counter() - begun

"""端から端まで: notices a second until the national receipt is stored, the relay at work meanwhile."""

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import load, pgbench, work
from benchmarks.cpu import Meter
from benchmarks.parcels import Press
from benchmarks.people import BASE_PEOPLE, base
from benchmarks.receipts import all_relayed
from benchmarks.stage import Server, Stage

CLIENTS = (8, 32)


@dataclass(frozen=True, slots=True)
class Size:
    """Rounds, seconds of each run of pgbench, notices of each run of ours."""

    rounds: int
    pgbench_s: int
    notices: int


FULL = Size(rounds=2, pgbench_s=3, notices=10_000)
QUICK = Size(rounds=1, pgbench_s=2, notices=5_000)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Runs pgbench and the whole way in turn; gives the ratio of medians and every run.

    The whole way is gone twice: with all doors and loops in one process, as in the demo, which counts, and
    with the relay in a process of its own.
    """
    press = Press(stage.senders)
    ways = {way: work.Mix(press, stage.senders, BASE_PEOPLE) for way in ("whole_in_one", "whole_apart")}
    rounds: list[dict[str, Any]] = []
    async with (
        stage.copy(await base(stage, press), "whole_pgbench", *ways),
        stage.national() as (one_url, one_pid),
        stage.national() as (apart_url, apart_pid),
        stage.server("whole_in_one", one_url) as one,
        stage.server("whole_apart", apart_url, apart=True) as apart,
    ):
        await pgbench.prepare(stage, "whole_pgbench")
        runs = {"whole_in_one": (one, one_pid), "whole_apart": (apart, apart_pid)}
        for number in range(size.rounds):
            stage.say(f"全国サーバの受領証まで {number + 1}/{size.rounds} / to the national receipt")
            made: dict[str, Any] = {"pgbench": [await _pgbench(stage, size, clients) for clients in CLIENTS]}
            for way, mix in ways.items():
                parcels = work.prepare(stage, mix, size.notices, 64)
                made[way] = await _ours(stage, way, *runs[way], parcels)
            rounds.append(made)
    theirs = max(
        statistics.median(each["pgbench"][n]["rate"] for each in rounds) for n in range(len(CLIENTS))
    )
    rates = {way: statistics.median(each[way]["rate"] for each in rounds) for way in ways}
    return {
        "end_to_end_vs_pgbench": round(rates["whole_in_one"] / theirs, 3),
        "with_the_relay_apart": round(rates["whole_apart"] / theirs, 3),
        "rates": rates | {"pgbench": theirs},
        "rounds": rounds,
    }


async def _pgbench(stage: Stage, size: Size, clients: int) -> dict[str, Any]:
    return (await pgbench.run(stage, "whole_pgbench", BASE_PEOPLE, clients, size.pgbench_s)).figures()


async def _ours(
    stage: Stage, database: str, server: Server, national_pid: int, parcels: work.Work
) -> dict[str, Any]:
    trees = {"daemon": server.pid, "postgres": stage.postgres.pid, "national": national_pid}
    if server.relay_pid != server.pid:
        trees["relay"] = server.relay_pid
    look = await stage.connect(database)
    async with load.senders(stage, server, stage.senders) as opened:
        meter = Meter(trees)
        begun = time.perf_counter()
        acknowledged = await load.closed_loops(parcels, opened)
        async with asyncio.timeout(600):
            await all_relayed(look)
        seconds = time.perf_counter() - begun
        spent = meter.stop()
        notices = load.check(stage, opened)
    await look.close()
    return {
        "rate": round(notices / seconds, 1),
        "count": notices,
        "acknowledged_rate": round(notices / acknowledged, 1),
    } | spent.figures(notices)

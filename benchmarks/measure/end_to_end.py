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
from benchmarks.stage import Connection, Server, Stage

CLIENTS = (8, 32)


@dataclass(frozen=True, slots=True)
class Size:
    """Rounds, seconds of each run of pgbench, notices of each run of ours."""

    rounds: int
    pgbench_s: int
    notices: int


FULL = Size(rounds=3, pgbench_s=3, notices=15_000)
QUICK = Size(rounds=1, pgbench_s=2, notices=5_000)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Runs pgbench and the whole way in turn; gives the ratio of medians and every run."""
    press = Press(stage.senders)
    mix = work.Mix(press, stage.senders, BASE_PEOPLE)
    rounds: list[dict[str, Any]] = []
    async with (
        stage.copy(await base(stage, press), "whole", "whole_pgbench"),
        stage.national() as (url, national_pid),
        stage.server("whole", url) as server,
    ):
        await pgbench.prepare(stage, "whole_pgbench")
        look = await stage.connect("whole")
        for number in range(size.rounds):
            stage.say(f"全国サーバの受領証まで {number + 1}/{size.rounds} / to the national receipt")
            runs = [
                (await pgbench.run(stage, "whole_pgbench", BASE_PEOPLE, clients, size.pgbench_s)).figures()
                for clients in CLIENTS
            ]
            parcels = work.prepare(stage, mix, size.notices, 64)
            ours = await _ours(stage, server, national_pid, look, parcels)
            rounds.append({"pgbench": runs, "to_receipt": ours})
        await look.close()
    theirs = max(
        statistics.median(each["pgbench"][n]["rate"] for each in rounds) for n in range(len(CLIENTS))
    )
    rate = statistics.median(each["to_receipt"]["rate"] for each in rounds)
    return {
        "end_to_end_vs_pgbench": round(rate / theirs, 3),
        "rate": rate,
        "pgbench": theirs,
        "rounds": rounds,
    }


async def _ours(
    stage: Stage, server: Server, national_pid: int, look: Connection, parcels: work.Work
) -> dict[str, Any]:
    async with load.senders(stage, server, stage.senders) as opened:
        trees = {"daemon": server.pid, "postgres": stage.postgres.pid, "national": national_pid}
        meter = Meter(trees)
        begun = time.perf_counter()
        acknowledged = await load.closed_loops(parcels, opened)
        async with asyncio.timeout(600):
            await all_relayed(look)
        seconds = time.perf_counter() - begun
        spent = meter.stop()
        notices = load.check(stage, opened)
    return {
        "rate": round(notices / seconds, 1),
        "count": notices,
        "acknowledged_rate": round(notices / acknowledged, 1),
    } | spent.figures(notices)

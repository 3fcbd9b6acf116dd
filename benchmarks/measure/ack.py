"""受領の速さ: durable answers a second, beside pgbench calling the same SQL once a record."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import pgbench, work
from benchmarks.figures import spread
from benchmarks.parcels import Press
from benchmarks.people import BASE_PEOPLE, base
from benchmarks.stage import Server, Stage

CLIENTS = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class Size:
    """Rounds, seconds of each run of pgbench, notices of each run of ours."""

    rounds: int
    pgbench_s: int
    notices: int
    single_notices: int


FULL = Size(rounds=3, pgbench_s=3, notices=10_000, single_notices=5_000)
QUICK = Size(rounds=1, pgbench_s=2, notices=6_000, single_notices=3_000)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Runs pgbench and the daemon in turn, again and again; gives ratios of medians and every run."""
    press = Press(stage.senders)
    mix = work.Mix(press, stage.senders, BASE_PEOPLE)
    async with stage.copy(await base(stage, press), "ack", "ack_pgbench"):
        await pgbench.prepare(stage, "ack_pgbench")
        async with stage.server("ack") as server:
            rounds = []
            for number in range(size.rounds):
                stage.say(
                    f"受領と pgbench を交互に {number + 1}/{size.rounds} / acknowledging and pgbench in turn"
                )
                rounds.append(await _round(stage, server, mix, size))
    return _figures(rounds)


async def _round(stage: Stage, server: Server, mix: work.Mix, size: Size) -> dict[str, Any]:
    made: dict[str, Any] = {"pgbench": [], "parcels_of_64": []}
    for clients in CLIENTS:
        made["pgbench"].append(await _pgbench(stage, size, clients))
        made["parcels_of_64"].append(await _ours(stage, server, mix, size.notices, 64))
    made["parcels_of_1"] = await _ours(stage, server, mix, size.single_notices, 1)
    best = max(made["pgbench"], key=lambda run: run["rate"])["clients"]
    made["pgbench_writes_only"] = await _pgbench(stage, size, best, reads=False)
    return made


async def _ours(
    stage: Stage, server: Server, mix: work.Mix, notices: int, parcel_notices: int
) -> dict[str, Any]:
    parcels = work.prepare(stage, mix, notices, parcel_notices)
    return await work.acknowledge(stage, server, parcels)


async def _pgbench(stage: Stage, size: Size, clients: int, *, reads: bool = True) -> dict[str, Any]:
    run = await pgbench.run(stage, "ack_pgbench", BASE_PEOPLE, clients, size.pgbench_s, reads=reads)
    return run.figures()


def _figures(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def median(rates: Sequence[float]) -> float:
        return round(statistics.median(rates), 1)

    pgbench_rates = {
        clients: median(
            [run["rate"] for each in rounds for run in each["pgbench"] if run["clients"] == clients]
        )
        for clients in CLIENTS
    }
    best = max(pgbench_rates.values())
    large = median([run["rate"] for each in rounds for run in each["parcels_of_64"]])
    single = median([each["parcels_of_1"]["rate"] for each in rounds])
    writes = median([each["pgbench_writes_only"]["rate"] for each in rounds])
    return {
        "ack_vs_pgbench": round(large / best, 3),
        "ack_single_vs_pgbench": round(single / best, 3),
        "ack_vs_pgbench_writes_only": round(large / writes, 3),
        "rates": {
            "pgbench_by_clients": pgbench_rates,
            "pgbench_best": best,
            "pgbench_writes_only": writes,
            "parcels_of_64": large,
            "parcels_of_1": single,
        },
        "ack_vs_pgbench_by_round": spread([_ratio(each) for each in rounds]),
        "cpu_ratio": _cpu_ratio(rounds),
        "rounds": list(rounds),
    }


def _ratio(each: dict[str, Any]) -> float:
    ours: list[float] = [run["rate"] for run in each["parcels_of_64"]]
    theirs: list[float] = [run["rate"] for run in each["pgbench"]]
    return statistics.median(ours) / max(theirs)


def _cpu_ratio(rounds: Sequence[dict[str, Any]]) -> float:
    """CPU that pgbench's way takes a record, over ours, client and PostgreSQL included.

    What the ratio would be if nobody waited for anything; it does not care who else uses the machine.
    """

    def least(runs: Sequence[dict[str, Any]]) -> float:
        used: list[float] = [sum(run["cpu_us_each"].values()) for run in runs]
        return min(used)

    theirs = least([run for each in rounds for run in each["pgbench"]])
    ours = least([run for each in rounds for run in each["parcels_of_64"]])
    return round(theirs / ours, 3)

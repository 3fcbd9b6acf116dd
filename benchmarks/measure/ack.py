"""受領の速さ: durable answers a second, beside pgbench calling the same SQL once a record."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from benchmarks import load, pgbench
from benchmarks.cpu import Meter
from benchmarks.parcels import Prepared, Press, cut
from benchmarks.people import fill
from benchmarks.stage import Server, Stage

CLIENTS = (8, 16, 32)
LARGE, SINGLE = 64, 1


@dataclass(frozen=True, slots=True)
class Size:
    """How long it takes: rounds, seconds of each run of pgbench, notices of each run of ours, people held."""

    rounds: int
    pgbench_s: int
    notices: int
    single_notices: int
    people: int


FULL = Size(rounds=5, pgbench_s=4, notices=40_000, single_notices=9_000, people=60_000)
QUICK = Size(rounds=1, pgbench_s=3, notices=20_000, single_notices=5_000, people=60_000)


class Mix:
    """Notices for each sender: one entry of a new person to four corrections of people held."""

    def __init__(self, press: Press, people: int) -> None:
        self._press = press
        self._people = people
        # The daemon's own corrections go through the people in order: nobody twice in one batch.
        self._held = [count(sender or 60, 60) for sender in range(60)]
        self._new = [count(people // 60 * 60 + 60_000_000 + sender, 60) for sender in range(60)]
        self._turn = count()

    def notice(self, sender: int) -> dict[str, Any]:
        """The next notice of a sender."""
        if next(self._turn) % 5 == 0:
            return self._press.entry(next(self._new[sender]))
        person = next(self._held[sender])
        if person > self._people:
            self._held[sender] = count(sender or 60, 60)
            person = next(self._held[sender])
        return self._press.correction(person)


def prepare(stage: Stage, press: Press, mix: Mix, notices: int, size: int) -> dict[str, list[Prepared]]:
    """So many notices in parcels of a size, the same number for each of the sixty."""
    work = {}
    each = max(notices // len(press.senders), size)
    for place, name in enumerate(press.senders):
        key = stage.caller(name).key
        told = [mix.notice(place) for _ in range(each)]
        work[name] = [press.parcel(place, some, key) for some in cut(told, size)]
    return work


async def acknowledge(
    stage: Stage, server: Server, work: dict[str, list[Prepared]], others: dict[str, int] | None = None
) -> dict[str, Any]:
    """Sends prepared parcels from all senders at once; gives the rate and what it cost."""
    async with load.senders(stage, server, stage.senders) as opened:
        meter = Meter({"daemon": server.pid, "postgres": stage.postgres.pid} | (others or {}))
        seconds = await load.closed_loops(work, opened)
        spent = meter.stop()
        notices = load.check(stage, opened)
    return {"rate": round(notices / seconds, 1), "count": notices} | spent.figures(notices)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Interleaved rounds of pgbench and the daemon; gives ratios of medians and every run."""
    press = Press(stage.senders)
    stage.say(f"住民 {size.people:,} 人の用意 / preparing people held")
    await stage.database("ack")
    await fill(stage, "ack", size.people, press)
    await stage.database("ack_pgbench", template="ack")
    await pgbench.prepare(stage, "ack_pgbench")
    mix = Mix(press, size.people)
    rounds = []
    async with stage.server("ack") as server:
        for number in range(size.rounds):
            stage.say(f"受領 {number + 1}/{size.rounds} / acknowledging")
            rounds.append(await _round(stage, server, press, mix, size))
    for name in ("ack", "ack_pgbench"):
        await stage.drop(name)
    return _figures(rounds)


async def _round(stage: Stage, server: Server, press: Press, mix: Mix, size: Size) -> dict[str, Any]:
    made: dict[str, Any] = {"pgbench": []}
    for clients in CLIENTS:
        await stage.psql("postgres", "CHECKPOINT")
        run = await pgbench.run(stage, "ack_pgbench", size.people, clients, size.pgbench_s)
        made["pgbench"].append(run.figures())
    best = max(made["pgbench"], key=lambda run: run["rate"])["clients"]
    for kind, notices, parcel in (
        ("parcels_of_64", size.notices, LARGE),
        ("parcels_of_1", size.single_notices, SINGLE),
    ):
        work = prepare(stage, press, mix, notices, parcel)
        await stage.psql("postgres", "CHECKPOINT")
        made[kind] = await acknowledge(stage, server, work)
    await stage.psql("postgres", "CHECKPOINT")
    run = await pgbench.run(stage, "ack_pgbench", size.people, best, size.pgbench_s, reads=False)
    made["pgbench_writes_only"] = run.figures()
    return made


def _figures(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_clients = {
        clients: [run["rate"] for each in rounds for run in each["pgbench"] if run["clients"] == clients]
        for clients in CLIENTS
    }
    best = max(statistics.median(rates) for rates in by_clients.values())
    writes = statistics.median(each["pgbench_writes_only"]["rate"] for each in rounds)
    large = [each["parcels_of_64"]["rate"] for each in rounds]
    single = [each["parcels_of_1"]["rate"] for each in rounds]
    each_best = [max(run["rate"] for run in each["pgbench"]) for each in rounds]
    return {
        "ack_vs_pgbench": round(statistics.median(large) / best, 3),
        "ack_single_vs_pgbench": round(statistics.median(single) / best, 3),
        "ack_vs_pgbench_writes_only": round(statistics.median(large) / writes, 3),
        "rates": {
            "pgbench_best": best,
            "pgbench_writes_only": writes,
            "parcels_of_64": statistics.median(large),
            "parcels_of_1": statistics.median(single),
        },
        "ratio_by_round": [round(ours / theirs, 3) for ours, theirs in zip(large, each_best, strict=True)],
        "single_ratio_by_round": [
            round(ours / theirs, 3) for ours, theirs in zip(single, each_best, strict=True)
        ],
        "rounds": list(rounds),
    }

"""公平: what a small municipality waits while the largest floods, and memory when all flood."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks import load, work
from benchmarks.figures import milliseconds
from benchmarks.memory import memory_mib
from benchmarks.parcels import Prepared, Press
from benchmarks.people import BASE_PEOPLE, base
from benchmarks.stage import Server, Stage
from jukinet_daemon.schemas import schemas_folder
from jukinet_daemon.sim.people import load_municipalities

PROBES_A_SECOND = 40
# As many parcels as the server reads ahead on one connection.
FLOOD_IN_FLIGHT = 8
_LEAD_S = 0.3


@dataclass(frozen=True, slots=True)
class Size:
    """Seconds without a flood, notices of the flood."""

    quiet_s: int
    flood: int


FULL = Size(quiet_s=8, flood=18_000)
QUICK = Size(quiet_s=3, flood=6_000)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """The smallest sends a notice now and then: alone, then beside a flood of the largest in parcels of 64
    and of 500. All sixty are connected. At last all sixty flood, and the daemon's peak memory is read.
    """
    press = Press(stage.senders)
    mix = work.Mix(press, stage.senders, BASE_PEOPLE)
    largest, smallest = _largest_and_smallest(stage.senders)
    async with stage.copy(await base(stage, press), "fair"), stage.server("fair") as server:
        idle_mib = memory_mib(server.pid, "VmRSS")
        stage.say("小さな町の待ち時間 / what a small municipality waits")
        quiet = _probes(stage, mix, smallest, size.quiet_s)
        alone = await _probed(stage, server, quiet, smallest)
        beside, peaks = {}, {}
        for parcel_notices in (64, 500):
            stage.say(f"大都市の洪水 {parcel_notices} 件ずつ / a flood in parcels of {parcel_notices}")
            flood = work.prepare_for(stage, mix, largest, size.flood, parcel_notices)
            probes = _probes(stage, mix, smallest, size.flood // 400)
            beside[parcel_notices] = await _probed(stage, server, probes, smallest, (largest, flood))
            peaks[f"largest_in_parcels_of_{parcel_notices}"] = memory_mib(server.pid, "VmHWM")
        stage.say("六十市区町村の洪水 / all sixty flood")
        everybody = work.prepare(stage, mix, size.flood, 64)
        flood_of_all = await work.acknowledge(stage, server, everybody, FLOOD_IN_FLIGHT)
        return {
            "fair_p99_ratio": round(beside[64]["p99"] / alone["p99"], 2),
            "rss_mib": memory_mib(server.pid, "VmHWM"),
            "idle_rss_mib": idle_mib,
            "peak_mib_after": peaks,
            "alone_ms": alone,
            "beside_parcels_of_64_ms": beside[64],
            "beside_parcels_of_500_ms": beside[500],
            "ratio_beside_parcels_of_500": round(beside[500]["p99"] / alone["p99"], 2),
            "flood_of_all": flood_of_all,
        }


def _probes(stage: Stage, mix: work.Mix, sender: str, seconds: int) -> list[Prepared]:
    return work.prepare_singles(stage, mix, sender, seconds * PROBES_A_SECOND)


async def _probed(
    stage: Stage,
    server: Server,
    probes: list[Prepared],
    smallest: str,
    flood: tuple[str, list[Prepared]] | None = None,
) -> dict[str, Any]:
    async with load.senders(stage, server, stage.senders) as opened:
        by_name = {sender.name: sender for sender in opened}
        flooding = None
        if flood:
            largest, parcels = flood
            flooding = asyncio.create_task(by_name[largest].closed_loop(parcels, FLOOD_IN_FLIGHT))
        await by_name[smallest].open_loop(_regular(probes, flooding))
        waited = milliseconds(by_name[smallest].latencies())
        if flooding:
            await flooding
        load.check(stage, opened)
    return waited


def _regular(
    probes: list[Prepared], flooding: "asyncio.Task[None] | None"
) -> Iterator[tuple[float, Prepared]]:
    """A probe at regular times, as long as there is a flood; without one, all of them."""
    start = time.perf_counter() + _LEAD_S
    for place, probe in enumerate(probes):
        if flooding and flooding.done():
            return
        yield start + place / PROBES_A_SECOND, probe


def _largest_and_smallest(senders: tuple[str, ...]) -> tuple[str, str]:
    rows = load_municipalities(schemas_folder() / "codes" / "municipalities.csv")
    by_people = sorted((row.population, row.code) for row in rows if row.code in senders)
    return by_people[-1][1], by_people[0][1]

"""橋の所要時間の差: whether a thief of the bridge's key could tell by the time who is there and who is not.

Run by `make bridgebench`. Both servers, PostgreSQL and the thief share this machine.
"""

import argparse
import asyncio
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from jukinet_daemon.pki.peer import Role
from jukinet_daemon.store.migrate import migrate
from support.bridge import Bridged, an_ask, bridged, emigrate, put
from support.notices import resident_code
from support.world import REGISTERS, new_pki, postgres


async def measure(people: int, timings: int) -> dict[str, Any]:
    """Welch's t for so many persons overseas and so many timed questions of each kind."""
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        folder = Path(name)
        for register in REGISTERS:
            server.psql("postgres", f"CREATE DATABASE {register}")
            await migrate(server.dsn(register), register)
        dsns = {register: server.dsn(register) for register in REGISTERS}
        async with bridged(new_pki(folder / "pki"), dsns, folder) as world:
            codes = [person["resident_code"] for person in await emigrate(world, people)]
            times = await _times(world, codes, timings)
    return {"bridge_timing_t": round(welch(times[True], times[False]), 2), "timings": timings} | {
        {True: "found_ms", False: "not_found_ms"}[found]: round(statistics.median(each) * 1000, 3)
        for found, each in times.items()
    }


async def _times(world: Bridged, codes: Sequence[str], timings: int) -> dict[bool, list[float]]:
    """Seconds of questions about who is there (True) and who is not, in random order."""
    thief = world.inquirer("juki", world.pki.files(Role.PREF, "fuhyo"))
    times: dict[bool, list[float]] = {True: [], False: []}
    kinds = [True, False] * timings
    random.shuffle(kinds)
    try:
        for found in kinds:
            ask, keys = an_ask([random.choice(codes) if found else resident_code()])
            began = time.perf_counter()
            await put(thief, ask, keys)
            times[found].append(time.perf_counter() - began)
    finally:
        await thief.close()
    return times


def welch(one: Sequence[float], other: Sequence[float]) -> float:
    """|t| of two samples without the slowest tenth of each, which is the machine's doing."""
    kept = [sorted(values)[: len(values) - len(values) // 10] for values in (one, other)]
    spread = sum(statistics.variance(values) / len(values) for values in kept)
    means = [statistics.fmean(values) for values in kept]
    return abs(means[0] - means[1]) / math.sqrt(spread)


def main() -> None:
    """Measures and prints JSON."""
    parser = argparse.ArgumentParser(description="橋の所要時間の差 / the bridge, found and not found, timed")
    parser.add_argument("--people", type=int, default=1000, help="国外転出者の数 / persons overseas")
    parser.add_argument("--timings", type=int, default=10_000, help="計る問いの数 / timed questions a kind")
    options = parser.parse_args()
    # Each of the thief's questions is an alarm; ten thousand of them say nothing here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(60))
    print(json.dumps(asyncio.run(measure(options.people, options.timings)), indent=1))


if __name__ == "__main__":
    main()

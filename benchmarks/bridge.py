"""橋の速さと所要時間: lookups a second beside the same SELECT through pgbench; found and not found, timed.

Run by `make bridgebench`. Both servers, PostgreSQL and the operator share this machine.
"""

import argparse
import asyncio
import json
import math
import random
import re
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.sim.postgres_wheel import run as run_program
from jukinet_daemon.store.migrate import migrate
from support.bridge import Bridged, an_ask, bridged, emigrate, put
from support.notices import resident_code
from support.world import REGISTERS, new_pki, postgres

PGBENCH_S = 10
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
# The statement that the bridge makes for one person, for a random one of those who are there.
_SELECT = """\
\\set place random(1, {most})
SELECT * FROM bridge_find(ARRAY[(SELECT code FROM bench_code WHERE place = :place)]);
"""
BLOCK = 1000


async def measure(people: int, timings: int) -> dict[str, Any]:
    """The figures for so many persons overseas and so many timed questions of each kind."""
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        folder = Path(name)
        for register in REGISTERS:
            server.psql("postgres", f"CREATE DATABASE {register}")
            await migrate(server.dsn(register), register)
        dsns = {register: server.dsn(register) for register in REGISTERS}
        async with bridged(new_pki(folder / "pki"), dsns, folder) as world:
            codes = [person["resident_code"] for person in await emigrate(world, people)]
            rate = await _lookups(world, codes)
            t = await _welch(world, codes, timings)
        select = await asyncio.to_thread(_pgbench, server, codes, folder)
    return {
        "bridge_lookups_per_s": round(rate, 1),
        "bridge_select_per_s": round(select, 1),
        "bridge_vs_select": round(rate / select, 4),
        "bridge_timing_t": round(t, 2),
        "people": people,
        "timings": timings,
        "rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


async def _lookups(world: Bridged, codes: Sequence[str]) -> float:
    case = (await world.open_case())["case"]
    began = time.perf_counter()
    for start in range(0, len(codes), BLOCK):
        said = await world.ask(case, *codes[start : start + BLOCK], first=start + 1)
        if said["outcomes"] != {"B100": min(BLOCK, len(codes) - start)}:
            raise SystemExit(f"橋が答えない / the bridge did not answer: {said}")
    return len(codes) / (time.perf_counter() - began)


async def _welch(world: Bridged, codes: Sequence[str], timings: int) -> float:
    """|t| between questions about who is there and who is not, in random order, as a key thief would ask."""
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
    # The slowest tenth is the machine's doing (another process, the disk), and is left out of both alike.
    there, missing = (sorted(values)[: -(len(values) // 10)] for values in times.values())
    spread = statistics.variance(there) / len(there) + statistics.variance(missing) / len(missing)
    return abs(statistics.fmean(there) - statistics.fmean(missing)) / math.sqrt(spread)


def _pgbench(server: EmbeddedPostgres, codes: Sequence[str], folder: Path) -> float:
    rows = ", ".join(f"({place}, '{code}')" for place, code in enumerate(codes, start=1))
    server.psql("juki", "CREATE TABLE bench_code (place int PRIMARY KEY, code text)")
    server.psql("juki", f"INSERT INTO bench_code VALUES {rows}")
    server.psql("juki", "ANALYZE")
    script = folder / "select.pgbench"
    script.write_text(_SELECT.format(most=len(codes)), "utf-8")
    command: list[str | Path] = [
        *(server.binary("pgbench"), "--no-vacuum", "--protocol=prepared", f"--time={PGBENCH_S}"),
        *("--client=8", "--jobs=2", f"--file={script}", server.dsn("juki")),
    ]
    found = _TPS.search(run_program(command))
    if found is None:
        raise SystemExit("pgbench が答えない / pgbench gave no figure")
    return float(found[1])


def main() -> None:
    """Measures and prints JSON."""
    parser = argparse.ArgumentParser(description="橋の速さ / the speed of the bridge")
    parser.add_argument("--people", type=int, default=10_000, help="国外転出者の数 / persons overseas")
    parser.add_argument("--timings", type=int, default=10_000, help="計る問いの数 / timed questions a kind")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.people, options.timings)), indent=1))


if __name__ == "__main__":
    main()

"""橋: persons looked up a second for an office's list, beside the same SELECT through pgbench."""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import pgbench
from benchmarks.load import WrongAnswers
from benchmarks.memory import memory_mib
from benchmarks.overseas import Bridge, emigrate, open_bridge
from benchmarks.stage import Stage

# What the bridge asks PostgreSQL for one person, for a random one of those who are there.
_SELECT = """\
\\set place random(1, {most})
SELECT * FROM bridge_find(ARRAY[(SELECT code FROM bench_code WHERE place = :place)]);
"""
_ANSWERED = "B100"


@dataclass(frozen=True, slots=True)
class Size:
    """People overseas, rounds, lines of the list of each, seconds of each run of pgbench."""

    people: int
    rounds: int
    keys: int
    pgbench_s: int


FULL = Size(people=600, rounds=2, keys=2_000, pgbench_s=2)
QUICK = Size(people=200, rounds=1, keys=1_000, pgbench_s=2)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """An office's list through `jukinetctl bridge request`, from its start to the sealed delivery file.

    The list names its people again and again; each line is a request of its own. BENCH_BRIDGE gives the
    lines of each list.
    """
    keys = int(os.environ.get("BENCH_BRIDGE", size.keys))
    stage.say("橋の用意 / preparing the bridge")
    rounds = []
    async with open_bridge(stage) as bridge:
        codes = await emigrate(stage, bridge, size.people)
        await _prepare_select(stage, codes)
        idle = _memory(bridge, "VmRSS")
        for number in range(size.rounds):
            stage.say(f"橋と pgbench を交互に {number + 1}/{size.rounds} / the bridge and pgbench in turn")
            select = await _select(stage, len(codes), size.pgbench_s)
            rounds.append({"select": round(select, 1)} | await _request(stage, bridge, codes, keys))
        peak = _memory(bridge, "VmHWM")
    lookups, select = (statistics.median(each[name] for each in rounds) for name in ("lookups", "select"))
    return {
        "bridge_lookups_per_s": lookups,
        "bridge_vs_select": round(lookups / select, 4),
        "select_per_s": select,
        "keys": keys,
        "idle_rss_mib": idle,
        "peak_rss_mib": peak,
        "rounds": rounds,
    }


async def _request(stage: Stage, bridge: Bridge, codes: Sequence[str], keys: int) -> dict[str, Any]:
    """One case of an office. Raises WrongAnswers unless every line is answered."""
    listed, password, out = (stage.folder / name for name in ("list.csv", "password", "delivery.age"))
    await asyncio.to_thread(_write, listed, "".join(f"{code}\n" for code in islice(cycle(codes), keys)))
    await asyncio.to_thread(_write, password, os.urandom(16).hex())
    out.unlink(missing_ok=True)
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jukinet_daemon.cli.jukinetctl", "bridge", "request", "--json"),
        *("--config", str(bridge.config), "--office", "zeimu", "--affair", "prefectural-tax"),
        *("--basis", "J5-4-3", "--approved-by", "approver", "--keys", str(listed), "--out", str(out)),
        *("--password-file", str(password)),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    seconds = time.perf_counter() - begun
    outcomes = json.loads(told or "{}").get("outcomes")
    if outcomes != {_ANSWERED: keys}:
        raise WrongAnswers(f"the bridge did not answer every line: {outcomes}")
    return {"lookups": round(keys / seconds, 1), "seconds": round(seconds, 2)}


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


async def _prepare_select(stage: Stage, codes: Sequence[str]) -> None:
    rows = ", ".join(f"({place}, '{code}')" for place, code in enumerate(codes, start=1))
    await stage.psql("juki", "CREATE TABLE bench_code (place int PRIMARY KEY, code text)")
    await stage.psql("juki", f"INSERT INTO bench_code VALUES {rows}")
    await stage.psql("juki", "ANALYZE")


async def _select(stage: Stage, people: int, seconds: int) -> float:
    script = stage.folder / "select.pgbench"
    await asyncio.to_thread(_write, script, _SELECT.format(most=people))
    return await pgbench.rate(stage, "juki", script, seconds)


def _memory(bridge: Bridge, what: str) -> dict[str, float]:
    return {register: memory_mib(pid, what) for register, pid in bridge.pids.items()}

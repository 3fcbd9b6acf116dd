"""測定の順: each measurement in turn, a table for people, build/bench.json for programs."""

import json
import os
import platform
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import (
    ack,
    backlog,
    bridge,
    end_to_end,
    fairness,
    first_load,
    held,
    latency,
    night,
    practitioner,
    start,
)
from benchmarks.screen import Screen
from benchmarks.stage import Stage, open_stage
from benchmarks.targets import TARGETS, judged

BUILD = Path("build")
KEYS = tuple(target.key for target in TARGETS)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement and its two sizes."""

    name: str
    measure: Callable[[Stage, Any], Awaitable[dict[str, Any]]]
    full: Any
    quick: Any


MEASUREMENTS: Mapping[str, Measurement] = {
    name: Measurement(name, module.measure, module.FULL, module.QUICK)
    for name, module in (
        ("start", start),
        ("ack", ack),
        ("end_to_end", end_to_end),
        ("practitioner", practitioner),
        ("latency", latency),
        ("fairness", fairness),
        ("backlog", backlog),
        ("bridge", bridge),
        ("first_load", first_load),
        ("night", night),
        ("held", held),
    )
}

# No bar hangs on these, and they take their time: a quick run leaves them out unless they are asked for.
_LONG = ("bridge", "first_load", "night")


def measured(*, quick: bool) -> tuple[str, ...]:
    """What is measured where nothing is asked for by name."""
    return tuple(name for name in MEASUREMENTS if not (quick and name in _LONG))


async def run(names: Sequence[str], *, quick: bool) -> dict[str, Any]:
    """Measures, shows a table, writes the JSON; gives what was written.

    A run of everything goes into build/bench.json, a quick one into build/bench-quick.json, one of a part
    into build/bench-part.json.
    """
    raw: dict[str, Any] = {}
    begun = time.monotonic()
    with Screen() as screen:
        async with open_stage(BUILD / "bench", screen.say) as stage:
            for name in names:
                raw[name] = await _measured(stage, screen, MEASUREMENTS[name], quick=quick)
        figures = {key: part[key] for key in KEYS for part in raw.values() if key in part}
        screen.table(figures)
        whole = "bench-quick.json" if quick else "bench.json"
        target = BUILD / (whole if set(names) == set(measured(quick=quick)) else "bench-part.json")
        written = figures | {
            "targets": judged(figures),
            "quick": quick,
            "seconds": round(time.monotonic() - begun, 1),
            "machine": _machine(),
            "raw": raw,
        }
        target.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", "utf-8")
        screen.done(f"{target}")
    return written


async def _measured(stage: Stage, screen: Screen, one: Measurement, *, quick: bool) -> dict[str, Any]:
    begun = time.monotonic()
    made = await one.measure(stage, one.quick if quick else one.full)
    seconds = round(time.monotonic() - begun, 1)
    told = ", ".join(f"{key} {made[key]}" for key in KEYS if isinstance(made.get(key), int | float))
    screen.done(f"{one.name}: {seconds:.0f} s  {told}")
    return made | {"measured_in_s": seconds}


def _machine() -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
    }

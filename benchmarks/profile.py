"""内訳: where a notice's microseconds go, as a table and a flame graph. `make profile`.

py-spy looks at a real jukinetd from outside, many times a second, while sixty senders keep it busy. The table
goes to the screen, the picture to docs/performance-flame.svg, both to build/profile.json.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import work
from benchmarks.flame import flame
from benchmarks.parcels import Press
from benchmarks.people import BASE_PEOPLE, base
from benchmarks.screen import Screen
from benchmarks.stage import Server, Stage, open_stage
from benchmarks.stages import OTHER, STEPS, shares, stacks_of

NOTICES = 60_000
SAMPLES_A_SECOND = 250
PICTURE = Path("docs/performance-flame.svg")
BUILD = Path("build")


async def profile() -> dict[str, Any]:
    """Profiles one run in parcels of 64; gives microseconds a notice, by part of the work and by process."""
    with Screen() as screen:
        async with open_stage(BUILD / "profile", screen.say) as stage:
            press = Press(stage.senders)
            mix = work.Mix(press, stage.senders, BASE_PEOPLE)
            async with stage.copy(await base(stage, press), "looked_at"), stage.server("looked_at") as server:
                screen.say("電文の用意 / preparing parcels")
                plain = await work.acknowledge(stage, server, work.prepare(stage, mix, NOTICES // 3, 64))
                parcels = work.prepare(stage, mix, NOTICES, 64)
                screen.say("内訳を見る / looking")
                raw = await _looked_at(stage, server, parcels)
    stacks = list(stacks_of(raw))
    cpu = plain["cpu_us_each"]["daemon"]
    return {
        "daemon_us": {name: round(share * cpu, 1) for name, share in shares(stacks).items()},
        "samples": sum(count for _, count in stacks),
        "picture": flame(stacks, "jukinetd, parcels of 64: CPU by function (py-spy)"),
    } | plain


async def _looked_at(stage: Stage, server: Server, parcels: work.Work) -> str:
    raw = stage.folder / "stacks.txt"
    # Beside our Python, whether or not its environment is the active one.
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or "py-spy"
    looking = await asyncio.create_subprocess_exec(
        *(program, "record", "--pid", str(server.pid), "--duration", "600", "--format", "raw"),
        *("--rate", str(SAMPLES_A_SECOND), "--output", str(raw)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await work.acknowledge(stage, server, parcels)
    finally:
        # Interrupted, it writes what it has seen.
        looking.send_signal(2)
        await looking.wait()
    return raw.read_text("utf-8")


def show(made: Mapping[str, Any]) -> None:
    """Prints the table."""
    table = Table(title=f"通知一件あたり、毎秒 {made['rate']:,.0f} 件 / microseconds of CPU a notice")
    for heading in ("", "", "µs"):
        table.add_column(heading, justify="right" if heading == "µs" else "left")
    for step in (*STEPS, OTHER):
        table.add_row(step.name, step.text, f"{made['daemon_us'][step.name]:.0f}")
    table.add_section()
    for name, used in made["cpu_us_each"].items():
        table.add_row(name, "全体 / in all", f"{used:.0f}")
    Console(width=100).print(table)


def main() -> None:
    """Profiles, shows, writes."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        made = runner.run(profile())
    PICTURE.write_text(made.pop("picture"), "utf-8")
    (BUILD / "profile.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")
    show(made)


if __name__ == "__main__":
    main()

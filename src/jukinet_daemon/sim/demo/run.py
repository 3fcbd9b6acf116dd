"""実演の進行: people, stage, the day, the judgement; then everything down, or kept up for trying out."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.live import Live

from jukinet_daemon.schemas import schemas_folder
from jukinet_daemon.sim.demo.bridge import show_bridge
from jukinet_daemon.sim.demo.children import Child, ChildFault
from jukinet_daemon.sim.demo.folder import FolderFault
from jukinet_daemon.sim.demo.kept import show_commands
from jukinet_daemon.sim.demo.screen import live_view, show_tallies
from jukinet_daemon.sim.demo.stage import Stage
from jukinet_daemon.sim.demo.verdict import judge
from jukinet_daemon.sim.people import (
    DayPlan,
    Municipality,
    Posted,
    first_load,
    load_municipalities,
    make_day,
    make_population,
)
from jukinet_daemon.sim.postgres import PostgresFault
from jukinet_daemon.sim.posts import write_posts
from jukinet_daemon.sim.world import REGISTERS, World

RECEIPTS_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Show:
    """What is to be shown: where, which people and day, how long the day takes, whether all stays up."""

    folder: Path
    plan: DayPlan
    seed: int
    people: int
    day_seconds: float
    keep: bool


class Scene:
    """The running state of the live view."""

    def __init__(self, load: list[Posted], day: list[Posted]) -> None:
        self._totals = {"load": _totals(load), "day": _totals(day), "done": _totals(day)}
        self.phase = "load"
        self.counts: Mapping[str, Any] = {}
        self.day_began: float | None = None
        self.day_seconds = 0.0

    def take(self, report: Mapping[str, Any]) -> None:
        """Takes one report of the municipalities in."""
        if report["phase"] == "day" and self.day_began is None:
            self.day_began = time.monotonic()
        if report["phase"] == "done" and self.day_began is not None:
            self.day_seconds = time.monotonic() - self.day_began
        self.phase = report["phase"]
        self.counts = report["counts"].get("day" if self.phase == "done" else self.phase, {})

    def view(self, received: Mapping[str, int]) -> Any:
        """The picture of now."""
        return live_view(self.phase, self.counts, self._totals[self.phase], received)


async def show(settings: Show, console: Console) -> int:
    """Runs the demo; gives 0 only if senders, servers and national servers agree to the notice."""
    municipalities = municipal_senders()
    stage = Stage(settings.folder, console.print)
    try:
        world = await stage.open(tuple(m.code for m in municipalities))
        console.print(f"{settings.people:,} 人の住民と一日を作っています / inventing people and a day")
        load, day = await asyncio.to_thread(_invent, settings)
        cs = Child("municipalities", settings.folder)
        try:
            scene = await _play(world, cs, settings, load, day, console)
            await _receipts(world)
            ids = {post.notice["id"] for post in day}
            tallies = [judge(world, site, ids, stage.postgres.psql) for site in world.sites]
            show_tallies(console, tallies, scene.day_seconds)
            bridged = await show_bridge(world, stage.postgres.psql, console)
            if settings.keep:
                show_commands(world, console)
                await asyncio.Event().wait()
            return 0 if bridged and all(tally.agrees for tally in tallies) else 1
        finally:
            await cs.stop()
    except (FolderFault, ChildFault, PostgresFault) as fault:
        # What a log says is no markup of ours.
        console.print(f"! {fault}", style="bold red", markup=False, soft_wrap=True)
        return 1
    finally:
        console.print("片付けています / closing down")
        await stage.close()


def municipal_senders() -> tuple[Municipality, ...]:
    """The municipalities that notify: all but the wards."""
    table = load_municipalities(schemas_folder() / "codes" / "municipalities.csv")
    return tuple(m for m in table if m.kind != "ward")


def _invent(settings: Show) -> tuple[list[Posted], list[Posted]]:
    people = make_population(
        schemas_folder() / "codes" / "municipalities.csv", settings.seed, settings.people
    )
    load, day = first_load(people), make_day(people, settings.seed, settings.plan)
    write_posts(settings.folder / "load.ndjson", load)
    write_posts(settings.folder / "day.ndjson", day)
    return load, day


async def _play(
    world: World, cs: Child, settings: Show, load: list[Posted], day: list[Posted], console: Console
) -> Scene:
    scene = Scene(load, day)
    await cs.start(
        "jukinet_daemon.cli.jukinet_sim",
        "municipalities",
        *("--folder", str(world.folder), "--day-seconds", str(settings.day_seconds)),
    )
    counters = {site.register: _Lines(Path(site.national_journal)) for site in world.sites}
    with Live(console=console, refresh_per_second=8, transient=False) as live:
        async for report in cs.lines():
            scene.take(report)
            live.update(scene.view({register: counter.count() for register, counter in counters.items()}))
            if scene.phase == "done":
                break
    console.print()
    if scene.phase == "done":
        return scene
    raise ChildFault(
        f"市区町村が途中で終わりました。{cs.log} を見てください / the municipalities ended early"
    )


async def _receipts(world: World) -> None:
    """Waits until nothing waits for the national servers any more, or long enough."""
    async with aiohttp.ClientSession() as session:
        deadline = time.monotonic() + RECEIPTS_TIMEOUT_S
        for site in world.sites:
            while time.monotonic() < deadline:
                async with session.get(f"{site.health}/healthz") as answer:
                    if (await answer.json())["outbox"]["records"] == 0:
                        break
                await asyncio.sleep(LOOK_EVERY_S)


def _totals(posts: list[Posted]) -> dict[str, int]:
    return {register: sum(post.register == register for post in posts) for register in REGISTERS}


class _Lines:
    """Counts the lines of a growing file, reading only what is new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._count = 0

    def count(self) -> int:
        """How many lines there are now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
            self._position += len(data)
            self._count += data.count(b"\n")
        return self._count

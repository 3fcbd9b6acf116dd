"""六十市区町村: every municipality's CS in one process, each behind a dedicated line of its own."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.line import Line
from jukinet_daemon.sim.line_pipe import LineProfile
from jukinet_daemon.sim.municipality import Answered, MunicipalCs, Window
from jukinet_daemon.sim.people import Municipality, Posted
from jukinet_daemon.sim.posts import read_posts
from jukinet_daemon.sim.world import World

SERVICE_DAY_S = 31_500.0
REPORT_EVERY_S = 0.2
# The busiest CS come first in the day only by their weight; a notice is posted on its minute, not its second.
STEP_S = 0.05


@dataclass(frozen=True, slots=True)
class Task:
    """What the sixty are to send: a first load at once, then a day in so many seconds."""

    load: Path
    day: Path
    day_seconds: float


class Progress:
    """What has been posted and answered so far, by phase and register."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.phase = "load"
        self._counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))

    def posted(self, register: str) -> None:
        """One more was given to its CS."""
        self._counts[self.phase][register]["posted"] += 1

    def answered(self, register: str, outcome: str) -> None:
        """One more has its final answer."""
        self._counts[self.phase][register][outcome] += 1

    def report(self) -> None:
        """Tells the state in one line of JSON."""
        self._tell(json.dumps({"phase": self.phase, "counts": self._counts}))


def line_profile(municipality: Municipality) -> LineProfile:
    """A dedicated line as such a municipality might rent: the larger the town, the wider and nearer."""
    people = municipality.population
    mbit, latency_ms = next(
        (mbit, latency)
        for least, mbit, latency in (
            (500_000, 100, 1),
            (100_000, 50, 3),
            (30_000, 10, 6),
            (10_000, 6, 10),
            (0, 3, 16),
        )
        if people >= least
    )
    return LineProfile(municipality.name, mbit * 1_000_000, latency_ms / 1000)


class Sixty:
    """The CS of every municipality, by municipality and register."""

    def __init__(self, world: World, municipalities: Iterable[Municipality], progress: Progress) -> None:
        self._world = world
        self._municipalities = tuple(municipalities)
        self._progress = progress
        self._offices: dict[tuple[str, str], MunicipalCs] = {}
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """Rents the lines and starts every CS."""
        (self._world.folder / "cs").mkdir(exist_ok=True)
        for municipality in self._municipalities:
            journal = Journal(self._world.cs_journal(municipality.code))
            self._stack.callback(journal.close)
            for site in self._world.sites:
                line = Line(line_profile(municipality))
                target = urlsplit(site.notices)
                port = await line.start(target.hostname or "", target.port or 0)
                self._stack.push_async_callback(line.stop)
                url = f"wss://127.0.0.1:{port}{target.path}"
                await self._start_cs(municipality.code, site.register, url, journal)

    async def _start_cs(self, code: str, register: str, url: str, journal: Journal) -> None:
        caller, key = self._world.cs_caller(code, register), self._world.ledger_key(register)
        window = Window(register, code, url, caller, ledger_key=key)

        def answered(answer: Answered) -> None:
            self._progress.answered(register, answer.outcome)

        cs = MunicipalCs(window, journal, answered)
        task = asyncio.create_task(cs.run())
        self._stack.push_async_callback(_cancel, task)
        self._offices[code, register] = cs

    async def send(self, posts: Iterable[Posted], seconds: float) -> None:
        """Posts in order of time, a service day in so many seconds; waits until all are answered."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        ordered = sorted(posts, key=lambda post: post.at)
        for post in ordered:
            due = start + post.at / SERVICE_DAY_S * seconds
            if due - loop.time() > STEP_S:
                await asyncio.sleep(due - loop.time())
            self._offices[post.sender, post.register].post([post.notice])
            self._progress.posted(post.register)
        for cs in self._offices.values():
            await cs.done()

    async def compare(self, day: date) -> None:
        """Has every CS compare a day with its server."""
        for cs in self._offices.values():
            cs.compare(day)
        for cs in self._offices.values():
            await cs.done()

    async def close(self) -> None:
        """Ends every CS and line."""
        await self._stack.aclose()


async def run_municipalities(
    world: World, municipalities: Iterable[Municipality], task: Task, tell: Callable[[str], None]
) -> None:
    """Sends the first load and the day; tells progress; keeps the lines up until cancelled."""
    progress = Progress(tell)
    sixty = Sixty(world, municipalities, progress)
    reporter = asyncio.create_task(_report(progress))
    try:
        await sixty.open()
        await sixty.send(read_posts(task.load), 0.0)
        progress.report()
        progress.phase = "day"
        await sixty.send(read_posts(task.day), task.day_seconds)
        await sixty.compare(date.today())  # noqa: DTZ011 - the day on this machine's calendar
        # The demo reads no further: more reports would in time fill the pipe, and then stop every CS.
        await _cancel(reporter)
        progress.phase = "done"
        progress.report()
        await asyncio.Event().wait()
    finally:
        await _cancel(reporter)
        await sixty.close()


async def _report(progress: Progress) -> None:
    while True:
        progress.report()
        await asyncio.sleep(REPORT_EVERY_S)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

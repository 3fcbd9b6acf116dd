"""The sixty after their day: their lines stay up, and nothing more is told, for nobody reads it."""

import asyncio
import json
from pathlib import Path

import pytest

from jukinet_daemon.sim import municipalities
from jukinet_daemon.sim.municipalities import Task, run_municipalities
from jukinet_daemon.sim.world import World

TURNS = 100


async def test_nothing_is_told_after_the_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(municipalities, "REPORT_EVERY_S", 0)
    posts = tmp_path / "posts.ndjson"
    posts.touch()
    done = asyncio.Event()
    phases: list[str] = []

    def tell(line: str) -> None:
        phases.append(json.loads(line)["phase"])
        if phases[-1] == "done":
            done.set()

    world = World(tmp_path, "jukinet.example", "400009", ())
    work = asyncio.create_task(run_municipalities(world, (), Task(posts, posts, 0.0), tell))
    try:
        await done.wait()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert not work.done()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    assert phases.count("done") == 1
    assert phases[-1] == "done"

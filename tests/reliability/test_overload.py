"""Overload and bad neighbours: queues are bounded, everyone is served in order, nothing is lost."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from campaign.overload import WARDS, senders
from campaign.prefecture import REGISTER
from conftest import HouseMaker
from judge.evidence import gather
from judge.tables import copy_tables
from judge.verdict import judge
from jukinet_daemon.daemon import notices as composition
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.service.lanes import Arrival, Lanes
from jukinet_daemon.sim import municipality
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.line import Harm, Line, LineProfile
from jukinet_daemon.sim.municipality import MunicipalCs, Window
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.national import relayed
from support.notices import juki_change
from support.stall import commits_stand_still
from support.wellness import report_of
from support.world import House, until

LANE, PARCEL = 100, 20
DOOR = {"listen": "127.0.0.1:0", "parcels_in_flight": 64}
FLOODERS = ("402303", "402192", "402176")


async def _office(stack: AsyncExitStack, house: House, folder: Path, code: str, port: int = 0) -> MunicipalCs:
    url = f"wss://127.0.0.1:{port}/notices" if port else house.notices_url
    caller = house.pki.caller(Role.CS, code, REGISTER)
    journal = Journal(folder / f"{code}.ndjson")
    window = Window(REGISTER, code, url, caller, parcel_notices=PARCEL, in_flight=60)
    cs = MunicipalCs(window, journal, lambda _answer: None)
    running = asyncio.create_task(cs.run())

    async def end() -> None:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        journal.close()

    stack.push_async_callback(end)
    return cs


def _journals(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ndjson"))


async def _judged(house: House, pg: EmbeddedPostgres, folder: Path, expected: int) -> None:
    await until(lambda: relayed(house), seconds=60)
    tables = copy_tables(pg.binary("psql"), house.dsn)
    verdict = judge(gather(_journals(folder), house.national_journal, tables, REGISTER))
    assert verdict.sound, verdict.findings[:5]
    assert verdict.counts["acknowledged"] == verdict.counts["applied"] == expected


async def test_a_flood_waits_at_its_senders_and_nothing_is_lost(
    open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pg: EmbeddedPostgres
) -> None:
    monkeypatch.setattr(composition, "LANE_NOTICES", LANE)
    queued: list[int] = []
    put = Lanes.put

    async def counting(self: Lanes, arrival: Arrival) -> Any:
        promise = await put(self, arrival)
        lanes = self._lanes.values()
        queued.append(sum(len(waiting.arrival.parcel.notices) for lane in lanes for waiting in lane))
        return promise

    monkeypatch.setattr(Lanes, "put", counting)
    house = await open_house(REGISTER, notices=DOOR)
    each = 4 * LANE
    folder = tmp_path / "cs"
    folder.mkdir()

    async def lanes_are_full() -> bool:
        return bool(queued) and max(queued) >= len(FLOODERS) * LANE

    async with AsyncExitStack() as stack:
        offices = {code: await _office(stack, house, folder, code) for code in FLOODERS}
        async with commits_stand_still(house):
            for code, cs in offices.items():
                cs.post([juki_change(area=code) for _ in range(each)])
            await until(lanes_are_full, seconds=60)
            await until(partial(_told_full, house), seconds=60)
        for cs in offices.values():
            await cs.done()
    assert max(queued) <= len(FLOODERS) * LANE
    await _judged(house, pg, folder, len(FLOODERS) * each)


async def test_after_storms_of_reconnects_all_sixty_are_served(
    open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pg: EmbeddedPostgres
) -> None:
    pauses: list[float] = []

    def uniform(least: float, most: float) -> float:
        pauses.append(dice.uniform(least, most))
        return pauses[-1]

    dice = random.Random(60)
    monkeypatch.setattr(vars(municipality)["random"], "uniform", uniform)
    house = await open_house(REGISTER, notices=DOOR)
    folder = tmp_path / "cs"
    folder.mkdir()
    line = Line(LineProfile("all", bits_per_second=1e9, latency_s=0.0))
    host, _, port = house.notices_url.removeprefix("wss://").partition("/")[0].rpartition(":")
    posted: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(line.stop)
        own = await line.start(host, int(port))
        offices = {code: await _office(stack, house, folder, code, own) for code in senders()}
        for _ in range(3):
            for code, cs in offices.items():
                cs.post([juki_change(area=WARDS.get(code, code)) for _ in range(2)])
                posted[code] += 2
            await until(partial(_came, line, line.connections), seconds=60)
            await line.cut(Harm.RST)
            line.restore()
        for cs in offices.values():
            await cs.done()
    assert line.connections > 2 * len(senders())
    # Nobody knows of the others, so only chance keeps them from coming back at one moment.
    assert len(set(pauses)) == len(pauses) > len(senders())
    assert {(0.5 <= pause <= 1.0) for pause in pauses} == {True}
    await _judged(house, pg, folder, posted.total())


async def _told_full(house: House) -> bool:
    """Whether health says of every flooder that its lane is full."""
    lanes = (await report_of(house))["doors"]["notices"]["lanes"]
    return bool(lanes == {"bound": LANE, "waiting": dict.fromkeys(FLOODERS, LANE)})


async def _came(line: Line, before: int) -> bool:
    """Whether everybody is connected, now or again."""
    return line.carrying >= len(senders()) or line.connections >= before + len(senders())

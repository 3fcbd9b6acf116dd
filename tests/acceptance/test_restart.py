"""A restart without a gap: the process behind a passed socket is replaced while municipalities send."""

import asyncio
import json
import os
import shutil
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.demo.children import ChildFault
from support.activation import activated_daemon, one_free_port, socket_activated
from support.notices import juki_change
from support.store import session
from support.world import FUKUOKA, KITAKYUSHU, CsLine, Pki, until

from .conftest import config_text

RESTARTS = int(os.environ.get("RESTARTS", "3"))
NOTICES_A_SECOND = 200
PARCEL = 10
AREAS = {FUKUOKA: "401315", KITAKYUSHU: "401013"}


@dataclass
class Sender:
    """A municipality that never stops: what has no answer when a line ends is sent again."""

    municipality: str
    url: str
    pki: Pki
    sent: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    lines: int = 0

    async def run(self, enough: asyncio.Event) -> None:
        parcel: list[Any] = []
        while not (enough.is_set() and not parcel):
            with suppress(PeerFault):
                caller = self.pki.caller(Role.CS, self.municipality, "juki")
                async with call(self.url, caller) as conversation:
                    self.lines += 1
                    line = CsLine("juki", self.municipality, caller, conversation)
                    while not (enough.is_set() and not parcel):
                        parcel = parcel or self._fresh()
                        for answer in await line.tell(*parcel):
                            self.answers[answer.outcome] += 1
                        parcel = []
                        # The pace of the load, not a wait for anything.
                        await asyncio.sleep(PARCEL * len(AREAS) / NOTICES_A_SECOND)

    def _fresh(self) -> list[Any]:
        area = AREAS[self.municipality]
        parcel = [juki_change(area=area, person={"address_area": area}) for _ in range(PARCEL)]
        self.sent += [notice["id"] for notice in parcel]
        return parcel


class Prober:
    """Knocks all the time and counts who is refused."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.knocks = Counter[str]()

    async def run(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(*self._address)
            except ConnectionRefusedError:
                self.knocks["refused"] += 1
            else:
                self.knocks["taken"] += 1
                writer.close()
            await asyncio.sleep(0.02)


@pytest.fixture
def dsn(new_database: Callable[[str], str]) -> str:
    return new_database("juki")


@pytest.fixture
def config(tmp_path: Path, pki: Pki, dsn: str) -> Path:
    path = tmp_path / "juki.toml"
    path.write_text(config_text("juki", pki, dsn, tmp_path, {"notices": 1, "health": 0}), "utf-8")
    return path


class Load:
    """Two municipalities that send, and somebody who knocks."""

    def __init__(self, address: tuple[str, int], pki: Pki) -> None:
        url = "wss://{}:{}/notices".format(*address)
        self.senders, self.prober = [Sender(code, url, pki) for code in AREAS], Prober(address)
        self._enough = asyncio.Event()
        self._sending = [asyncio.create_task(sender.run(self._enough)) for sender in self.senders]
        self._tasks = [asyncio.create_task(self.prober.run()), *self._sending]

    async def __aenter__(self) -> "Load":
        return self

    async def finish(self) -> None:
        """Nothing new; waits until everything sent has its answer."""
        self._enough.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*self._sending)

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def answered(senders: list[Sender], more: int) -> None:
    """Waits until each sender has so many answers more than now."""
    before = [sum(sender.answers.values()) for sender in senders]

    async def enough() -> bool:
        now = [sum(sender.answers.values()) for sender in senders]
        return all(count >= start + more for start, count in zip(before, now, strict=True))

    await until(enough, 60)


async def nothing_lost_or_doubled(dsn: str, senders: list[Sender]) -> None:
    """By the replies and by the tables."""
    sent = [notice_id for sender in senders for notice_id in sender.sent]
    answers = sum((sender.answers for sender in senders), Counter[str]())
    assert set(answers) == {"ACCEPTED"}
    assert answers["ACCEPTED"] == len(sent)
    async with session(dsn) as owner:
        for table in ("inbox", "history", "outbox"):
            kept = Counter(row[0] for row in await owner.fetch(f"SELECT notice_id::text FROM {table}"))
            assert kept == Counter(sent), table
        leaves = await owner.fetch("SELECT payload FROM ledger")
    told = Counter(json.loads(row["payload"]).get("id") for row in leaves)
    assert {notice_id: told[notice_id] for notice_id in sent} == dict.fromkeys(sent, 1)


async def test_nobody_notices_a_restart(config: Path, dsn: str, tmp_path: Path, pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as passed:
        async with Load(passed.getsockname(), pki) as load:
            senders, prober = load.senders, load.prober
            for turn in range(RESTARTS + 1):
                async with activated_daemon(config, tmp_path, [("notices", passed)], "notices"):
                    await answered(senders, 10 * PARCEL)
                    if turn == RESTARTS:
                        await load.finish()
    assert prober.knocks["refused"] == 0
    assert prober.knocks["taken"] > 10 * RESTARTS
    assert all(sender.lines > RESTARTS for sender in senders)
    await nothing_lost_or_doubled(dsn, senders)


async def test_a_door_that_listens_by_itself_refuses_meanwhile(
    config: Path, dsn: str, tmp_path: Path, pki: Pki
) -> None:
    """Teeth: without a passed socket the same knocking is refused."""
    with one_free_port() as address:
        pass
    ports = {"notices": address[1], "health": 0}
    text = config_text("juki", pki, dsn, tmp_path, ports)
    await asyncio.to_thread(config.write_text, text, "utf-8")
    prober = Prober(address)
    knocking = asyncio.create_task(prober.run())
    try:
        for _ in range(2):
            async with activated_daemon(config, tmp_path, [], "notices"):
                taken = prober.knocks["taken"]

                async def more(taken: int = taken) -> bool:
                    return prober.knocks["taken"] > taken

                await until(more, 60)
    finally:
        knocking.cancel()
        await asyncio.gather(knocking, return_exceptions=True)
    assert prober.knocks["refused"] > 0


@pytest.mark.skipif(
    not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is not installed"
)
async def test_systemd_passes_the_socket(config: Path, dsn: str, tmp_path: Path, pki: Pki) -> None:
    with one_free_port() as address:
        pass
    async with (
        socket_activated(config, tmp_path, "{}:{}".format(*address), "notices") as child,
        Load(address, pki) as load,
    ):
        await answered(load.senders, 10 * PARCEL)
        await load.finish()
        assert child.pid
    await nothing_lost_or_doubled(dsn, load.senders)


async def test_an_old_program_does_not_start_on_a_newer_schema(
    config: Path, dsn: str, tmp_path: Path
) -> None:
    async with session(dsn) as owner:
        await owner.execute("INSERT INTO schema_migration VALUES (9999, 'of_tomorrow', 'juki')")
    refused = pytest.raises(ChildFault, match="schema 9999, of a newer program")
    with socket.create_server(("127.0.0.1", 0)) as passed, refused:
        async with activated_daemon(config, tmp_path, [("notices", passed)], "notices"):
            pass


async def test_a_running_program_goes_on_while_the_next_one_migrates(
    config: Path, dsn: str, tmp_path: Path, pki: Pki
) -> None:
    """What a migration may do is add; the old program, which is running, must not notice."""
    with socket.create_server(("127.0.0.1", 0)) as passed:
        async with (
            activated_daemon(config, tmp_path, [("notices", passed)], "notices") as child,
            Load(passed.getsockname(), pki) as load,
        ):
            await answered(load.senders, PARCEL)
            async with session(dsn) as owner, owner.transaction():
                await owner.execute("CREATE TABLE of_tomorrow (id bigint PRIMARY KEY)")
                await owner.execute("ALTER TABLE history ADD COLUMN of_tomorrow text")
                await owner.execute("INSERT INTO schema_migration VALUES (9999, 'of_tomorrow', 'juki')")
            await answered(load.senders, 3 * PARCEL)
            await load.finish()
            os.kill(child.pid, 0)
    await nothing_lost_or_doubled(dsn, load.senders)

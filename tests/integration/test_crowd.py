"""A crowd at a real door: it gives way to newcomers, leaves nothing behind and costs no memory."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from abuse.__main__ import Plan, run
from campaign.prefecture import Ground
from conftest import HouseMaker
from jukinet_daemon.server import entrance, gate
from jukinet_daemon.server.entrance import Entrance
from jukinet_daemon.server.frames import MAX_CONTROLS
from jukinet_daemon.server.gate import MOST_OF_A_PEER
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.notices import juki_change
from support.raw import RawLine, cs_context, frame, raw_line
from support.watch import Watch, watching
from support.world import FUKUOKA, KITAKYUSHU, TRUST_DOMAIN, House, Pki, until

GONE_S = 60.0
MOST = 100
PACE_S = 0.1
PING, PONG = 9, 10
CROWD, OTHER = "127.0.2.1", "127.0.2.2"


@pytest.fixture
async def house(open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(entrance, "MOST", MOST)
    opened: House = await open_house("juki", national=False)
    return opened


async def _served(house: House) -> None:
    """A newcomer is let in and answered."""
    async with house.line(KITAKYUSHU) as line:
        notice = juki_change(area="401013", person={"address_area": "401013"})
        assert (await line.tell(notice))[0].outcome == "ACCEPTED"


@asynccontextmanager
async def _upgraded(house: House) -> AsyncIterator[RawLine]:
    async with raw_line(house, cs_context(house)) as raw:
        await raw.upgrade()
        yield raw


async def _answers(raw: RawLine) -> bool:
    await raw.send(PING, b"there?")
    return await raw.receive() == (PONG, b"there?")


async def _handshakes(count: int) -> None:
    """Waits until so many handshakes are under way in this process."""

    async def so_many() -> bool:
        names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
        return names.count("Gate._shake_hands") == count

    await until(so_many, GONE_S)


def _sockets() -> int:
    """How many sockets this process has open."""
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return sum(link.is_symlink() and os.path.lexists(link) and _is_socket(link) for link in links)


def _is_socket(link: Path) -> bool:
    try:
        return str(link.readlink()).startswith("socket:")
    except FileNotFoundError:
        return False


@asynccontextmanager
async def _silent(house: House, address: str) -> AsyncIterator[socket.socket]:
    """Somebody who connects from an address and says nothing."""
    host, _, port = house.daemon.addresses["notices"].rpartition(":")
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
        yield connection


async def _closed(connection: socket.socket) -> bool:
    async with asyncio.timeout(GONE_S):
        try:
            return await asyncio.get_running_loop().sock_recv(connection, 1) == b""
        except ConnectionError:
            return True


async def test_one_name_holds_so_many_connections_and_no_more(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as lines:
        held = [await lines.enter_async_context(_upgraded(house)) for _ in range(MOST_OF_A_PEER)]
        with watching(caplog) as watch:
            async with raw_line(house, cs_context(house)) as one_more:
                assert await one_more.ask("GET /notices HTTP/1.1\r\nHost: x\r\n\r\n") == b""
            logged = await watch.one()
        assert (logged["event"], logged["reason"]) == ("peer_refused", "crowding")
        assert logged["peer"] == f"spiffe://{TRUST_DOMAIN}/cs/{FUKUOKA}"
        # Nobody else feels it: neither those who are inside, nor another name.
        assert all([await _answers(raw) for raw in held])
        await _served(house)
        held[0].writer.transport.abort()
        async with asyncio.timeout(GONE_S):
            while not await _let_in(house):
                pass


async def _let_in(house: House) -> bool:
    async with raw_line(house, cs_context(house)) as raw:
        return b" 404 " in await raw.ask("GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")


async def test_pings_without_end_to_a_peer_that_reads_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """It is ended, and long before its pings are many."""
    with watching(caplog) as watch:
        async with raw_line(house, cs_context(house), receive_buffer=4096) as raw:
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            await raw.upgrade()
            raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
            sent = await _flood(raw)
        logged = await until(lambda: _events(watch, "peer_too_slow"))
    assert [event["owed"] for event in logged] == ["pings"]
    assert sent < 2**21
    await _served(house)


async def _flood(raw: RawLine) -> int:
    """Sends pings until the server ends it; gives how many bytes the connection took."""
    pings, sent = frame(PING, b"p" * 125) * MAX_CONTROLS, 0
    async with asyncio.timeout(GONE_S):
        while not raw.writer.transport.is_closing():
            raw.writer.write(pings)
            sent += len(pings)
            try:
                await raw.writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0)
    return sent


async def _events(watch: Watch, name: str) -> list[Any]:
    return [event for event in watch.events if event["event"] == name]


async def test_a_full_porch_gives_every_place_back(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gave way, was turned away or went by itself is gone wholly, and newcomers come in meanwhile."""
    monkeypatch.setattr(gate, "HANDSHAKE_TIMEOUT_S", 10 * GONE_S)
    monkeypatch.setattr(entrance, "PATIENCE_S", 10 * GONE_S)
    await _served(house)
    before = _sockets()
    with watching(caplog) as watch:
        async with AsyncExitStack() as crowd:
            standing = [await crowd.enter_async_context(_silent(house, CROWD)) for _ in range(MOST)]
            await _handshakes(MOST)
            # One more of the crowd is turned away; one of another address has the place of the oldest.
            async with _silent(house, CROWD) as one_more:
                assert await _closed(one_more)
            async with _silent(house, OTHER):
                assert await _closed(standing[0])
                await _handshakes(MOST)
            await _handshakes(MOST - 1)
            await _served(house)
        await _handshakes(0)
    assert [event["reason"] for event in await _events(watch, "peer_refused")] == ["crowding"]

    async def given_back() -> bool:
        return _sockets() <= before

    await until(given_back, GONE_S)
    async with AsyncExitStack() as crowd:
        for _ in range(MOST):
            await crowd.enter_async_context(_silent(house, CROWD))
        await _handshakes(MOST)


async def test_whoever_waits_too_long_for_a_turn_is_turned_away(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told of once, and never shaken hands with; who comes when there are turns again has one."""
    with monkeypatch.context() as impatient, watching(caplog) as watch:
        impatient.setattr(entrance, "PATIENCE_S", 0.0)
        async with AsyncExitStack() as crowd:
            standing = [await crowd.enter_async_context(_silent(house, CROWD)) for _ in range(MOST)]
            assert all([await _closed(one) for one in standing])
    assert [event["reason"] for event in await _events(watch, "peer_refused")] == ["crowding"]
    assert await _events(watch, "tls_broke") == []
    await _served(house)


@asynccontextmanager
async def _entrance(begun: asyncio.Queue[tuple[str, float]]) -> AsyncIterator[tuple[str, int]]:
    """An entrance with a slow pace, which closes whom it would shake hands with and says who and when."""

    async def shake(connection: socket.socket, address: str) -> None:
        connection.close()
        begun.put_nowait((address, asyncio.get_running_loop().time()))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        opened = Entrance("notices", listening, shake, pytest.fail, pace_s=PACE_S)
        async with asyncio.timeout(GONE_S):
            yield listening.getsockname()
        await opened.close()


async def test_handshakes_begin_one_in_each_pace() -> None:
    """And one more behind a pause: never three of them sooner than one pace apart."""
    begun: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
    async with _entrance(begun) as door:
        with ExitStack() as callers:
            for _ in range(6):
                callers.enter_context(socket.create_connection(door))
            times = [(await begun.get())[1] for _ in range(6)]
    # They are of the handshake, which begins a little after its turn was given.
    assert all(third - first > 0.8 * PACE_S for first, third in zip(times, times[2:], strict=False))


async def test_one_that_has_gone_by_itself_takes_no_turn() -> None:
    begun: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
    async with _entrance(begun) as door:
        for _ in range(20):
            socket.create_connection(door, source_address=(CROWD, 0)).close()
        with socket.create_connection(door, source_address=(OTHER, 0)):
            assert (await begun.get())[0] == OTHER
    assert begun.empty()


async def test_a_hundred_bad_peers_of_every_kind(pg: EmbeddedPostgres, pki: Pki, tmp_path: Path) -> None:
    """`make abuse` in small: all closed, nothing lost, memory and descriptors given back, newcomers let in.

    How soon each is closed is measured there: here the machine may be busy.
    """
    report = await run(
        Ground(tmp_path, pg, pki), Plan(130, waves=1, quiet_s=1.0, given_up_s=GONE_S, aside=False)
    )
    assert list(report.broken()) == []

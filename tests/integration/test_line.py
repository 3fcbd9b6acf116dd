"""The simulated dedicated line, seen from the sockets at its two ends."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from jukinet_daemon.sim.line import Direction, Harm, Line, LineProfile

FAST = LineProfile("fast", 2e9, 0.0)
MODEST = LineProfile("modest", 8e6, 0.0)
LONG = LineProfile("long", 80e6, 0.1)
LIMIT_S = 30
TEST_BUFFER = 65536
# Four sockets lie on the way, and the kernel doubles what each is given; one read of the loop is on its way.
KERNEL_BOUND = 4 * 2 * TEST_BUFFER + 256 * 1024


@dataclass(frozen=True)
class Ends:
    """A line that carries one connection, with both of its outer sockets."""

    line: Line
    client: socket.socket
    server: socket.socket
    listener: socket.socket
    port: int

    def towards(self, direction: Direction) -> tuple[socket.socket, socket.socket]:
        """Give the socket to send on and the socket to receive on."""
        return (self.client, self.server) if direction is Direction.TO_SERVER else (self.server, self.client)


def _socket() -> socket.socket:
    new = socket.socket()
    new.setblocking(False)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TEST_BUFFER)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, TEST_BUFFER)
    return new


async def _connect(
    stack: AsyncExitStack, listener: socket.socket, port: int
) -> tuple[socket.socket, socket.socket]:
    loop = asyncio.get_running_loop()
    client = stack.enter_context(_socket())
    await loop.sock_connect(client, ("127.0.0.1", port))
    server, _ = await loop.sock_accept(listener)
    return client, stack.enter_context(server)


@asynccontextmanager
async def joined(profile: LineProfile) -> AsyncIterator[Ends]:
    async with AsyncExitStack() as stack, asyncio.timeout(LIMIT_S):
        listener = stack.enter_context(_socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        line = Line(profile)
        stack.push_async_callback(line.stop)
        port = await line.start(*listener.getsockname())
        client, server = await _connect(stack, listener, port)
        yield Ends(line, client, server, listener, port)


async def _send(end: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(end, data)


async def _receive(end: socket.socket, count: int) -> bytes:
    """Give `count` bytes, or fewer if the stream ends in order before."""
    received = bytearray()
    while len(received) < count:
        chunk = await asyncio.get_running_loop().sock_recv(end, min(65536, count - len(received)))
        if not chunk:
            break
        received += chunk
    return bytes(received)


async def _receive_until_reset(end: socket.socket) -> bytes:
    received = bytearray()
    try:
        while chunk := await asyncio.get_running_loop().sock_recv(end, 65536):
            received += chunk
    except ConnectionResetError:
        return bytes(received)
    pytest.fail("ended in order")


async def _assert_refused(port: int) -> None:
    async def knock() -> None:
        # The reset shows at the connect or at the first read, whichever it overtakes.
        with _socket() as client:
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
            await asyncio.get_running_loop().sock_recv(client, 1)

    with pytest.raises(ConnectionResetError):
        await knock()


async def _assert_silent(end: socket.socket) -> None:
    """Nothing has come, not even an end, in the time that a sound line takes for a tenth of a megabyte."""
    async with joined(MODEST) as twin, asyncio.TaskGroup() as group:
        group.create_task(_send(twin.client, bytes(100_000)))
        await _receive(twin.server, 100_000)
    with pytest.raises(BlockingIOError):
        end.recv(1)


async def _send_counting(end: socket.socket, data: bytes, progress: list[int]) -> None:
    for start in range(0, len(data), 1000):
        await _send(end, data[start : start + 1000])
        progress.append(start + 1000)


async def _swallow_reset(sending: Coroutine[Any, Any, None]) -> None:
    with suppress(ConnectionError):
        await sending


async def test_five_megabytes_arrive_intact_both_ways_at_once() -> None:
    up, down = (random.Random(seed).randbytes(5_000_000) for seed in (1, 2))
    async with joined(FAST) as ends:
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(ends.client, up))
            group.create_task(_send(ends.server, down))
            at_server = group.create_task(_receive(ends.server, len(up)))
            at_client = group.create_task(_receive(ends.client, len(down)))
        assert at_server.result() == up
        assert at_client.result() == down
        assert ends.line.connections == 1
        # The last count follows the last byte: the orderly end comes after both.
        ends.client.shutdown(socket.SHUT_WR)
        ends.server.shutdown(socket.SHUT_WR)
        assert (await _receive(ends.server, 1), await _receive(ends.client, 1)) == (b"", b"")
        assert [ends.line.delivered(direction) for direction in Direction] == [5_000_000, 5_000_000]


@pytest.mark.parametrize("direction", Direction)
async def test_bandwidth_is_not_exceeded(direction: Direction) -> None:
    async with joined(MODEST) as ends:
        source, sink = ends.towards(direction)
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(source, bytes(100_000)))
            received = await _receive(sink, 100_000)
        assert len(received) == 100_000
        assert asyncio.get_running_loop().time() - begun >= 0.1


async def test_connections_share_the_bandwidth() -> None:
    async with joined(MODEST) as ends, AsyncExitStack() as stack:
        client, server = await _connect(stack, ends.listener, ends.port)
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for source, sink in ((ends.client, ends.server), (client, server)):
                group.create_task(_send(source, bytes(50_000)))
                group.create_task(_receive(sink, 50_000))
        assert asyncio.get_running_loop().time() - begun >= 0.1
        assert ends.line.connections == 2


async def test_latency_delays_each_byte_but_they_travel_together() -> None:
    far = LineProfile("far", 8e6, 0.2)
    async with joined(far) as ends:
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(ends.client, bytes(500_000)))
            await _receive(ends.server, 1)
            assert asyncio.get_running_loop().time() - begun >= far.latency_s
            await _receive(ends.server, 499_999)
        taken = asyncio.get_running_loop().time() - begun
        one_after_the_other = 500_000 / far.chunk_bytes * far.latency_s
        assert 0.5 + far.latency_s <= taken < one_after_the_other / 2


async def test_half_close_passes_behind_the_bytes() -> None:
    async with joined(LONG) as ends:
        await _send(ends.client, b"last words")
        ends.client.shutdown(socket.SHUT_WR)
        assert await _receive(ends.server, 100) == b"last words"
        await _send(ends.server, b"answer")
        assert await _receive(ends.client, 6) == b"answer"


async def test_a_reset_does_not_overtake_the_bytes_before_it() -> None:
    async with joined(LONG) as ends:
        await _send(ends.client, b"never read, so that closing resets")
        await _receive(ends.server, 1)
        await _send(ends.server, b"alert")
        ends.server.close()
        assert await _receive_until_reset(ends.client) == b"alert"


async def test_rst_resets_both_ends_and_refuses_until_restored() -> None:
    async with joined(FAST) as ends, AsyncExitStack() as stack:
        await ends.line.cut(Harm.RST)
        assert await _receive_until_reset(ends.client) == b""
        assert await _receive_until_reset(ends.server) == b""
        await _assert_refused(ends.port)
        ends.line.restore()
        client, server = await _connect(stack, ends.listener, ends.port)
        await _send(client, b"again")
        assert await _receive(server, 5) == b"again"
        assert ends.line.connections == 2


async def test_fin_ends_both_in_order_even_over_unread_bytes() -> None:
    async with joined(MODEST) as ends:
        await _send(ends.client, bytes(100_000))
        await ends.line.cut(Harm.FIN)
        assert await _receive(ends.client, 1) == b""
        arrived = await _receive(ends.server, 100_000)
        assert len(arrived) < 100_000


async def test_hang_keeps_both_open_and_restore_loses_nothing() -> None:
    sent = random.Random(3).randbytes(200_000)
    async with joined(MODEST) as ends, asyncio.TaskGroup() as group:
        await _send(ends.client, b"before")
        await _receive(ends.server, 6)
        await ends.line.cut(Harm.HANG)
        group.create_task(_send(ends.client, sent))
        await _send(ends.server, b"unheard")
        await _assert_silent(ends.client)
        await _assert_silent(ends.server)
        ends.line.restore()
        assert await _receive(ends.server, len(sent)) == sent
        assert await _receive(ends.client, 7) == b"unheard"


async def test_new_clients_hang_too_when_they_are_let_in() -> None:
    async with joined(FAST) as ends, AsyncExitStack() as stack:
        await ends.line.cut(Harm.HANG, refuse_new=False)
        client, server = await _connect(stack, ends.listener, ends.port)
        await _send(client, b"patience")
        await _assert_silent(server)
        ends.line.restore()
        assert await _receive(server, 8) == b"patience"


async def test_half_open_tells_only_the_client() -> None:
    async with joined(FAST) as ends, AsyncExitStack() as stack:
        await ends.line.cut(Harm.HALF_OPEN, refuse_new=False)
        assert await _receive_until_reset(ends.client) == b""
        await _send(ends.server, b"into the void")
        # The client is back on a new connection while the server still believes in the old one.
        client, server = await _connect(stack, ends.listener, ends.port)
        await _send(client, b"back")
        assert await _receive(server, 4) == b"back"
        await _assert_silent(ends.server)
        await _send(ends.server, b"still no error")


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("count", [0, 1, 70_001])
@pytest.mark.parametrize("how", Harm)
async def test_cut_after_delivers_exactly(direction: Direction, count: int, how: Harm) -> None:
    sent = random.Random(count).randbytes(100_000)
    async with joined(FAST) as ends:
        source, sink = ends.towards(direction)
        ends.line.cut_after(count, direction, how)
        sending = asyncio.create_task(_send(source, sent))
        assert await _receive(sink, count) == sent[:count]
        await ends.line.wait_cut()
        assert ends.line.is_cut
        assert ends.line.delivered(direction) == count
        await asyncio.gather(sending, return_exceptions=True)
        if how is Harm.HANG or (how is Harm.HALF_OPEN and sink is ends.server):
            await _assert_silent(sink)
        elif how is Harm.FIN:
            assert await _receive(sink, 1) == b""
        else:
            assert await _receive_until_reset(sink) == b""


async def test_cut_after_waits_for_a_slow_receiver() -> None:
    sent = random.Random(4).randbytes(2_000_000)
    async with joined(FAST) as ends, asyncio.TaskGroup() as group:
        ends.line.cut_after(1_500_000, Direction.TO_SERVER, Harm.RST)
        sending = group.create_task(_swallow_reset(_send(ends.client, sent)))
        assert await _receive(ends.server, 1_000_000) == sent[:1_000_000]
        assert not ends.line.is_cut
        assert await _receive_until_reset(ends.server) == sent[1_000_000:1_500_000]
        await sending


async def test_restore_calls_a_coming_cut_off() -> None:
    async with joined(FAST) as ends:
        ends.line.cut_after(5, Direction.TO_SERVER, Harm.RST)
        ends.line.restore()
        assert not ends.line.is_cut
        await _send(ends.client, b"more than five")
        assert await _receive(ends.server, 14) == b"more than five"
        with pytest.raises(ValueError, match="less than no bytes"):
            ends.line.cut_after(-1, Direction.TO_SERVER, Harm.RST)


async def test_a_receiver_that_does_not_read_stops_its_sender_alone() -> None:
    profile = LineProfile("brisk", 80e6, 0.0)
    sent, progress = random.Random(5).randbytes(3_000_000), [0]
    async with joined(profile) as ends, AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        group.create_task(_send_counting(ends.client, sent, progress))
        client, server = await _connect(stack, ends.listener, ends.port)
        group.create_task(_send(client, sent))
        assert await _receive(server, len(sent)) == sent
        assert progress[-1] <= profile.buffer_bytes + KERNEL_BOUND
        assert await _receive(ends.server, len(sent)) == sent


async def test_an_unreachable_server_resets_the_client() -> None:
    async with AsyncExitStack() as stack, asyncio.timeout(LIMIT_S):
        with _socket() as unused:
            unused.bind(("127.0.0.1", 0))
            target = unused.getsockname()
        line = Line(FAST)
        stack.push_async_callback(line.stop)
        port = await line.start(*target)
        await _assert_refused(port)


@pytest.mark.parametrize("how", [None, *Harm])
async def test_stop_leaves_nothing_behind(how: Harm | None) -> None:
    before = asyncio.all_tasks()
    async with joined(LONG) as ends:
        await _send(ends.client, b"under way")
        if how is not None:
            await ends.line.cut(how)
        with pytest.raises(RuntimeError, match="started already"):
            await ends.line.start("127.0.0.1", 1)
        await ends.line.stop()
        await ends.line.stop()
        assert asyncio.all_tasks() == before
        with _socket() as late, pytest.raises(ConnectionRefusedError):
            await asyncio.get_running_loop().sock_connect(late, ("127.0.0.1", ends.port))


async def test_a_hundred_and_twenty_lines_at_once() -> None:
    async def talk(number: int) -> None:
        async with joined(LineProfile(f"line {number}", 1.5e6, 0.02)) as ends:
            text = f"line {number}".encode() * 100
            await _send(ends.client, text)
            assert await _receive(ends.server, len(text)) == text
            await _send(ends.server, text)
            assert await _receive(ends.client, len(text)) == text

    await asyncio.gather(*(talk(number) for number in range(120)))


@pytest.mark.parametrize(
    ("bits", "latency"), [(0, 0), (-1, 0), (1, -1), (float("nan"), 0), (1, float("nan"))]
)
def test_a_line_that_cannot_be_is_refused(bits: float, latency: float) -> None:
    with pytest.raises(ValueError, match="bandwidth must be above 0"):
        LineProfile("no line", bits, latency)

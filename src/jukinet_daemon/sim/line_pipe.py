"""How bytes travel a simulated line: one way of it, shared by its connections, and one connection's way."""

import asyncio
import fcntl
import os
import socket
import termios
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

# The line may take in bytes this long before it can send them: a late timer then costs no bandwidth.
_AHEAD_S = 0.02
_CHUNK_S = 0.01
_SMALLEST_CHUNK, _LARGEST_CHUNK = 512, 65536
_FLUSH_POLL_S = 0.002


class Direction(StrEnum):
    """The two ways of a line; the client is the end that connected to it."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"


@dataclass(frozen=True, slots=True)
class LineProfile:
    """What a line can do, each way: bits a second shared by its connections, one-way latency in seconds.

    Raises ValueError for a bandwidth that is not above zero or a latency below zero.
    """

    name: str
    bits_per_second: float
    latency_s: float

    def __post_init__(self) -> None:
        if not self.bits_per_second > 0 or not self.latency_s >= 0:
            raise ValueError(f"line {self.name}: bandwidth must be above 0 and latency not below 0")

    @property
    def chunk_bytes(self) -> int:
        """The most that is read at once, so that connections take turns within some milliseconds."""
        return min(max(int(self.bits_per_second / 8 * _CHUNK_S), _SMALLEST_CHUNK), _LARGEST_CHUNK)

    @property
    def buffer_bytes(self) -> int:
        """The most that is held for one connection one way: what is on its way, and two chunks over."""
        return int(self.bits_per_second / 8 * (self.latency_s + _AHEAD_S)) + 2 * self.chunk_bytes


class Way:
    """One way of a line: its pace, its gate (nothing passes a closed one), and a limit to what may pass."""

    def __init__(self, profile: LineProfile) -> None:
        self.profile = profile
        self.delivered = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._free_at = 0.0
        self._in_hand = 0
        self._grantable: int | None = None
        self._spent: Callable[[], None] | None = None

    def book(self, now: float, count: int) -> float:
        """Take `count` bytes on; give the time (of the loop) at which the last of them arrives."""
        self._free_at = max(now, self._free_at) + count * 8 / self.profile.bits_per_second
        return self._free_at + self.profile.latency_s

    @property
    def next_turn(self) -> float:
        """The time from which more bytes may be taken on."""
        return self._free_at - _AHEAD_S

    def limit(self, count: int, spent: Callable[[], None]) -> None:
        """Let `count` more bytes be granted, then close the gate, and call `spent` when they have arrived."""
        self._grantable, self._spent = count, spent
        self._close_if_exhausted()

    def lift(self) -> None:
        """Drop the limit; the gate stays as it is."""
        self._grantable = self._spent = None

    def grant(self, count: int) -> int:
        """Give how many of `count` bytes may be sent now; `handed_over` must follow for these."""
        granted = count if self._grantable is None else min(count, self._grantable)
        if self._grantable is not None:
            self._grantable -= granted
        self._in_hand += granted
        self._close_if_exhausted()
        return granted

    def handed_over(self, granted: int, delivered: int) -> None:
        """Report that the sending of granted bytes is over, and how many of them have arrived."""
        self._in_hand -= granted
        self.delivered += delivered
        self._close_if_exhausted()

    @property
    def exhausted(self) -> bool:
        """Whether the limit is reached."""
        return self._grantable == 0

    def _close_if_exhausted(self) -> None:
        if self.exhausted:
            self.gate.clear()
            if self._spent is not None and self._in_hand == 0:
                spent, self._spent = self._spent, None
                spent()


class Pipe:
    """One connection's bytes one way, from `source` to `sink`: a delay line with a sender at its end.

    It holds at most `LineProfile.buffer_bytes`; while it is full nothing is read, so that a slow receiver
    stops the sender. The end of the stream, orderly or not, arrives in its place behind the bytes.
    """

    def __init__(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        self._way = way
        self._source = source
        self._sink = sink
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._sink_lost = False
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def take_in(self) -> None:
        """Read until the source ends. Raises OSError, behind the bytes held, if it breaks."""
        profile = self._way.profile
        chunk = b"?"
        try:
            while chunk:
                await self._when(lambda: self._held_bytes + profile.chunk_bytes <= profile.buffer_bytes)
                await self._at(self._way.next_turn)
                await self._way.gate.wait()
                chunk = await self._loop.sock_recv(self._source, profile.chunk_bytes)
                self._hold(chunk)
        except OSError:
            await self.drained()
            raise

    async def give_out(self, back: "Pipe") -> None:
        """Send each chunk when it is due. Raises OSError, behind what `back` holds, if the sink breaks."""
        chunk = b"?"
        try:
            while chunk:
                await self._when(lambda: bool(self._held))
                due, chunk = self._held[0]
                await self._at(due)
                await self._deliver(memoryview(chunk))
                self._drop(chunk)
        except OSError:
            self._lose_sink()
            await back.drained()
            raise

    async def drained(self) -> None:
        """Wait until nothing is held."""
        await self._when(lambda: not self._held)

    def _hold(self, chunk: bytes) -> None:
        if self._sink_lost:
            return
        self._held.append((self._way.book(self._loop.time(), len(chunk)), chunk))
        self._held_bytes += len(chunk)
        self._changed.set()

    def _drop(self, chunk: bytes) -> None:
        self._held.popleft()
        self._held_bytes -= len(chunk)
        self._changed.set()

    def _lose_sink(self) -> None:
        self._sink_lost = True
        self._held.clear()
        self._held_bytes = 0
        self._changed.set()

    async def _deliver(self, rest: memoryview) -> None:
        if not rest:
            await self._way.gate.wait()
            self._sink.shutdown(socket.SHUT_WR)
        while rest:
            await self._way.gate.wait()
            granted = self._way.grant(len(rest))
            await self._send(rest[:granted])
            rest = rest[granted:]

    async def _send(self, part: memoryview) -> None:
        delivered = 0
        try:
            await self._loop.sock_sendall(self._sink, part)
            if self._way.exhausted:
                await self._flushed()
            delivered = len(part)
        finally:
            self._way.handed_over(len(part), delivered)

    async def _flushed(self) -> None:
        """Wait until the receiving host has every byte: a reset would throw away those still queued."""
        while any(fcntl.ioctl(self._sink, termios.TIOCOUTQ, bytes(4))):
            if error := self._sink.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))
            await asyncio.sleep(_FLUSH_POLL_S)

    async def _when(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def _at(self, moment: float) -> None:
        while (early_by := moment - self._loop.time()) > 0:  # noqa: ASYNC110 - a timer may fire early
            await asyncio.sleep(early_by)

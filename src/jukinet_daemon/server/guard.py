"""番人: stands before one connection's protocol and ends what comes too slowly or against WebSocket.

The library behind waits for the rest of a request, of a body or of a message for as long as a peer likes.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from enum import Enum, auto

from jukinet_daemon.server.frames import MAX_CONTROLS, Frames
from jukinet_daemon.server.who import NOBODY, Who, meet, on_behalf_of

# Seconds for a request to come whole, from the handshake or from the last answer.
REQUEST_S = 4.0
# A message may take longer on a thin line, and so may what is told the peer, but so many bytes must come, or
# be taken, in each such stretch of seconds.
STRETCH_S = 5.0
STRETCH_BYTES = 8 * 1024

# Bytes that may come before their turn: nobody who waits for answers sends any.
WAITING_BYTES = 64 * 1024
# Bytes that are read and let go behind a refusal, so that it reaches a peer who is still sending.
LET_GO_BYTES = 1024 * 1024

# Closed at once and by a reset: what is unsent is not kept for a peer that does not read.
_NO_LINGER = struct.pack("ii", 1, 0)
_END_OF_HEAD = b"\r\n\r\n"
# A frame that the library refuses as 1002: it stands in for one that it would take.
_REFUSED_FRAME = b"\xf0\x80\x00\x00\x00\x00"


class _Next(Enum):
    """What the peer sends next, as far as it was understood."""

    HEAD = auto()
    UNKNOWN = auto()  # the head is whole and not yet understood: what is behind it waits
    NOTHING = auto()  # a request is being answered: the next must wait
    BODY = auto()
    FRAMES = auto()
    REFUSED = auto()  # the rest of a request that was refused, and nothing behind it is looked at


class Guard(asyncio.Protocol):
    """One connection: hands on to the protocol it guards, one request at a time, and times what is owed.

    `by_transport` is where it is found while its connection lasts; `ended` hears what was owed, and by whom.
    """

    def __init__(
        self,
        inner: asyncio.Protocol,
        by_transport: "dict[asyncio.BaseTransport, Guard]",
        door: str,
        ended: Callable[[str, Who], None],
    ) -> None:
        self._inner = inner
        self._by_transport = by_transport
        self._door = door
        self._ended = ended
        self._who = NOBODY
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._untaken = 0
        self._next = _Next.HEAD
        self._head = b""
        self._waiting = b""
        self._frames = Frames()
        self._came = 0
        self._let_go = 0
        self._held_back = False
        self._counted_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer is here and owes a request."""
        self._transport = transport  # type: ignore[assignment] # uvloop's is one by its methods
        self._by_transport[transport] = self
        self._start_timer(REQUEST_S, lambda: self._overdue("request"))
        self._who = meet(self._door, transport)
        on_behalf_of(self._who, lambda: self._inner.connection_made(transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        self._stop_timer()
        self._stop_reading()
        if self._transport:
            self._by_transport.pop(self._transport, None)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something came."""
        match self._next:
            case _Next.HEAD:
                self._inner.data_received(self._up_to_end_of_head(data))
            case _Next.UNKNOWN:
                self._waiting += data
                self._hold_back()
            case _Next.NOTHING:
                self._waiting += data
                if len(self._waiting) > WAITING_BYTES:
                    self._end("answers")
            case _Next.BODY:
                self._inner.data_received(data)
            case _Next.REFUSED:
                self._let_go += len(data)
                if self._let_go > LET_GO_BYTES:
                    self._cut()
                else:
                    self._inner.data_received(data)
            case _Next.FRAMES:
                self._inner.data_received(self._checked(data))

    def eof_received(self) -> bool | None:
        """The peer sends nothing more."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """The peer does not take what is written."""
        self._owe_reading()
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The peer takes it again."""
        self._stop_reading()
        self._inner.resume_writing()

    def body_follows(self) -> None:
        """The head was understood and announces a body, which is still owed."""
        self._go_on(_Next.BODY)

    def request_came(self) -> None:
        """The request is whole; nothing is owed until it is answered."""
        self._stop_timer()
        self._go_on(_Next.NOTHING)

    def refused(self) -> None:
        """The request was refused and the line will be closed, once what is left of it has come."""
        self._start_timer(REQUEST_S, self._cut)
        self._go_on(_Next.REFUSED)

    def frames_follow(self) -> None:
        """The request asks for a WebSocket: what comes from now on are frames."""
        self._stop_timer()
        self._frames = Frames()
        self._go_on(_Next.FRAMES)

    def await_request(self) -> None:
        """The request was answered; from now on the next is owed."""
        self._head = b""
        self._start_timer(REQUEST_S, lambda: self._overdue("request"))
        self._go_on(_Next.HEAD)

    def _go_on(self, what: _Next) -> None:
        self._next = what
        waiting, self._waiting = self._waiting, b""
        if not self._transport or self._transport.is_closing():
            return
        if self._held_back:
            self._held_back = False
            self._transport.resume_reading()
        if waiting:
            self.data_received(waiting)

    def _hold_back(self) -> None:
        """Leaves in the kernel what comes faster than a head is understood, as a large body may."""
        if len(self._waiting) > WAITING_BYTES and self._transport and not self._held_back:
            self._held_back = True
            self._transport.pause_reading()

    def _up_to_end_of_head(self, data: bytes) -> bytes:
        """The data as far as the head of the request goes; what is behind waits until it is understood."""
        seen = self._head + data
        end = seen.find(_END_OF_HEAD)
        if end < 0:
            self._head = seen[-len(_END_OF_HEAD) + 1 :]
            return data
        whole = end + len(_END_OF_HEAD) - len(self._head)
        self._next = _Next.UNKNOWN
        self._waiting = data[whole:]
        self._hold_back()
        return data[:whole]

    def _checked(self, data: bytes) -> bytes:
        if (now := asyncio.get_running_loop().time()) - self._counted_since >= STRETCH_S:
            self._frames.controls, self._counted_since = 0, now
        offence = self._frames.offence_in(data)
        if self._frames.controls > MAX_CONTROLS:
            self._end("pings")
            return b""
        if offence is not None:
            self.request_came()
            return data[:offence] + _REFUSED_FRAME
        self._came += len(data)
        if not self._frames.under_way:
            self._stop_timer()
        elif self._timer is None:
            self._new_stretch()
        return data

    def _new_stretch(self) -> None:
        self._came = 0
        self._start_timer(STRETCH_S, self._stretch_ended)

    def _stretch_ended(self) -> None:
        # Where it is we who do not read, for a lane is full, the peer owes nothing.
        if self._transport and self._transport.is_reading() and self._came < STRETCH_BYTES:
            self._overdue("message")
        else:
            self._new_stretch()

    def _owe_reading(self) -> None:
        self._stop_reading()
        if self._transport:
            self._untaken = self._transport.get_write_buffer_size()
            self._reading = asyncio.get_running_loop().call_later(STRETCH_S, self._taken_meanwhile)

    def _taken_meanwhile(self) -> None:
        if self._transport and self._untaken - self._transport.get_write_buffer_size() < STRETCH_BYTES:
            self._end("reading")
        else:
            self._owe_reading()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading.cancel()
            self._reading = None

    def _overdue(self, owed: str) -> None:
        self._timer = None
        self._end(owed)

    def _end(self, owed: str) -> None:
        if self._transport and not self._transport.is_closing():
            self._ended(owed, self._who)
            self._cut()

    def _cut(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER
            )
            self._transport.abort()

    def _start_timer(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

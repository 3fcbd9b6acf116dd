"""握手: the server's part of a TLS handshake, whose arithmetic a thread does, so that the loop goes on."""

import asyncio
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, cast

from jukinet_daemon.server.who import NamedTls

# What a record holds (RFC 8446, 5.1), and more than it takes with all that is around it.
_RECORD_BYTES = 16 * 1024
_READ_BYTES = 17 * 1024
# For so long, and so much, at most a refused peer may go on sending, until it has read its alert.
PARTING_S = 0.5
_PARTING_READS = 64
# After each piece of work the thread rests so many times as long: a door never has more than a quarter of a
# core for those outside, nor keeps the database from its own where hundreds of hellos come at once. With
# server/entrance.py PACE_S it keeps up with who is let before the gate as long as a handshake takes 5 ms.
RESTS = 3
LONGEST_REST_S = 0.02
# A sound peer sends some 6 KiB in 2 to 8 pieces. A chain of hundreds of certificates would be read before
# anything of it is verified, and bytes one by one cost the loop more than the peer.
MOST_BYTES = 32 * 1024
MOST_PIECES = 64


class HandshakeTooLong(Exception):
    """A peer sent more than any handshake takes, or in more pieces."""


class ShakenTls(NamedTls):
    """TLS of one connection whose handshake is done before a transport has it.

    OpenSSL writes to the buffers that it was born with, the transport to its own: each call carries what has
    come in before, and what is to go out after.
    """

    born_with: tuple[ssl.MemoryBIO, ssl.MemoryBIO]
    _transport_has: tuple[ssl.MemoryBIO, ssl.MemoryBIO] | None = None

    def hand_on(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        """Works on a transport's buffers from now on; what came behind the handshake is put there."""
        incoming.write(self.born_with[0].read())
        self._transport_has = incoming, outgoing

    def do_handshake(self) -> None:
        """Goes on with the handshake; a transport begins with it, and finds it done."""
        if not self._transport_has:
            super().do_handshake()

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - the name of the base class
        """What the peer said."""
        while True:
            came = self._take_in()
            try:
                return super().read(len, buffer) if buffer is not None else super().read(len)
            except ssl.SSLWantReadError:
                if not came:
                    raise
            finally:
                self._give_out()

    def write(self, data: Any) -> int:
        """Says something, a record at most; gives how much of it was taken."""
        try:
            return super().write(memoryview(data)[:_RECORD_BYTES])
        finally:
            self._give_out()

    def pending(self) -> int:
        """What can be read without anything more coming; the rest of a record counts, and may not suffice."""
        return super().pending() + self.born_with[0].pending

    def unwrap(self) -> None:
        """Ends TLS."""
        self._take_in()
        try:
            super().unwrap()
        finally:
            self._give_out()

    def _take_in(self) -> int:
        """Carries in what makes a whole record, no more: a buffer keeps the size that it once had."""
        room = _READ_BYTES - self.born_with[0].pending
        if not self._transport_has or room <= 0:
            return 0
        return self.born_with[0].write(self._transport_has[0].read(room))

    def _give_out(self) -> None:
        if self._transport_has and (goes := self.born_with[1].read()):
            self._transport_has[1].write(goes)


class _HandsOn(ssl.SSLContext):
    """What a transport is given for a context: it gets the TLS that was shaken in the same task."""

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_: Any, **__: Any) -> ssl.SSLObject:
        """The TLS whose turn it is."""
        tls = _shaken.get()
        tls.hand_on(incoming, outgoing)
        return tls


_shaken: ContextVar[ShakenTls] = ContextVar("shaken")
_HANDS_ON = _HandsOn(ssl.PROTOCOL_TLS_SERVER)


async def part(connection: socket.socket) -> None:
    """Lets a peer that was refused read why: a reset, by whatever it still sends, would overtake that."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(PARTING_S):
            for _ in range(_PARTING_READS):
                if not await asyncio.get_running_loop().sock_recv(connection, _READ_BYTES):
                    return


class Handshakes:
    """The handshakes of one door, one at a time in a thread of their own.

    OpenSSL lets go of the interpreter while it reckons: two milliseconds a handshake that a crowd would
    otherwise take from those who are inside, all at once if its hellos come at once.
    """

    def __init__(self, door: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"handshake-{door}")
        self._rests_until = 0.0

    def close(self) -> None:
        """Begins no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def shake(self, connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLContext:
        """Shakes hands on a connection, by a context whose TLS is a ShakenTls.

        Gives the context to open a transport with in this same task. Raises SSLError (the peer has been told
        by an alert), HandshakeTooLong, OSError.
        """
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = cast("ShakenTls", context.wrap_bio(incoming, outgoing, server_side=True))
        tls.born_with = incoming, outgoing
        loop, left = asyncio.get_running_loop(), MOST_BYTES
        for _ in range(MOST_PIECES):
            came = await loop.sock_recv(connection, min(_READ_BYTES, left))
            if not came:
                raise ConnectionResetError
            left -= incoming.write(came)
            try:
                shaken = await loop.run_in_executor(self._thread, self._go_on, tls)
            except ssl.SSLError:
                with suppress(OSError):
                    connection.send(outgoing.read())  # the alert, which says why
                raise
            await loop.sock_sendall(connection, outgoing.read())
            if shaken:
                _shaken.set(tls)
                return _HANDS_ON
            if not left:
                break
        raise HandshakeTooLong

    def _go_on(self, tls: ssl.SSLObject) -> bool:
        """Whether a handshake is done; if not, the peer's turn has come. Raises SSLError."""
        time.sleep(max(0.0, self._rests_until - time.monotonic()))
        begun = time.thread_time()
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            rest = min(RESTS * (time.thread_time() - begun), LONGEST_REST_S)
            self._rests_until = time.monotonic() + rest
        return True

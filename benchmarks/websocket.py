"""測定用の線: a client's side of WebSocket over mutual TLS, as little as RFC 6455 asks.

A load client shares the cores with what it measures. Frames are made, masked and signed beforehand; here
they are only written, and replies are only cut out of the stream.
"""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import cast

from jukinet_daemon.outward import Caller
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import admits

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class LineLost(ConnectionError):
    """The server ended a line that was in use, or did not open it."""


def frame(payload: bytes, kind: int = _TEXT) -> bytes:
    """One masked frame of a client."""
    size, mask = len(payload), os.urandom(4)
    if size < 126:
        head = bytes((0x80 | kind, 0x80 | size))
    elif size < 65_536:
        head = bytes((0x80 | kind, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | kind, 0xFF)) + size.to_bytes(8, "big")
    pad = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")
    return head + mask + masked.to_bytes(size, "little")


class WebSocketLine(asyncio.Protocol):
    """One open line. `on_text` gets each text message; `on_lost` hears when the line has ended."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._buffer = bytearray()
        self._open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.WriteTransport
        self.on_text: Callable[[bytes], None] = lambda _text: None
        self.on_lost: Callable[[LineLost], None] = lambda _fault: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self.transport = cast("asyncio.WriteTransport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {self._path} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        )
        self.transport.write("\r\n".join((*lines, "", "")).encode())

    def connection_lost(self, _fault: Exception | None) -> None:
        lost = LineLost("the server ended the line")
        if not self.opened.done():
            self.opened.set_exception(lost)
        self.on_lost(lost)

    def send(self, frames: bytes) -> None:
        """Writes a frame made beforehand."""
        self.transport.write(frames)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open and not self._opened():
            return
        while (message := self._cut()) is not None:
            kind, payload = message
            if kind == _TEXT:
                self.on_text(payload)
            elif kind == _PING:
                self.transport.write(frame(payload, _PONG))
            elif kind == _CLOSE:
                self.transport.close()

    def _opened(self) -> bool:
        head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 101 "):
            self.opened.set_exception(LineLost(head.split(b"\r\n")[0].decode()))
            return False
        self._buffer = bytearray(rest)
        self._open = True
        self.opened.set_result(None)
        return True

    def _cut(self) -> tuple[int, bytes] | None:
        """The next whole frame; a server does not mask, and ours does not fragment."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(buffer[2:start], "big") if len(buffer) >= start else len(buffer)
        if len(buffer) < start + size:
            return None
        message = buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return message


async def open_line(host: str, port: int, path: str, caller: Caller) -> WebSocketLine:
    """Opens a line once the server has shown who it is. Raises LineLost, NotAdmitted, OSError."""
    loop = asyncio.get_running_loop()
    line = WebSocketLine(path)
    transport, _ = await loop.create_connection(lambda: line, host, port, ssl=caller.context)
    admits(caller.policy, peer_certificate(transport.get_extra_info("ssl_object")))
    await line.opened
    return line

"""A line without manners: TLS and WebSocket byte by byte, to send what no client library would."""

import asyncio
import os
import re
import secrets
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from support.world import FUKUOKA, House

TEXT, BINARY, CLOSE = 1, 2, 8
KEY = "MDEyMzQ1Njc4OWFiY2RlZg=="
_STATUS = re.compile(rb"^HTTP/[0-9.]+ ([0-9]{3}) ", re.MULTILINE)


@dataclass(frozen=True)
class RawLine:
    """The two ends of a connection as a test sees them."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    socket: socket.socket

    async def ask(self, request: str | bytes) -> bytes:
        """Sends bytes and gives the first line that comes back; nothing when the server hangs up."""
        self.writer.write(request if isinstance(request, bytes) else request.encode())
        try:
            return await self.reader.readline()
        except ConnectionError:
            return b""

    async def upgrade(self, path: str = "/notices") -> None:
        """Becomes a WebSocket."""
        self.writer.write(upgrade_head(path))
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head

    async def send(self, kind: int, payload: bytes) -> None:
        """Sends a whole message."""
        self.writer.write(frame(kind, payload))
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: its kind and content."""
        first, length = await self.reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 15, await self.reader.readexactly(length)

    async def close_code(self) -> int:
        """Reads on to the close and gives its code."""
        while True:
            kind, content = await self.receive()
            if kind == CLOSE:
                return int(struct.unpack("!H", content[:2])[0])

    async def gone(self) -> bool:
        """Waits until the server has hung up."""
        with suppress(ssl.SSLError):
            await everything(self.reader)
        return True


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What the server says until it hangs up."""
    said = b""
    try:
        while came := await reader.read(65536):
            said += came
    except ConnectionError:
        pass
    return said


def statuses_in(said: bytes) -> list[str]:
    """The statuses of all answers in what a server said."""
    return [status.decode() for status in _STATUS.findall(said)]


def upgrade_head(path: str = "/notices", more: str = "") -> bytes:
    """A request to become a WebSocket; `more`: further lines, each with its end."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: prefecture\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    ).encode()


def frame(kind: int, payload: bytes) -> bytes:
    """A masked frame, as a client sends it."""
    mask = os.urandom(4)
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | kind, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | kind, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | kind, 0x80 | 127, size)
    stream = (mask * (size // 4 + 1))[:size]
    return head + mask + (int.from_bytes(payload) ^ int.from_bytes(stream)).to_bytes(size)


def cs_context(house: House, municipality: str = FUKUOKA) -> ssl.SSLContext:
    """The TLS of a municipality's CS."""
    return client_context(house.pki.files(Role.CS, municipality))


@asynccontextmanager
async def raw_line(
    house: House, context: ssl.SSLContext | None, receive_buffer: int | None = None
) -> AsyncIterator[RawLine]:
    """A connection to the notices door; without a context it is plain TCP."""
    host, _, port = house.daemon.addresses["notices"].rpartition(":")
    connection = socket.socket()
    connection.setblocking(False)
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
    reader, writer = await asyncio.open_connection(
        sock=connection, ssl=context, server_hostname="prefecture" if context else None, limit=2**16
    )
    try:
        yield RawLine(reader, writer, connection)
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def garbage(size: int) -> bytes:
    """Random bytes that no TLS record begins with."""
    return b"\xff" + secrets.token_bytes(size - 1)

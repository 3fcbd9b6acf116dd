"""荒らしの種類: what each kind of bad peer does once it is connected. None of them means to end."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from support.raw import TEXT, frame

PING = 9
TRICKLE_S = 0.5
_UPGRADE = (
    b"GET /notices HTTP/1.1\r\nHost: prefecture\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
_ASK = b"POST /bridge HTTP/1.1\r\nHost: prefecture\r\nContent-Length: 900\r\n\r\n"
_PINGS = frame(PING, b"p" * 125) * 200


@dataclass(frozen=True, slots=True)
class Bad:
    """The two ends of a bad peer's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    hello: bytes

    async def say(self, data: bytes) -> None:
        """Sends bytes."""
        self.writer.write(data)
        await self.writer.drain()
        # What is written to a connection that was reset is dropped, and no drain waits for it: without this,
        # the loop would never come to tell that it was.
        await asyncio.sleep(0)

    async def trickle(self, data: bytes) -> None:
        """Sends byte by byte, for longer than any door waits."""
        for byte in data:
            await self.say(bytes([byte]))
            await asyncio.sleep(TRICKLE_S)

    async def upgrade(self) -> None:
        """Becomes a WebSocket."""
        await self.say(_UPGRADE)
        await self.reader.readuntil(b"\r\n\r\n")


Act = Callable[[Bad], Awaitable[None]]


async def _nothing(_bad: Bad) -> None:
    """Silence."""


async def _half_a_hello(bad: Bad) -> None:
    await bad.say(bad.hello[: len(bad.hello) // 2])


async def _a_hello_and_no_more(bad: Bad) -> None:
    await bad.say(bad.hello)


async def _a_hello_byte_by_byte(bad: Bad) -> None:
    await bad.trickle(bad.hello)


async def _plain_http(bad: Bad) -> None:
    await bad.say(b"GET /notices HTTP/1.1\r\n\r\n")


async def _half_a_head(bad: Bad) -> None:
    await bad.say(b"GET /notices HTTP/1.1\r\nHost: pre")


async def _a_head_byte_by_byte(bad: Bad) -> None:
    await bad.trickle(_UPGRADE)


async def _a_body_byte_by_byte(bad: Bad) -> None:
    await bad.say(_ASK)
    await bad.trickle(b"x" * 900)


async def _half_a_body(bad: Bad) -> None:
    await bad.say(_ASK + b"x" * 450)


async def _half_a_message(bad: Bad) -> None:
    await bad.upgrade()
    await bad.say(frame(TEXT, b"x" * 5000)[:-1])


async def _frames_of_one_byte(bad: Bad) -> None:
    await bad.upgrade()
    await bad.say(bytes([TEXT]) + frame(TEXT, b"a")[1:])
    while True:
        await bad.say(b"\x00" + frame(TEXT, b"a")[1:])
        await asyncio.sleep(TRICKLE_S)


async def _pings_without_end(bad: Bad) -> None:
    await bad.upgrade()
    bad.writer.transport.pause_reading()  # type: ignore[attr-defined]
    while True:
        await bad.say(_PINGS)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of bad peer: at which door, with whose certificate (None: plain TCP), what it does.

    `held`: whether the door bears it for a while; such a one, turned away at once, tries again.
    """

    act: Act
    door: str = "notices"
    tls: bool = True
    held: bool = True


KINDS: Mapping[str, Kind] = {
    "無言のTCP / silent TCP": Kind(_nothing, tls=False),
    "握手の半分 / half a ClientHello": Kind(_half_a_hello, tls=False),
    "一字ずつの握手 / a ClientHello byte by byte": Kind(_a_hello_byte_by_byte, tls=False),
    "握手の後が来ない / a ClientHello and no more": Kind(_a_hello_and_no_more, tls=False),
    "TLSでない / plain HTTP": Kind(_plain_http, tls=False, held=False),
    "何も求めない / idle after the handshake": Kind(_nothing),
    "見出しの半分 / half a head": Kind(_half_a_head),
    "一字ずつの見出し / a head byte by byte": Kind(_a_head_byte_by_byte),
    "橋、本文の半分 / bridge: half a body": Kind(_half_a_body, "bridge"),
    "橋、一字ずつの本文 / bridge: a body byte by byte": Kind(_a_body_byte_by_byte, "bridge"),
    "電文の半分 / half a message": Kind(_half_a_message),
    "一字の枠 / frames of one byte": Kind(_frames_of_one_byte),
    "読まずpingを送る / pings without end, reads nothing": Kind(_pings_without_end, held=False),
}


def hello() -> bytes:
    """A ClientHello as our own library writes it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    tls = context.wrap_bio(incoming, outgoing)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake ended by itself")

"""枠の事例: frames after the upgrade that RFC 6455 or the protocol does not allow, and a few that it does."""

import struct
from dataclasses import dataclass

from cases.case import NOTHING, numbered
from cases.people import ADDRESS
from jukinet_daemon.server.frames import MAX_FRAGMENTS
from jukinet_daemon.wire.envelope import MAX_SIGNED_BYTES
from support.raw import BINARY, CLOSE, TEXT, frame

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
PING, PONG = 9, 10
_FIN = 0x80
_RESERVED = (0x40, 0x20, 0x10)

PROTOCOL, NOT_UTF8, TOO_LONG = ((str(code), f"line_broke {code}") for code in (1002, 1007, 1009))
# The library counts these among the codes that a peer may close with; the line ends all the same.
FAREWELL = ("1000", NOTHING)
NO_JWS, NO_PARCEL = ((code, f"parcel_refused {code}") for code in ("P400", "P401"))


@dataclass(frozen=True, slots=True)
class Frames:
    """What follows the request that asks for the upgrade; `offer` is a header more in that request."""

    sent: bytes
    offer: str = ""
    at_once: bool = False


def _of(first: int, payload: bytes = b"") -> bytes:
    """A masked frame with this first byte."""
    return bytes([first]) + frame(TEXT, payload)[1:]


def _whole(kind: int, payload: bytes = b"", reserved: int = 0) -> Frames:
    return Frames(_of(_FIN | reserved | kind, payload))


def _unmasked(kind: int, payload: bytes) -> bytes:
    return bytes([_FIN | kind, len(payload)]) + payload


def _pieces(many: int, piece: bytes = b"a") -> Frames:
    """A text in so many frames."""
    return Frames(_of(TEXT, piece) + _of(0, piece) * (many - 2) + _of(_FIN, piece))


def _announced(length: bytes, payload: bytes = b"") -> Frames:
    """A text whose length is written like this."""
    return Frames(bytes([_FIN | TEXT, _FIN | {2: 126, 8: 127}[len(length)]]) + length + bytes(4) + payload)


def _close(code: int, reason: bytes = b"") -> Frames:
    return _whole(CLOSE, struct.pack("!H", code) + reason)


FRAMES = numbered(
    "F",
    (
        ("a text unmasked", Frames(_unmasked(TEXT, b"hello")), *PROTOCOL),
        ("a close unmasked", Frames(_unmasked(CLOSE, b"")), *PROTOCOL),
        ("an unmasked one behind a masked one", Frames(frame(PING, b"") + _unmasked(PING, b"")), *PROTOCOL),
        (
            "an unmasked one along with the upgrade",
            Frames(_unmasked(TEXT, b"hello"), at_once=True),
            *PROTOCOL,
        ),
        ("compressed (RSV1)", _whole(TEXT, b"x", _RESERVED[0]), *PROTOCOL),
        (
            "compressed, after permessage-deflate was offered",
            Frames(_of(_FIN | 0x40 | TEXT, b"x"), DEFLATE),
            *PROTOCOL,
        ),
        ("compressed ping", _whole(PING, b"", _RESERVED[0]), *PROTOCOL),
        ("compressed from the second fragment on", Frames(_of(TEXT, b"a") + _of(0xC0, b"b")), *PROTOCOL),
        ("reserved bit 2", _whole(TEXT, b"x", _RESERVED[1]), *PROTOCOL),
        ("reserved bit 3", _whole(TEXT, b"x", _RESERVED[2]), *PROTOCOL),
        ("unknown opcode 3", _whole(3, ADDRESS.encode()), *PROTOCOL),
        ("unknown opcode 7", _whole(7, b"x"), *PROTOCOL),
        ("unknown opcode 11", _whole(11, b"x"), *PROTOCOL),
        ("unknown opcode 15", _whole(15, b"x"), *PROTOCOL),
        ("a ping of 126 bytes", _whole(PING, b"x" * 126), *PROTOCOL),
        ("a pong of 126 bytes", _whole(PONG, b"x" * 126), *PROTOCOL),
        ("a close of 126 bytes", _close(1000, b"x" * 124), *PROTOCOL),
        ("a ping in fragments", Frames(_of(PING, b"x")), *PROTOCOL),
        ("a close in fragments", Frames(_of(CLOSE, b"\x03\xe8")), *PROTOCOL),
        ("a continuation of nothing", _whole(0, b"x"), *PROTOCOL),
        ("a text within a text in fragments", Frames(_of(TEXT, b"a") + _of(_FIN | TEXT, b"b")), *PROTOCOL),
        (
            "a binary within a text in fragments",
            Frames(_of(TEXT, b"a") + _of(_FIN | BINARY, b"b")),
            *PROTOCOL,
        ),
        (f"a text in {MAX_FRAGMENTS} fragments", _pieces(MAX_FRAGMENTS), *NO_JWS),
        (f"a text in {MAX_FRAGMENTS + 1} fragments", _pieces(MAX_FRAGMENTS + 1), *PROTOCOL),
        (f"a text in {MAX_FRAGMENTS + 1} empty fragments", _pieces(MAX_FRAGMENTS + 1, b""), *PROTOCOL),
        ("a text in fragments without end", Frames(_of(TEXT, b"a") + _of(0, b"a") * 5000), *PROTOCOL),
        ("a length of 5 in 16 bits", _announced(struct.pack("!H", 5), b"hello"), *PROTOCOL),
        ("a length of 5 in 64 bits", _announced(struct.pack("!Q", 5), b"hello"), *PROTOCOL),
        ("a length of 2^64 - 1", _announced(b"\xff" * 8), *PROTOCOL),
        ("a length of 2^40", _announced(struct.pack("!Q", 2**40)), *TOO_LONG),
        ("a text of 2 MiB", Frames(frame(TEXT, b"x" * MAX_SIGNED_BYTES)), *TOO_LONG),
        ("a binary of 2 MiB", Frames(frame(BINARY, b"x" * MAX_SIGNED_BYTES)), *TOO_LONG),
        ("a text of 2 MiB in 40 fragments", _pieces(40, b"x" * (MAX_SIGNED_BYTES // 40 + 1)), *TOO_LONG),
        ("bytes that no UTF-8 has", _whole(TEXT, b"\xff\xfe"), *NOT_UTF8),
        ("UTF-8 longer than needed", _whole(TEXT, b"\xc0\x80"), *NOT_UTF8),
        ("a surrogate in UTF-8", _whole(TEXT, b"\xed\xa0\x80"), *NOT_UTF8),
        ("a code point past U+10FFFF", _whole(TEXT, b"\xf4\x90\x80\x80"), *NOT_UTF8),
        ("UTF-8 that is cut off", _whole(TEXT, b"\xe9\xab"), *NOT_UTF8),
        ("UTF-8 that begins in its middle", _whole(TEXT, b"\x80"), *NOT_UTF8),
        ("UTF-8 that breaks between fragments", Frames(_of(TEXT, b"\xe9") + _of(_FIN, b"\xff")), *NOT_UTF8),
        ("a close of one byte", _whole(CLOSE, b"\x03"), *PROTOCOL),
        ("a close with 0", _close(0), *PROTOCOL),
        ("a close with 999", _close(999), *PROTOCOL),
        ("a close with 1004", _close(1004), *PROTOCOL),
        ("a close with 1005", _close(1005), *PROTOCOL),
        ("a close with 1015", _close(1015), *PROTOCOL),
        ("a close with 2999", _close(2999), *PROTOCOL),
        ("a close with 1006", _close(1006), *FAREWELL),
        ("a close with 65535", _close(65535), *FAREWELL),
        ("a close whose reason is not UTF-8", _close(1000, b"\xff"), *NOT_UTF8),
        ("a text behind a close", Frames(frame(CLOSE, b"\x03\xe8") + frame(TEXT, b"hello")), *FAREWELL),
        ("a request in place of a frame", Frames(b"GET / HTTP/1.1\r\n\r\n"), *PROTOCOL),
        ("100 zeros", Frames(bytes(100)), *PROTOCOL),
        ("an empty text", _whole(TEXT), *NO_JWS),
        ("a text of NUL", _whole(TEXT, b"\0"), *NO_JWS),
        ("a text that begins with a byte order mark", _whole(TEXT, b"\xef\xbb\xbfe30.e30.e30"), *NO_JWS),
        ("a parcel's text in a binary message", _whole(BINARY, b"e30.e30.e30"), *NO_PARCEL),
    ),
)

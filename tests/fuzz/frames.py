"""枠: the heads of frames as they pass, in any pieces, against a decoder that has all of them before it."""

import os
import struct

from jukinet_daemon.server.frames import MAX_CONTROLS, MAX_FRAGMENTS, Frames
from support.raw import TEXT, frame

from .target import Target


def _run(data: bytes) -> None:
    """The first byte says into what pieces the rest is cut."""
    size, data = (data[0] or 1 << 20) if data else 1, data[1:]
    frames, found = Frames(), None
    for place in range(0, len(data), size):
        offence = frames.offence_in(data[place : place + size])
        if offence is not None:
            found = place + offence
            break
    begins, known = _reference(data)
    if begins is None:
        assert found is None
        assert frames.under_way == known
    else:
        # A piece that has passed cannot be taken back: then it is the piece that completes the head.
        assert found == max(begins, (known - 1) // size * size)


def _reference(data: bytes) -> tuple[int, int] | tuple[None, bool]:
    """Where the first frame to refuse begins and where that is known; or whether a message is under way."""
    place = fragments = controls = 0
    while place + 2 <= len(data):
        first, second = data[place : place + 2]
        more = {126: 2, 127: 8}.get(second & 127, 0)
        if not second & 128:
            # Its length does not matter.
            return place, place + 2
        end = place + 2 + more + 4
        if end > len(data):
            return None, True
        length = int.from_bytes(data[place + 2 : place + 2 + more]) if more else second & 127
        shortest = 2 if length < 126 else 4 if length < 1 << 16 else 10
        pieces = fragments if first & 8 else fragments + 1
        controls += bool(first & 8)
        if shortest != 2 + more or length >= 1 << 63 or pieces > MAX_FRAGMENTS or controls > MAX_CONTROLS:
            return place, end
        fragments = pieces if first & 8 or not first & 128 else 0
        place = end + length
    return None, place != len(data) or fragments > 0


_PIECE = bytes([0x00, 0x80]) + bytes(4)
TARGET = Target(
    "frames",
    _run,
    (
        b"\x00" + frame(TEXT, b"x" * 300) + frame(9, b"") + frame(TEXT, os.urandom(9)),
        b"\x03" + frame(TEXT, b"x" * 200) + b"\x81\x02hi",
        b"\x07" + _PIECE * (MAX_FRAGMENTS + 1),
        b"\x01\x81\xff" + struct.pack("!Q", 2**63) + bytes(9),
        b"\x05\x81\xfe" + struct.pack("!H", 5) + bytes(9),
        b"\x09" + frame(9, b"") * (MAX_CONTROLS + 1),
        b"\x07\x01\x80" + bytes(4) + _PIECE * (MAX_FRAGMENTS - 1) + b"\x80\x80" + bytes(4),
    ),
)

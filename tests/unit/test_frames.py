"""The heads of frames as they pass: however they are cut, and whatever is to be refused."""

import random
import struct

import pytest

from jukinet_daemon.server.frames import MAX_CONTROLS, MAX_FRAGMENTS, Frames
from support.raw import BINARY, CLOSE, TEXT, frame


def unmasked(first: int, payload: bytes) -> bytes:
    return struct.pack("!BB", first, len(payload)) + payload


def fragment(first: int, payload: bytes) -> bytes:
    return bytes([first]) + frame(TEXT, payload)[1:]


SOUND = frame(TEXT, b"x" * 70_000) + frame(BINARY, b"") + frame(9, b"ping") + frame(TEXT, b"y" * 300)


@pytest.mark.parametrize("seed", range(50))
def test_sound_frames_pass_however_they_are_cut(seed: int) -> None:
    dice = random.Random(seed)
    frames, rest = Frames(), SOUND
    while rest:
        size = dice.choice((1, 2, 3, 7, 126, 5000, 80_000))
        assert frames.offence_in(rest[:size]) is None
        rest = rest[size:]
    assert not frames.under_way


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_message_that_has_begun_is_owed(cut: int) -> None:
    frames = Frames()
    assert frames.offence_in(frame(TEXT, b"hello!")[:cut]) is None
    assert frames.under_way
    assert frames.offence_in(frame(TEXT, b"hello!")[cut:]) is None
    assert not frames.under_way


@pytest.mark.parametrize("first", [0x81, 0x82, 0x88, 0x89, 0x01])
@pytest.mark.parametrize("behind", [b"", SOUND])
def test_an_unmasked_frame_is_found_where_it_begins(first: int, behind: bytes) -> None:
    assert Frames().offence_in(behind + unmasked(first, b"12")) == len(behind)


def test_an_unmasked_frame_in_two_pieces_is_found() -> None:
    frames = Frames()
    assert frames.offence_in(b"\x81") is None
    assert frames.offence_in(b"\x02hi") == 0


def test_many_fragments_are_one_too_many() -> None:
    frames = Frames()
    assert frames.offence_in(fragment(0x01, b"a")) is None
    for _ in range(MAX_FRAGMENTS - 1):
        assert frames.offence_in(fragment(0x00, b"a")) is None
    assert frames.offence_in(fragment(0x00, b"a")) == 0


def test_the_last_fragment_counts_too() -> None:
    frames = Frames()
    begun = fragment(0x01, b"") + fragment(0x00, b"") * (MAX_FRAGMENTS - 1)
    assert frames.offence_in(begun) is None
    assert frames.offence_in(fragment(0x80, b"")) == 0


@pytest.mark.parametrize(
    ("length", "sound"),
    [
        (struct.pack("!BH", 0xFE, 125), False),
        (struct.pack("!BH", 0xFE, 126), True),
        (struct.pack("!BQ", 0xFF, 65535), False),
        (struct.pack("!BQ", 0xFF, 65536), True),
        (struct.pack("!BQ", 0xFF, 2**63), False),
    ],
)
def test_a_length_has_one_writing(length: bytes, sound: bool) -> None:
    assert Frames().offence_in(b"\x81" + length + bytes(4)) == (None if sound else 0)


def test_control_frames_between_fragments_are_none_of_them() -> None:
    frames = Frames()
    for _ in range(MAX_FRAGMENTS + 10):
        frames.controls = 0
        assert frames.offence_in(frame(9, b"")) is None
    assert frames.offence_in(fragment(0x01, b"a") + frame(CLOSE, b"") + fragment(0x80, b"b")) is None
    assert not frames.under_way


def test_many_pings_are_one_too_many_until_they_are_counted_anew() -> None:
    frames, ping = Frames(), frame(9, b"ping")
    assert frames.offence_in(ping * MAX_CONTROLS) is None
    frames.controls = 0
    assert frames.offence_in((ping + frame(TEXT, b"a")) * MAX_CONTROLS) is None
    assert frames.offence_in(frame(TEXT, b"a") + ping) == len(frame(TEXT, b"a"))

"""The delivery file: the age format, ours opened by others and theirs by ours."""

import os

import pytest

from jukinet_daemon.vault.age import AgeFault, AgeWriter, open_age

# Written by another implementation of age (rage), for the password "pass word".
OTHERS = bytes.fromhex(
    "6167652d656e6372797074696f6e2e6f72672f76310a2d3e2073637279707420523346686b472b3751736a377531684a55484a"
    "3359512031390a2b77663278737273677a71324e33584b6e514d4636325979307459457a6f587570336c556e5970346a45770a"
    "2d2d2d205135465444394746414e79732b736137444e6554487a6436367249796c57714b2f756549584669437253340a6ed372"
    "4446baf7344cfe564729d12ff9761b4b84fea99264673cf6cd87271352f232e36b59aa560ff035ef15"
)
PASSWORD = "correct horse battery"


def sealed(data: bytes, pieces: int = 1) -> bytes:
    writer = AgeWriter(PASSWORD)
    step = max(1, -(-len(data) // pieces))
    parts = [writer.add(data[start : start + step]) for start in range(0, len(data), step)]
    return b"".join((writer.begin(), *parts, writer.finish()))


def opened(data: bytes, password: str = PASSWORD, step: int = 1000) -> bytes:
    return b"".join(open_age((data[start : start + step] for start in range(0, len(data), step)), password))


def test_a_file_of_another_program_is_opened() -> None:
    assert opened(OTHERS, "pass word") == b"hello bridge"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072, 200000])
def test_what_was_sealed_is_opened(size: int) -> None:
    data = os.urandom(size)
    assert opened(sealed(data, 7)) == data


def test_another_password_a_cut_and_any_changed_bit_are_seen() -> None:
    file = sealed(b"x" * 70000)
    with pytest.raises(AgeFault, match="password"):
        opened(file, "another password")
    for cut in (10, 100, len(file) - 1, len(file) - 5000):
        with pytest.raises(AgeFault):
            opened(file[:cut])
    # the whole of the last chunk gone: the one before it does not say it is the last
    with pytest.raises(AgeFault):
        opened(file[: len(file) - (70000 - 65536) - 16])
    for place in (60, len(file) - 20, 66000):
        harmed = bytearray(file)
        harmed[place] ^= 1
        with pytest.raises(AgeFault):
            opened(bytes(harmed))


@pytest.mark.parametrize("text", [b"", b"x" * 500, b"age-encryption.org/v1\n-> X25519 abc\n\n---\n"])
def test_what_is_no_such_file_is_said(text: bytes) -> None:
    with pytest.raises(AgeFault):
        opened(text)

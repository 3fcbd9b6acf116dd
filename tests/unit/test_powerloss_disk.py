"""The disk that forgets: what was fsynced is there after the power went, and nothing else has to be."""

import os
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from powerloss import disk as module
from powerloss.disk import PAGE, Disk, Node

FILE = stat.S_IFREG | 0o600
FOLDER = stat.S_IFDIR | 0o700
OWNER = (os.geteuid(), os.getegid())


@pytest.fixture(autouse=True)
def _nothing_written_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EARLY", 0)


@pytest.fixture
def power(tmp_path: Path) -> Iterator[Callable[[], Disk]]:
    """The disk after each start; what the one before holds in memory is not known to it."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Disk(tmp_path, random.Random(1))))


def _whole(disk: Disk, node: Node) -> bytes:
    return disk.read(node, node.size + PAGE, 0)


def _made(disk: Disk, path: str, data: bytes = b"") -> Node:
    node = disk.make(path, FILE, *OWNER)
    disk.write(node, data, 0)
    return node


def _kept(disk: Disk, path: str, data: bytes) -> Node:
    node = _made(disk, path, data)
    disk.fsync(node)
    return node


def test_what_is_fsynced_is_there_and_what_is_written_after_it_is_not(power: Callable[[], Disk]) -> None:
    before = power()
    file = _kept(before, "/wal", b"a" * 10_000)
    before.write(file, b"b" * PAGE, PAGE)
    before.write(file, b"c", 20_000)
    assert (
        _whole(before, file) == b"a" * PAGE + b"b" * PAGE + b"a" * (10_000 - 2 * PAGE) + bytes(10_000) + b"c"
    )
    assert before.unwritten == (2, 0)
    after = power()
    assert _whole(after, after.find("/wal")) == b"a" * 10_000


def test_a_file_of_which_neither_it_nor_its_folder_was_fsynced_is_gone(power: Callable[[], Disk]) -> None:
    before = power()
    _made(before, "/never", b"x")
    with pytest.raises(FileNotFoundError):
        power().find("/never")


def test_the_fsync_of_a_folder_keeps_names_and_no_data(power: Callable[[], Disk]) -> None:
    before = power()
    before.make("/base", FOLDER, *OWNER)
    _made(before, "/base/1", b"x")
    before.fsync(before.find("/base"))
    after = power()
    assert after.find("/base").names == {"1"}
    assert after.find("/base/1").size == 0


def test_a_rename_is_whole_or_not_at_all(power: Callable[[], Disk]) -> None:
    before = power()
    _kept(before, "/map", b"old")
    _kept(before, "/map.new", b"new")
    before.rename("/map.new", "/map")
    assert _whole(before, before.find("/map")) == b"new"
    torn = power()
    assert (_whole(torn, torn.find("/map")), _whole(torn, torn.find("/map.new"))) == (b"old", b"new")
    before.fsync(before.find("/"))
    after = power()
    assert _whole(after, after.find("/map")) == b"new"
    assert after.find("/").names == {"map"}


def test_the_log_of_names_is_written_in_order_and_no_further_than_asked(power: Callable[[], Disk]) -> None:
    before = power()
    gone = _kept(before, "/gone", b"x")
    before.remove("/gone")
    second = _made(before, "/second")
    _made(before, "/third")
    before.fsync(second)
    assert power().find("/").names == {"second"}
    assert _whole(before, gone) == b"x", "who has it open reads it still"


def test_what_was_cut_off_does_not_come_back_when_the_file_grows(power: Callable[[], Disk]) -> None:
    before = power()
    file = _kept(before, "/f", b"x" * 9_000)
    before.truncate(file, 5_000)
    before.truncate(file, 9_000)
    assert _whole(before, file) == b"x" * 5_000 + bytes(4_000)
    before.write(file, b"y", 8_999)
    before.truncate(file, 8_998)
    assert power().find("/f").size == 9_000, "nothing of it was fsynced"
    before.fsync(file)
    after = power()
    assert _whole(after, after.find("/f")) == b"x" * 5_000 + bytes(3_998)


def test_modes_and_owners_are_names_too(power: Callable[[], Disk]) -> None:
    before = power()
    file = _kept(before, "/f", b"x")
    before.permit("/f", mode=0o640)
    assert stat.S_IMODE(power().find("/f").mode) == 0o600
    before.fsync(file)
    assert stat.S_IMODE(power().find("/f").mode) == 0o640


def test_errors_are_those_of_the_system_calls(power: Callable[[], Disk]) -> None:
    disk = power()
    disk.make("/d", FOLDER, *OWNER)
    _made(disk, "/d/f")
    with pytest.raises(FileExistsError):
        disk.make("/d/f", FILE, *OWNER)
    with pytest.raises(OSError, match="not empty"):
        disk.remove("/d")
    with pytest.raises(OSError, match="cross-device"):
        disk.rename("/d", "/e")
    with pytest.raises(FileNotFoundError):
        disk.find("/d/g")


@pytest.mark.parametrize("seed", range(20))
def test_pages_written_unasked_change_nothing_that_is_read(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EARLY", 0.5)
    dice = random.Random(seed)
    disk, expected = Disk(tmp_path, dice), bytearray()
    file = disk.make("/f", FILE, *OWNER)
    for _ in range(200):
        what, place = dice.random(), dice.randrange(40_000)
        if what < 0.1:
            disk.truncate(file, place)
            del expected[place:]
            expected.extend(bytes(place - len(expected)))
        elif what < 0.2:
            disk.fsync(file)
            with closing(Disk(tmp_path, dice)) as after:
                assert _whole(after, after.find("/f")) == expected
        else:
            data = dice.randbytes(dice.randrange(1, 9_000))
            disk.write(file, data, place)
            expected.extend(bytes(max(0, place + len(data) - len(expected))))
            expected[place : place + len(data)] = data
        assert _whole(disk, file) == expected
    disk.close()

"""忘れるディスク: files whose changes live in memory until they are fsynced; what is kept lies in a folder.

The process that holds a Disk is the power: `kill -9` of it is the loss. What it had not written to the folder
is gone then, and the folder is what a computer finds that starts again.

Data: a page of 4 KiB reaches the folder by an fsync of its file, in any order, or by chance before that, as a
kernel writes when it likes. The length of a file goes with its data. Names (create, rename, remove, owner and
mode): an ordered log, as ext4 and XFS have; an fsync of a file or a folder writes the log as far as the last
change of that one, never a later one alone.
"""

import errno
import os
import random
import stat
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

PAGE = 4096
# How often a write is followed by one page written back unasked.
EARLY = 1 / 32


@dataclass(eq=False)
class Node:
    """A file or a folder as its users see it. `kept`: how much of what lies in the folder still counts."""

    mode: int
    uid: int
    gid: int
    size: int = 0
    kept: int = 0
    written_ns: int = field(default_factory=time.time_ns)
    descriptor: int | None = None
    pages: dict[int, bytearray] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    last_change: int = 0

    @property
    def is_folder(self) -> bool:
        """Whether it has names in it."""
        return stat.S_ISDIR(self.mode)


class Disk:
    """What is in `folder`, and what was done since. Paths begin with a slash, as on a mount.

    Not for several threads. Every method raises OSError as the system call of its name does.
    """

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self._folder = folder
        self._dice = dice
        self._nodes: dict[str, Node] = {}
        self._log: deque[tuple[int, Callable[[], None]]] = deque()
        self._changes = 0
        self._dirty: set[Node] = set()
        self._descriptors: list[int] = []
        self._draft = folder.with_name(f"{folder.name}.draft")
        if self._draft.is_dir():
            self._draft.rmdir()
        self._draft.unlink(missing_ok=True)
        self._load("/")

    @property
    def unwritten(self) -> tuple[int, int]:
        """What a loss of power would take now: pages of data, changes of names."""
        return sum(len(node.pages) for node in self._dirty), len(self._log)

    def find(self, path: str) -> Node:
        """The file or folder of this name."""
        node = self._nodes.get(path)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return node

    def make(self, path: str, mode: int, uid: int, gid: int) -> Node:
        """A new file, folder or socket, by the type in its mode."""
        if path in self._nodes:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        node = self._nodes[path] = Node(mode, uid, gid)
        self._enter(path)
        place = self._place(path)

        def kept() -> None:
            # Whole or not at all, whenever the power goes: its owner is its own before it has its name.
            if node.is_folder:
                self._draft.mkdir(stat.S_IMODE(mode))
            else:
                os.mknod(self._draft, mode)
            os.chown(self._draft, uid, gid)
            if stat.S_ISREG(mode):
                node.descriptor = self._open(self._draft)
            self._draft.rename(place)

        self._change(kept, node, self._parent(path))
        return node

    def remove(self, path: str) -> None:
        """Takes away a name: of a file, a socket or an empty folder."""
        node = self.find(path)
        if node.names:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        self._leave(path)
        self._dirty.discard(self._nodes.pop(path))
        place = self._place(path)
        self._change(place.rmdir if node.is_folder else place.unlink, node, self._parent(path))

    def rename(self, old: str, new: str) -> None:
        """Another name for a file, in place of what had that name. A folder is not renamed: EXDEV."""
        node = self.find(old)
        if node.is_folder:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        self._leave(old)
        if new in self._nodes:
            self._dirty.discard(self._nodes[new])
        self._nodes[new] = self._nodes.pop(old)
        self._enter(new)
        source, target = self._place(old), self._place(new)
        self._change(lambda: _renamed(source, target), node, self._parent(old), self._parent(new))

    def permit(self, path: str, *, mode: int | None = None, uid: int = -1, gid: int = -1) -> None:
        """Another mode or owner."""
        node = self.find(path)
        node.uid, node.gid = (node.uid if uid == -1 else uid), (node.gid if gid == -1 else gid)
        if mode is not None:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        place, bits, owner = self._place(path), stat.S_IMODE(node.mode), (node.uid, node.gid)

        def kept() -> None:
            os.chown(place, *owner)
            place.chmod(bits)

        self._change(kept, node)

    def read(self, node: Node, size: int, offset: int) -> bytes:
        """What the file says now, fsynced or not."""
        wanted = max(0, min(size, node.size - offset))
        data = bytearray(wanted)
        there = max(0, min(wanted, node.kept - offset))
        if there and node.descriptor is not None:
            found = os.pread(node.descriptor, there, offset)
            data[: len(found)] = found
        if node.pages:
            for index in range(offset // PAGE, -(-(offset + wanted) // PAGE)):
                if (page := node.pages.get(index)) is not None:
                    start, end = max(offset, index * PAGE), min(offset + wanted, (index + 1) * PAGE)
                    data[start - offset : end - offset] = page[start - index * PAGE : end - index * PAGE]
        return bytes(data)

    def write(self, node: Node, data: bytes, offset: int) -> int:
        """Into memory."""
        end = offset + len(data)
        for index in range(offset // PAGE, -(-end // PAGE)):
            begin = index * PAGE
            page = node.pages.get(index)
            if page is None:
                page = node.pages[index] = bytearray(self.read(node, PAGE, begin).ljust(PAGE, b"\0"))
            start, stop = max(offset, begin), min(end, begin + PAGE)
            page[start - begin : stop - begin] = data[start - offset : stop - offset]
        node.size = max(node.size, end)
        node.written_ns = time.time_ns()
        self._dirty.add(node)
        if self._dice.random() < EARLY:
            self._write_back(node, [self._dice.choice(list(node.pages))])
        return len(data)

    def truncate(self, node: Node, length: int) -> None:
        """Cuts or lengthens, in memory."""
        for index in [index for index in node.pages if index * PAGE >= length]:
            del node.pages[index]
        if (page := node.pages.get(length // PAGE)) is not None:
            page[length % PAGE :] = bytes(PAGE - length % PAGE)
        node.size, node.kept = length, min(node.kept, length)
        node.written_ns = time.time_ns()
        self._dirty.add(node)

    def fsync(self, node: Node) -> None:
        """Writes a file's data, or a folder's names, where a loss of power does not reach them."""
        if node.is_folder:
            self._write_log(node.last_change)
            return
        indexes = list(node.pages)
        self._dice.shuffle(indexes)
        descriptor = self._write_back(node, indexes)
        os.ftruncate(descriptor, node.size)
        node.kept = node.size
        self._dirty.discard(node)

    def close(self) -> None:
        """Forgets what was not written, as the end of the process does."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def _open(self, place: Path) -> int:
        descriptor = os.open(place, os.O_RDWR)
        self._descriptors.append(descriptor)
        return descriptor

    def _write_back(self, node: Node, indexes: list[int]) -> int:
        """Writes pages, and before them the file's creation, or they have no place; gives the place."""
        self._write_log(node.last_change)
        assert node.descriptor is not None
        if os.fstat(node.descriptor).st_size > node.kept:
            os.ftruncate(node.descriptor, node.kept)
        for index in indexes:
            begin = index * PAGE
            end = min(begin + PAGE, node.size)
            os.pwrite(node.descriptor, node.pages.pop(index)[: end - begin], begin)
            node.kept = max(node.kept, end)
        return node.descriptor

    def _write_log(self, through: int) -> None:
        while self._log and self._log[0][0] <= through:
            self._log.popleft()[1]()

    def _change(self, kept: Callable[[], None], *nodes: Node) -> None:
        self._changes += 1
        self._log.append((self._changes, kept))
        for node in nodes:
            node.last_change = self._changes

    def _load(self, path: str) -> None:
        place = self._place(path)
        told = place.lstat()
        node = self._nodes[path] = Node(told.st_mode, told.st_uid, told.st_gid, written_ns=told.st_mtime_ns)
        if node.is_folder:
            for entry in place.iterdir():
                node.names.add(entry.name)
                self._load(str(PurePosixPath(path) / entry.name))
        elif stat.S_ISREG(told.st_mode):
            node.size = node.kept = told.st_size
            node.descriptor = self._open(place)

    def _place(self, path: str) -> Path:
        return self._folder / path.lstrip("/")

    def _parent(self, path: str) -> Node:
        return self.find(str(PurePosixPath(path).parent))

    def _enter(self, path: str) -> None:
        self._parent(path).names.add(PurePosixPath(path).name)

    def _leave(self, path: str) -> None:
        self._parent(path).names.discard(PurePosixPath(path).name)


def _renamed(source: Path, target: Path) -> None:
    source.rename(target)

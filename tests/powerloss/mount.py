"""マウント: python -m powerloss.mount FOLDER MOUNTPOINT SEED GAUGE: a Disk, mounted until it is killed.

The gauge is a file of two numbers: the pages and the changes of names that are not written yet. It outlives
this process, so that whoever kills it can tell what was lost.
"""

import mmap
import os
import random
import resource
import signal
import stat
import sys
import threading
from itertools import count
from pathlib import Path
from typing import Any

import mfusepy

from .disk import PAGE, Disk, Node
from .gauge import GAUGE

ROOM_PAGES = 1 << 23


class Mount:
    """What the kernel asks for, as mfusepy hands it on. Errors are OSError."""

    use_ns = True

    def __init__(self, disk: Disk, gauge: mmap.mmap) -> None:
        self._disk = disk
        self._gauge = gauge
        self._handles: dict[int, Node] = {}
        self._numbers = count(1)

    def _node(self, path: str, handle: int | None = None) -> Node:
        node = self._handles.get(handle) if handle is not None else None
        return node or self._disk.find(path)

    def _opened(self, node: Node) -> int:
        handle = next(self._numbers)
        self._handles[handle] = node
        return handle

    def _measured(self) -> int:
        GAUGE.pack_into(self._gauge, 0, *self._disk.unwritten)
        return 0

    def _made(self, path: str, mode: int) -> Node:
        uid, gid, _ = mfusepy.fuse_get_context()
        node = self._disk.make(path, mode, uid, gid)
        self._measured()
        return node

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        node = self._node(path, fh)
        return {
            "st_mode": node.mode,
            "st_uid": node.uid,
            "st_gid": node.gid,
            "st_size": node.size,
            "st_blocks": -(-node.size // 512),
            "st_nlink": 2 if node.is_folder else 1,
            **dict.fromkeys(("st_atime", "st_mtime", "st_ctime"), node.written_ns),
        }

    def readdir(self, path: str, _fh: int) -> list[str]:
        return [".", "..", *self._disk.find(path).names]

    def open(self, path: str, _flags: int) -> int:
        return self._opened(self._disk.find(path))

    def create(self, path: str, mode: int) -> int:
        return self._opened(self._made(path, stat.S_IFREG | mode))

    def mknod(self, path: str, mode: int, _dev: int) -> int:
        self._made(path, mode)
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        self._made(path, stat.S_IFDIR | mode)
        return 0

    def release(self, _path: str, fh: int) -> int:
        self._handles.pop(fh, None)
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return self._disk.read(self._node(path, fh), size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        written = self._disk.write(self._node(path, fh), data, offset)
        self._measured()
        return written

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        self._disk.truncate(self._node(path, fh), length)
        return 0

    def fsync(self, path: str, _datasync: int, fh: int) -> int:
        self._disk.fsync(self._node(path, fh))
        return self._measured()

    def fsyncdir(self, path: str, _datasync: int, _fh: int) -> int:
        self._disk.fsync(self._disk.find(path))
        return self._measured()

    def unlink(self, path: str) -> int:
        self._disk.remove(path)
        return self._measured()

    def rmdir(self, path: str) -> int:
        self._disk.remove(path)
        return self._measured()

    def rename(self, old: str, new: str) -> int:
        self._disk.rename(old, new)
        return self._measured()

    def chmod(self, path: str, mode: int) -> int:
        self._disk.permit(path, mode=mode)
        return self._measured()

    def chown(self, path: str, uid: int, gid: int) -> int:
        # The kernel says -1 as an unsigned number.
        self._disk.permit(path, uid=_signed(uid), gid=_signed(gid))
        return self._measured()

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        if times is not None:
            self._disk.find(path).written_ns = times[1]
        return 0

    def statfs(self, _path: str) -> dict[str, int]:
        return {
            **dict.fromkeys(("f_bsize", "f_frsize"), PAGE),
            **dict.fromkeys(("f_blocks", "f_bfree", "f_bavail"), ROOM_PAGES),
        }


def _signed(number: int) -> int:
    return -1 if number == 0xFFFFFFFF else number


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main(folder: str, mountpoint: str, seed: str, gauge: str) -> None:
    """Mounts and stays."""
    # The kernel has taken the umask of who makes a file into account already.
    os.umask(0)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for orphan in Path(folder).rglob(".fuse_hidden*"):
        # A file that was open when its last name went: any file system forgets it at the next start.
        orphan.unlink()
    with Path(gauge).open("r+b") as file:
        memory = mmap.mmap(file.fileno(), GAUGE.size)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    options: dict[str, Any] = {"foreground": True, "nothreads": True, "default_permissions": True}
    if os.geteuid() == 0:
        # PostgreSQL runs under another account then.
        options["allow_other"] = True
    mount = Mount(Disk(Path(folder), random.Random(seed)), memory)
    mfusepy.FUSE(mount, mountpoint, fsname="powerloss", **options)


if __name__ == "__main__":
    main(*sys.argv[1:])

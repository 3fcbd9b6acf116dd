"""実演のフォルダ: one demo at a time lives in a folder, and only what a demo left there is removed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from jukinet_daemon.sim.world import world_file

LOCK = "demo.lock"


class FolderFault(Exception):
    """The folder may not be emptied; the message says why and what to do."""


@contextmanager
def emptied(folder: Path) -> Iterator[None]:
    """Empties a folder and keeps every other demo out of it meanwhile. Raises FolderFault, nothing removed.

    The kernel lets go of the lock when its process ends, however it ends; the pid in it is for people.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / LOCK
    if not lock.exists() and not world_file(folder).exists() and any(folder.iterdir()):
        raise FolderFault(
            f"{folder} は空でなく、実演のフォルダでもありません。--folder で別のフォルダを指定してください"
            " / is neither empty nor a demo's folder; name another with --folder"
        )
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _hold(descriptor, folder)
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path != lock:
                path.unlink()
        yield
    finally:
        os.close(descriptor)


def _hold(descriptor: int, folder: Path) -> None:
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        pid = os.pread(descriptor, 20, 0).decode().strip()
        raise FolderFault(
            f"{folder} では実演が動いています (pid {pid})。Ctrl-C で終えるか、--folder で別の所に"
            " / a demo runs in it; end that with Ctrl-C, or name another folder with --folder"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

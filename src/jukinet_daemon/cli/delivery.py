"""jukinetctl bridge: the delivery file of an office, from the room that is kept for it to its opening."""

import argparse
import getpass
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.durable import flush_folder
from jukinet_daemon.vault.age import LEAST_PASSWORD, MOST_PASSWORD, AgeFault, open_age

_PIECE_BYTES = 64 * 1024
# More than a line and the head of a delivery come to, sealed.
_LINE_BYTES, _HEAD_BYTES = 80, 4096


@contextmanager
def new_file(path: Path, room: int = 0) -> Iterator[IO[bytes]]:
    """A new file that only its owner reads, with so many bytes of room; durable at the end, else gone.

    Raises CommandFault.
    """
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise CommandFault(f"{path} はすでにあります / is there already") from None
    except OSError as fault:
        raise _cannot(path, fault) from None
    try:
        with file:
            if room:
                os.posix_fallocate(file.fileno(), 0, room)
            yield file
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        flush_folder(path.parent)
    except OSError as fault:
        path.unlink(missing_ok=True)
        raise _cannot(path, fault) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def room_for(lines: int) -> int:
    """How many bytes the delivery of so many lines needs at most."""
    return _HEAD_BYTES + lines * _LINE_BYTES


async def write_pieces(pieces: AsyncGenerator[bytes, None], file: IO[bytes]) -> None:
    """Writes what comes into a file; whoever sends it is told at once where that fails."""
    async with aclosing(pieces):
        async for piece in pieces:
            file.write(piece)


def password_in(path: Path) -> str:
    """The password that a file holds. Raises CommandFault."""
    try:
        return path.read_text("utf-8").splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        raise CommandFault(f"{path}: 合言葉を読めません / no password there") from None


def new_password_in(path: Path) -> str:
    """A password that a delivery may be sealed with. Raises CommandFault."""
    password = password_in(path)
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise CommandFault(
            f"{path}: 合言葉は {LEAST_PASSWORD} 文字から {MOST_PASSWORD} 文字までです"
            f" / a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters"
        )
    return password


def open_delivery(options: argparse.Namespace) -> int:
    """Opens a delivery file and writes its JSON lines to --out or to standard output."""
    if not options.what:
        raise CommandFault("引渡しファイルを指定してください / give the delivery file")
    password = (
        password_in(options.password_file)
        if options.password_file
        else getpass.getpass("合言葉 / password: ")
    )
    try:
        with Path(options.what).open("rb") as sealed:
            pieces = open_age(iter(lambda: sealed.read(_PIECE_BYTES), b""), password)
            if options.out:
                with new_file(options.out) as out:
                    out.writelines(pieces)
            else:
                sys.stdout.buffer.writelines(pieces)
    except AgeFault as fault:
        raise CommandFault(f"開けません / cannot be opened: {fault}") from None
    except OSError as fault:
        raise _cannot(Path(options.what), fault) from None
    return 0


def _cannot(path: Path, fault: OSError) -> CommandFault:
    why = fault.strerror or type(fault).__name__
    return CommandFault(f"{fault.filename or path} を読み書きできません / cannot be read or written: {why}")

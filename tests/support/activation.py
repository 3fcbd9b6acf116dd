"""A tiny service manager: hands listening sockets to a program as systemd does."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jukinet_daemon.sim.demo.children import Child, ReadySocket

# Numbers descriptors from 3 on, names this process as the one they are meant for, becomes the program.
_TRAMPOLINE = """
import os, sys
passed, names = [int(number) for number in sys.argv[1].split(",") if number], sys.argv[2]
kept = [os.dup(number) for number in passed]
# Copies above all targets first, so that no target is overwritten before it was copied.
high = [os.dup2(number, 100 + place, inheritable=True) for place, number in enumerate(kept)]
for place, number in enumerate(high):
    os.dup2(number, 3 + place, inheritable=True)
    os.close(number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(passed)), "LISTEN_FDNAMES": names}
os.execv(sys.argv[3], sys.argv[3:])
"""


@dataclass(frozen=True)
class Activated:
    """How to start a program so that it finds sockets passed: its arguments, what must stay open for it."""

    arguments: list[str]
    passed: tuple[int, ...]


def activated(passed: Sequence[tuple[str, socket.socket]], *command: str) -> Activated:
    """A program (by path, with its arguments) that is handed sockets by name."""
    numbers = [sock.fileno() for _, sock in passed]
    names = ":".join(name for name, _ in passed)
    listed = ",".join(map(str, numbers))
    return Activated([sys.executable, "-c", _TRAMPOLINE, listed, names, *command], tuple(numbers))


class ActivatedChild(Child):
    """A program of ours that is handed its sockets; under another program, where one is named by its path."""

    def __init__(
        self,
        name: str,
        folder: Path,
        passed: Sequence[tuple[str, socket.socket]],
        under: Sequence[str] = (),
    ) -> None:
        super().__init__(name, folder)
        self._passed = passed
        self._under = under

    async def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        command = activated(self._passed, *self._under, sys.executable, "-m", *arguments)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command.arguments,
                pass_fds=command.passed,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=os.environ | dict(environment or {}),
            )


@asynccontextmanager
async def activated_daemon(
    config: Path, folder: Path, passed: Sequence[tuple[str, socket.socket]], *only: str
) -> AsyncIterator[Child]:
    """A jukinetd with passed sockets that opens only some sections, until the block ends."""
    child = ActivatedChild("jukinetd", folder, passed)
    ready = ReadySocket(folder / "notify")
    options = [word for section in only for word in ("--only", section)]
    try:
        await child.start(
            "jukinet_daemon.cli.jukinetd",
            *("--config", str(config), *options),
            environment={"NOTIFY_SOCKET": str(ready.path)},
        )
        await ready.wait_ready(child)
        yield child
    finally:
        await child.stop()


@contextmanager
def one_free_port() -> Iterator[tuple[str, int]]:
    """An address of this host that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()


@asynccontextmanager
async def socket_activated(config: Path, folder: Path, address: str, door: str) -> AsyncIterator[Child]:
    """A jukinetd that systemd-socket-activate starts at the first connection, until the block ends."""
    child = _SocketActivated("jukinetd", folder, address, door)
    try:
        await child.start("jukinet_daemon.cli.jukinetd", *("--config", str(config), "--only", door))
        yield child
    finally:
        await child.stop()


class _SocketActivated(Child):
    def __init__(self, name: str, folder: Path, address: str, door: str) -> None:
        super().__init__(name, folder)
        self._options = (f"--listen={address}", f"--fdname={door}")

    async def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("systemd-socket-activate", *self._options, sys.executable, "-m", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=os.environ | dict(environment or {}),
            )

"""子の処理: programs of the demo as processes of their own, each with a log, started and ended in order."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

# A machine that runs a hundred programs at once takes its time.
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
# How many lines of its log the fault of a program shows.
LOG_LINES = 3


class ChildFault(Exception):
    """A program of the demo did not start or ended too soon; the message names its log and how it ends."""


class Child:
    """One process."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Starts a module of ours with this Python."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, **(environment or {})},
                # Ctrl-C goes to the demo alone; it ends its children in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """The JSON lines it prints, until it ends."""
        stdout = self._running().stdout
        assert stdout is not None  # noqa: S101 - it was started with a pipe
        async for line in stdout:
            yield json.loads(line)

    async def first_line(self) -> dict[str, Any]:
        """The first JSON line it prints: that it is ready. Raises ChildFault."""
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                async for line in self.lines():
                    return line
        except TimeoutError:
            pass
        raise self.unstarted()

    def unstarted(self) -> ChildFault:
        """The fault of not having started, with the end of what it said."""
        said = self.log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:] if self.log.exists() else []
        return ChildFault(
            "\n".join((f"{self.name} が起動しません。{self.log} を見てください / did not start", *said))
        )

    async def stop(self) -> None:
        """Asks it to end, waits, and kills it if it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def ended(self) -> int:
        """Waits until it ends; gives its exit status."""
        return await self._running().wait()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise ChildFault(f"{self.name} was not started")
        return self._process


class ReadySocket:
    """The socket on which a daemon says READY=1, as it would to systemd."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    async def wait_ready(self, child: Child) -> None:
        """Waits for READY=1. Raises ChildFault when the child ends before, or takes too long."""
        ended = asyncio.create_task(child.ended())
        ready = asyncio.create_task(self._ready())
        try:
            await asyncio.wait({ended, ready}, timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise child.unstarted()
        finally:
            ended.cancel()
            ready.cancel()
            await asyncio.gather(ended, ready, return_exceptions=True)
            self._socket.close()
            self.path.unlink(missing_ok=True)

    async def _ready(self) -> None:
        loop = asyncio.get_running_loop()
        while b"READY=1" not in await loop.sock_recv(self._socket, 4096):
            pass

"""処理: one program of ours as a process that may be killed, halted, and started again as systemd would."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from jukinet_daemon.pki import groups
from jukinet_daemon.sim.demo.children import Child, ChildFault, ReadySocket

TESTS = Path(__file__).parents[1]
RETRY_S = 0.1


class Program:
    """A program and how it is started. `notifies`: it says READY=1; else its first line says it is up.

    `ended_by_itself` counts the times that it was found ended though nobody had killed it.
    """

    def __init__(self, name: str, folder: Path, arguments: Sequence[str], *, notifies: bool) -> None:
        self.name = name
        self._folder = folder
        self._arguments = tuple(arguments)
        self._notifies = notifies
        self._child: Child | None = None
        self._killed = False
        self.halted = False
        self.ended_by_itself = 0

    @property
    def pid(self) -> int:
        """The process id. Raises ChildFault when it was never started."""
        if self._child is None:
            raise ChildFault(f"{self.name} was not started")
        return self._child.pid

    @property
    def child(self) -> Child:
        """The process, for whoever reads its lines."""
        assert self._child is not None
        return self._child

    @property
    def alive(self) -> bool:
        """Whether its process runs or is halted."""
        return self._child is not None and self._child.running

    async def start(self) -> None:
        """Starts it and waits until it is ready. Raises ChildFault."""
        child = Child(self.name, self._folder)
        environment = {"PYTHONPATH": str(TESTS), groups.VARIABLE: str(groups.SETTINGS)}
        self._child, self._killed = child, False
        if not self._notifies:
            await child.start(*self._arguments, environment=environment)
            await child.first_line()
            return
        ready = ReadySocket(self._folder / f"{self.name}.ready")
        await child.start(*self._arguments, environment={**environment, "NOTIFY_SOCKET": str(ready.path)})
        await ready.wait_ready(child)

    async def ensure(self, tries: int = 100) -> None:
        """Starts it, again and again as a service manager does, until it is up. Raises ChildFault."""
        if self.halted:
            self.go_on()
        if self._killed:
            await self.ended()
        elif not self.alive:
            self.ended_by_itself += 1
        while not self.alive:
            try:
                await self.start()
            except ChildFault:
                tries -= 1
                if not tries:
                    raise
                await asyncio.sleep(RETRY_S)

    def kill(self) -> bool:
        """Ends it as `kill -9` does; gives whether it was there to be killed."""
        self._killed = self._signal(signal.SIGKILL)
        return self._killed

    def halt(self) -> bool:
        """SIGSTOP: it stands still, its sockets stay open."""
        self.halted = self._signal(signal.SIGSTOP)
        return self.halted

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)
        self.halted = False

    async def ended(self) -> None:
        """Waits for the end of a process that was killed."""
        await self.child.ended()

    async def stop(self) -> None:
        """Ends it in good order."""
        if self._child is not None:
            if self.halted:
                self.go_on()
            await self._child.stop()

    def tell_to_end(self) -> None:
        """SIGTERM, and does not wait."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> bool:
        if not self.alive:
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:  # it has ended, and asyncio has not told us yet
            return False
        return True


async def poll(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits until another process has brought something about. Raises TimeoutError that says what."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - the event is another process's
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"{what} did not come within {seconds:.0f} s") from None

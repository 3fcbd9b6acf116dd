"""専用回線: a simulated dedicated line, a relay on loopback that shapes a TCP stream and harms it on command.

Memory: for each connection each way at most `LineProfile.buffer_bytes` here and 256 KiB in the kernel.
"""

import asyncio
import socket
from collections.abc import Coroutine, Iterable, Mapping
from enum import StrEnum
from typing import Any

from .line_connection import Connection, new_socket, reset
from .line_pipe import Direction, LineProfile, Way

__all__ = ["Direction", "Harm", "Line", "LineProfile"]

_BACKLOG = 128


class Harm(StrEnum):
    """How a line breaks, as its connections see it; bytes under way are lost except with HANG."""

    RST = "rst"
    """Both ends are reset."""
    FIN = "fin"
    """Both ends are closed in order."""
    HANG = "hang"
    """Nothing passes any more; both ends stay open, and go on where they stood when the line is restored."""
    HALF_OPEN = "half_open"
    """The client's end is reset; the server is told nothing and, till `stop`, keeps a dead end."""


class Line:
    """One line between clients and one server. All its state is here; `stop` leaves nothing behind.

    `connections` counts the clients that were let in. A client whose server cannot be reached is reset.
    """

    def __init__(self, profile: LineProfile) -> None:
        self.profile = profile
        self.connections = 0
        self._ways: Mapping[Direction, Way] = {direction: Way(profile) for direction in Direction}
        self._listener: socket.socket | None = None
        self._carried: set[Connection] = set()
        self._broken: set[Connection] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._refusing = False
        self._cut = asyncio.Event()

    async def start(self, target_host: str, target_port: int) -> int:
        """Listen on loopback for clients of that server; give the port.

        Raises OSError for a host that is unknown, RuntimeError when started already.
        """
        if self._listener is not None:
            raise RuntimeError(f"line {self.profile.name} is started already")
        loop = asyncio.get_running_loop()
        family, _, _, _, address = (
            await loop.getaddrinfo(target_host, target_port, type=socket.SOCK_STREAM)
        )[0]
        self._listener = new_socket(socket.AF_INET)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(_BACKLOG)
        loop.add_reader(self._listener, self._accept, self._listener, family, address)
        port: int = self._listener.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close everything; may be repeated."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self._lift_limits()
        await _end([*self._chores, *(connection.task for connection in self._carried)])
        for connection in self._carried | self._broken:
            connection.close()
        self._carried.clear()
        self._broken.clear()

    async def cut(self, how: Harm, *, refuse_new: bool = True) -> None:
        """Harm the connections there are; return when it is done.

        Until `restore`, new clients are reset as soon as they connect. With `refuse_new=False` they are let
        in, to be carried as ever, or after HANG to hang like the others.
        """
        self._refusing = refuse_new
        self._lift_limits()
        if how is Harm.HANG:
            for way in self._ways.values():
                way.gate.clear()
        else:
            await self._break(how)
            self._open_gates()
        self._cut.set()

    def cut_after(self, n_bytes: int, direction: Direction, how: Harm, *, refuse_new: bool = True) -> None:
        """Cut as `cut` does as soon as exactly `n_bytes` more have reached the host at that end.

        They are counted over all connections, and do not include bytes whose sending has begun already.
        Another `cut`, `restore` or `stop` before that calls it off. Raises ValueError for a count below zero.
        """
        if n_bytes < 0:
            raise ValueError("a line cannot be cut after less than no bytes")
        self._ways[direction].limit(n_bytes, lambda: self._do(self.cut(how, refuse_new=refuse_new)))

    def restore(self) -> None:
        """Carry again and take new clients; connections that hung go on, those that broke stay broken."""
        self._refusing = False
        self._cut.clear()
        self._lift_limits()
        self._open_gates()

    async def wait_cut(self) -> None:
        """Wait until a cut is done, unless one is done already and not restored."""
        await self._cut.wait()

    @property
    def is_cut(self) -> bool:
        """Whether a cut has been done and not been restored."""
        return self._cut.is_set()

    @property
    def carrying(self) -> int:
        """How many connections are carried now."""
        return len(self._carried)

    def delivered(self, direction: Direction) -> int:
        """Give the bytes of all connections that were handed over at that end."""
        return self._ways[direction].delivered

    def _accept(self, listener: socket.socket, family: int, address: tuple[Any, ...]) -> None:
        # Not sock_accept: cancelled at the wrong moment, that loses a socket unclosed.
        try:
            client, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if self._refusing:
            reset(client)
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections += 1
        self._carry(Connection(self._ways, client, new_socket(family), address))

    def _carry(self, connection: Connection) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            # Whoever cancelled it has still to deal with its sockets.
            if not task.cancelled():
                self._carried.discard(connection)

        self._carried.add(connection)
        connection.task.add_done_callback(ended)

    async def _break(self, how: Harm) -> None:
        harmed = set(self._carried)
        await _end(connection.task for connection in harmed)
        for connection in harmed & self._carried:
            self._carried.remove(connection)
            self._harm(connection, how)

    def _harm(self, connection: Connection, how: Harm) -> None:
        if how is Harm.RST:
            connection.reset()
            return
        self._broken.add(connection)
        if how is Harm.FIN:
            connection.shut_down()
            self._do(self._see_out(connection))
        else:
            connection.reset_client()

    async def _see_out(self, connection: Connection) -> None:
        await connection.see_out()
        self._broken.discard(connection)

    def _lift_limits(self) -> None:
        for way in self._ways.values():
            way.lift()

    def _open_gates(self) -> None:
        for way in self._ways.values():
            way.gate.set()

    def _do(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    ending = tuple(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)

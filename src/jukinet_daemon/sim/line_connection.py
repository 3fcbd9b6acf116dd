"""One client of a simulated line and the connection that the line makes for it to the server."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .line_pipe import Direction, Pipe, Way

# Asked of the kernel, which doubles it and then does not let it grow: a line is not a store of megabytes.
_KERNEL_BUFFER_BYTES = 65536
_DISCARD_BYTES = 65536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """Two sockets and the task that carries between them.

    The task closes both when both ways have ended, and resets both when one end broke. Whoever cancels it
    must then call `reset`, `close` or, after `shut_down`, `see_out`.
    """

    def __init__(
        self,
        ways: Mapping[Direction, Way],
        client: socket.socket,
        server: socket.socket,
        address: tuple[Any, ...],
    ) -> None:
        self._client = client
        self._server = server
        self.task = asyncio.create_task(self._carry(ways, address))

    async def _carry(self, ways: Mapping[Direction, Way], address: tuple[Any, ...]) -> None:
        up = Pipe(ways[Direction.TO_SERVER], self._client, self._server)
        down = Pipe(ways[Direction.TO_CLIENT], self._server, self._client)
        try:
            await asyncio.get_running_loop().sock_connect(self._server, address)
            async with asyncio.TaskGroup() as group:
                for pipe, back in ((up, down), (down, up)):
                    group.create_task(pipe.take_in())
                    group.create_task(pipe.give_out(back))
        except* OSError:
            self.reset()
        else:
            self.close()

    def reset(self) -> None:
        """Close both ends so that both peers are told of a breakage."""
        self.reset_client()
        reset(self._server)

    def reset_client(self) -> None:
        """Close the client's end so that it is told of a breakage; the server's stays open."""
        reset(self._client)

    def close(self) -> None:
        """Close both ends; may be repeated."""
        self._client.close()
        self._server.close()

    def shut_down(self) -> None:
        """Tell both peers that nothing more will come."""
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_WR)

    async def see_out(self) -> None:
        """Read on until the peers close too, then close: closing over unread bytes would reset."""
        await asyncio.gather(_read_out(self._client), _read_out(self._server))
        self.close()


def new_socket(family: int) -> socket.socket:
    """Give a TCP socket of small buffers that neither blocks nor waits to fill a packet."""
    new = socket.socket(family, socket.SOCK_STREAM)
    new.setblocking(False)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER_BYTES)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER_BYTES)
    new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return new


def reset(end: socket.socket) -> None:
    """Close a socket with a reset instead of an orderly end."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    end.close()


async def _read_out(end: socket.socket) -> None:
    with suppress(OSError):
        while await asyncio.get_running_loop().sock_recv(end, _DISCARD_BYTES):
            pass

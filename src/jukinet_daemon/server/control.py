"""操作の戸口: operators on this host, over a Unix socket that only the service's group may open."""

import os
import socket
from pathlib import Path

from aiohttp import web

from jukinet_daemon.service.status import Status

SOCKET_MODE = 0o660


class ControlDoor:
    """The door's handlers and its socket."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._runner: web.AppRunner | None = None

    async def open(self, path: Path) -> None:
        """Listens on a Unix socket; a socket left by a process that died is replaced. Raises OSError."""
        listening = _bound(path)
        application = web.Application(client_max_size=64 * 1024)
        application.router.add_get("/status", self._look)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    async def close(self) -> None:
        """Closes the door."""
        if self._runner:
            await self._runner.cleanup()

    async def _look(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._status.look())


def _bound(path: Path) -> socket.socket:
    if path.is_socket():
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The file must never be open to others, not even between bind and chmod.
    before = os.umask(0o777 & ~SOCKET_MODE)
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    listening.setblocking(False)
    return listening

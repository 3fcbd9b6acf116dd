"""この機械の中の戸口: what the doors on Unix sockets share: the socket, who asks, how a refusal is told."""

import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from jukinet_daemon.ops.operator import OperatorFault
from jukinet_daemon.server.listener import HttpLog
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.vault.fields import VaultFault

SOCKET_MODE = 0o660
_CREDENTIALS = struct.Struct("3i")


def operator_of(request: web.Request) -> str:
    """Who asks: the account at the other end of the socket, as the kernel says (SO_PEERCRED)."""
    transport = request.transport
    assert transport is not None  # noqa: S101 - a request that is being handled has one
    raw = transport.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
    )
    _pid, uid, _gid = _CREDENTIALS.unpack(raw)
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid:{uid}"


@web.middleware
async def plainly(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Says what stood in the way in a sentence that an operator can act on."""
    try:
        return await handler(request)
    except OperatorFault as fault:
        return web.json_response({"problem": str(fault)}, status=409)
    except (StoreFault, VaultFault) as fault:
        return web.json_response({"problem": f"記録できない / cannot be done now: {fault}"}, status=503)


async def serve_here(application: web.Application, listening: socket.socket) -> web.AppRunner:
    """Serves an application to this host's operators; gives what is to be cleaned up at the end."""
    runner = web.AppRunner(application, access_log=None, logger=HttpLog(), auto_decompress=False)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner


def bound(path: Path) -> socket.socket:
    """A Unix socket for this host's operators at a path; one that was left there goes. Raises OSError."""
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

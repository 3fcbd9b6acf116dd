"""Somebody who poses as a server: it shows what it has, takes every call and remembers what it is told."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import WSMsgType, web

from support.bad_certificates import Shown, present


@dataclass
class Posing:
    """Where it is called, how often it was, and what it was told: messages and bodies."""

    url: str
    calls: int = 0
    heard: list[str | bytes] = field(default_factory=list)


def impostor(what: Shown, folder: Path) -> ssl.SSLContext:
    """The context of somebody who asks nobody for anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    present(context, what, folder)
    return context


@asynccontextmanager
async def listening(context: ssl.SSLContext, path: str, scheme: str = "wss") -> AsyncIterator[Posing]:
    """An impostor at a path: a WebSocket is taken, so is any other request."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    posing = Posing("{}://{}:{}{}".format(scheme, *listener.getsockname(), path))

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        taken = web.WebSocketResponse()
        if not taken.can_prepare(request):
            posing.heard.append(await request.read())
            return web.Response(text="told")
        await taken.prepare(request)
        async for message in taken:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                posing.heard.append(message.data)
        return taken

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    accepting = asyncio.create_task(_accept(listener, runner, context, posing))
    try:
        yield posing
    finally:
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        await runner.cleanup()
        listener.close()


async def _accept(
    listener: socket.socket, runner: web.ServerRunner, context: ssl.SSLContext, posing: Posing
) -> None:
    loop = asyncio.get_running_loop()
    assert runner.server is not None
    while True:
        connection, _ = await loop.sock_accept(listener)
        posing.calls += 1
        with suppress(OSError):
            await loop.connect_accepted_socket(runner.server, connection, ssl=context)

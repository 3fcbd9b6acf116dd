"""頭: where the heads of requests end, in whatever pieces they come; what is behind one waits."""

import asyncio
import socket

from jukinet_daemon.server.guard import Guard

from .target import Target

_END = b"\r\n\r\n"


class _Application(asyncio.Protocol):
    """What stands behind the guard, as far as it was let through."""

    def __init__(self) -> None:
        self.heads = [b""]
        self.gone = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.heads[-1] += data

    def connection_lost(self, _exc: Exception | None) -> None:
        self.gone.set()


def _run(data: bytes) -> None:
    """The first byte says into what pieces the rest is cut."""
    size, data = (data[0] or 1 << 20) if data else 1, data[1:]
    *whole, rest = data.split(_END)
    assert asyncio.run(_heads(data, size)) == [*(head + _END for head in whole), rest]


async def _heads(data: bytes, size: int) -> list[bytes]:
    ours, peer = socket.socketpair()
    application = _Application()
    with peer:
        transport, guard = await asyncio.get_running_loop().create_connection(
            lambda: Guard(application, {}, "notices", lambda _owed, _who: None), sock=ours
        )
        for place in range(0, len(data), size):
            guard.data_received(data[place : place + size])
        while application.heads[-1].endswith(_END):
            # Understood and answered: now the next is looked at.
            application.heads.append(b"")
            guard.request_came()
            guard.await_request()
        transport.abort()
        await application.gone.wait()
    return application.heads


_HEAD = b"GET /notices HTTP/1.1\r\nHost: x\r\n\r\n"
TARGET = Target(
    "head",
    _run,
    (
        b"\x00" + _HEAD,
        b"\x01" + _HEAD * 3 + b"GET",
        b"\x03" + b"\r\n\r\n\r\n\r\n\r\r\n\r\n",
        b"\x05" + _HEAD + b"x" * 60_000,
        b"\x02\r\n\r",
    ),
)

"""相手への負荷: HTTP/1.1 over mutual TLS, one request at a time on each kept-alive connection."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, cast

from benchmarks.websocket import LineLost
from jukinet_daemon.outward import Caller


def request(notice: dict[str, Any]) -> bytes:
    """A notice as the bytes of its request."""
    body = json.dumps(notice, ensure_ascii=False, separators=(",", ":")).encode()
    head = (
        "POST /notices HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class HttpLine(asyncio.Protocol):
    """One connection that sends its requests one after another. `done` ends with the last response."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._waiting = iter(requests)
        self._missing = len(requests)
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, _fault: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(LineLost("the peer ended the line"))

    def begin(self) -> None:
        """Sends the first request."""
        self._transport.write(next(self._waiting))

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._buffer.clear()
        if b'"outcome":"ACCEPTED"' not in body and not self.done.done():
            self.done.set_exception(LineLost(f"the peer did not accept: {head[:40]!r}"))
        self._missing -= 1
        if self._missing:
            self._transport.write(next(self._waiting))
        elif not self.done.done():
            self.done.set_result(None)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n")[0])


async def closed_loops(port: int, work: Sequence[tuple[Caller, Sequence[bytes]]]) -> float:
    """All connections at once; gives the seconds from first request to last answer. Raises LineLost."""
    loop = asyncio.get_running_loop()
    lines = []
    for caller, requests in work:
        _, line = await loop.create_connection(
            lambda requests=requests: HttpLine(requests),  # type: ignore[misc]
            "127.0.0.1",
            port,
            ssl=caller.context,
        )
        lines.append(line)
    begun = time.perf_counter()
    for line in lines:
        line.begin()
    try:
        await asyncio.gather(*(line.done for line in lines))
        return time.perf_counter() - begun
    finally:
        for line in lines:
            line.close()

"""戸口の番人たち: the guards of one door, and what the application understood of a request, told to each."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import HttpVersion11, web

from jukinet_daemon.server.guard import Guard
from jukinet_daemon.server.who import Who, tell_refused

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guards:
    """The guards of one door, and the part of the application that tells them what was understood."""

    def __init__(self, door: str) -> None:
        self._door = door
        self.by_transport: dict[asyncio.BaseTransport, Guard] = {}

    def before(self, application: Callable[[], asyncio.Protocol]) -> Callable[[], Guard]:
        """The application's protocols, each with a guard before it."""
        return lambda: Guard(application(), self.by_transport, self._door, self.ended)

    def ended(self, owed: str, who: Who) -> None:
        """Logs a connection that was ended, once."""
        log.warning("peer_too_slow", door=self._door, owed=owed, address=who.address, peer=who.peer)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hands a request on once it is whole; then the next is owed."""
        guard = self.by_transport.get(request.transport) if request.transport else None
        if guard is None:
            return await handler(request)
        try:
            await self._whole(request, guard)
            answer = await handler(request)
        except web.HTTPException as refusal:
            # Where the request was not what it should be, what follows on the line may not be what it seems.
            refusal.force_close()
            guard.refused()
            raise
        except BaseException:
            guard.await_request()
            raise
        guard.await_request()
        return answer

    async def _whole(self, request: web.Request, guard: Guard) -> None:
        """Waits until a request is whole; one that no peer of ours sends is refused here, and told of."""
        try:
            await _understood(request, guard)
        except web.HTTPException as refusal:
            tell_refused(refusal.status)
            raise


async def _understood(request: web.Request, guard: Guard) -> None:
    """Tells the guard what follows the head, and waits for it.

    Raises HTTPException for what no peer of ours sends, before any of it is kept.
    """
    if "Transfer-Encoding" in request.headers:
        raise web.HTTPLengthRequired
    if "Content-Encoding" in request.headers:
        # No message of ours is packed; nothing unpacks one (server/listener.py).
        raise web.HTTPUnsupportedMediaType
    length = request.content_length or 0
    if length > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size, length)
    if request.headers.get("Upgrade", "").lower() == "websocket":
        if request.can_read_body or not _may_upgrade(request):
            raise web.HTTPBadRequest
        guard.frames_follow()
        return
    if request.can_read_body:
        # Still on the clock: read to its end before anybody looks at it.
        guard.body_follows()
        try:
            await request.read()
        except ConnectionError:
            raise web.HTTPBadRequest from None
    guard.request_came()


def _may_upgrade(request: web.Request) -> bool:
    """What RFC 6455 (4.1, 11.3) asks of a handshake and the library does not look at."""
    once = all(
        len(request.headers.getall(name, ())) == 1 for name in ("Sec-WebSocket-Key", "Sec-WebSocket-Version")
    )
    return once and request.version >= HttpVersion11

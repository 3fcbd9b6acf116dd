"""待受: opens a door's port with mutual TLS and tells who stands in it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web

from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.peer import PeerIdentity
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, Refusal, admits
from jukinet_daemon.wire.envelope import VerifyingKey

HANDSHAKE_TIMEOUT_S = 10.0
KEEPALIVE_S = 15.0
SHUTDOWN_TIMEOUT_S = 10.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Listener:
    """One listening port and the application behind it."""

    def __init__(self, application: web.Application, context: ssl.SSLContext | None = None) -> None:
        self._runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )
        self._context = context
        self._server: asyncio.Server | None = None

    async def open(self, address: str) -> str:
        """Listens on HOST:PORT (port 0: any free one) and gives the address it got. Raises OSError."""
        await self._runner.setup()
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        handler = self._runner.server
        assert handler is not None  # noqa: S101 - setup() makes it
        self._server = await loop.create_server(
            handler,
            host,
            int(port),
            ssl=self._context,
            backlog=512,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if self._context else None,
        )
        return "{}:{}".format(*self._server.sockets[0].getsockname()[:2])

    def stop_accepting(self) -> None:
        """Closes the port; connections that are open stay."""
        if self._server:
            self._server.close()

    async def close(self) -> None:
        """Closes the port and what is left of the connections."""
        self.stop_accepting()
        await self._runner.cleanup()


def peer_of(request: web.Request, policy: DoorPolicy) -> tuple[PeerIdentity, VerifyingKey]:
    """Who is at the other end of a request's connection, by certificate. Raises NotAdmitted."""
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport else None
    if tls is None:
        raise NotAdmitted(Refusal.IDENTITY_MALFORMED, None)
    certificate = peer_certificate(tls)
    return admits(policy, certificate), verifying_key(certificate)

"""待受: opens a door's port with mutual TLS and tells who stands in it."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.peer import PeerIdentity
from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, admits
from jukinet_daemon.server.gate import Gate
from jukinet_daemon.server.guards import Guards
from jukinet_daemon.server.who import current
from jukinet_daemon.wire.envelope import VerifyingKey

log = structlog.get_logger()

KEEPALIVE_S = 15.0
SHUTDOWN_TIMEOUT_S = 10.0
BACKLOG = 512

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpLog:
    """Takes what aiohttp would log with tracebacks and the bytes that came, and logs it without them."""

    def debug(self, _message: str, *_args: object, exc_info: object = None) -> None:
        """Told of a request that could not be read."""
        if isinstance(exc_info, HttpProcessingError):
            self.exception(_message, exc_info=exc_info)

    def exception(self, _message: str, *_args: object, exc_info: object = None) -> None:
        """Told of a request that could not be read, or of a handler that tripped."""
        who, fault = current(), type(exc_info).__name__
        if isinstance(exc_info, HttpProcessingError):
            log.warning("request_unreadable", door=who.door, fault=fault, address=who.address, peer=who.peer)
        else:
            log.error("request_tripped", door=who.door, fault=fault, address=who.address, peer=who.peer)


class Listener:
    """One listening port and the application behind it; a gate is before it where TLS is spoken.

    Each connection has a guard, so that nobody can be slow for longer than a door can bear.
    """

    def __init__(self, application: web.Application, gate: Gate | None = None) -> None:
        self._guards = Guards(gate.door if gate else "local")
        application.middlewares.insert(0, self._guards.middleware)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=HttpLog(),
            auto_decompress=False,
            keepalive_timeout=KEEPALIVE_S,
            shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )
        self._gate = gate
        self._server: asyncio.Server | None = None

    async def open(self, address: str, passed: socket.socket | None = None) -> str:
        """Listens on HOST:PORT (port 0: any free one), or on a socket that was passed and listens already.

        Gives the address it got. Raises OSError.
        """
        await self._runner.setup()
        handler = self._runner.server
        assert handler is not None  # noqa: S101 - setup() makes it
        guarded = self._guards.before(handler)
        listening = passed or _bound(address)
        if self._gate:
            self._gate.open(listening, guarded)
        else:
            self._server = await asyncio.get_running_loop().create_server(guarded, sock=listening)
        return "{}:{}".format(*listening.getsockname()[:2])

    def stop_accepting(self) -> None:
        """Closes the port; connections that are open stay."""
        if self._gate:
            self._gate.stop_accepting()
        if self._server:
            self._server.close()

    async def close(self) -> None:
        """Closes the port and what is left of the connections."""
        self.stop_accepting()
        if self._gate:
            await self._gate.close()
        await self._runner.cleanup()


def _bound(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family, _kind, _protocol, _name, place = socket.getaddrinfo(
        host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.create_server(place[:2], family=family, backlog=BACKLOG)
    listening.setblocking(False)
    return listening


def peer_of(request: web.Request, policy: DoorPolicy) -> tuple[PeerIdentity, VerifyingKey]:
    """Who is at the other end of a request's connection, by certificate. Raises NotAdmitted."""
    tls = _extra(request, "ssl_object")
    if tls is None:
        raise NotAdmitted(Refusal.NO_CERTIFICATE, None)
    certificate = peer_certificate(tls)
    return admits(policy, certificate), verifying_key(certificate)


def context_of(request: web.Request) -> ssl.SSLContext:
    """The context of a request's connection: it tells which certificate of ours the peer was shown."""
    tls: ssl.SSLObject = _extra(request, "ssl_object")
    return tls.context


def address_of(request: web.Request) -> str:
    """Where a request's connection comes from."""
    return request.remote or "-"


def _extra(request: web.Request, name: str) -> Any:
    return request.transport.get_extra_info(name) if request.transport else None

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
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, Refusal, admits
from jukinet_daemon.wire.envelope import VerifyingKey

log = structlog.get_logger()

HANDSHAKE_TIMEOUT_S = 10.0
KEEPALIVE_S = 15.0
SHUTDOWN_TIMEOUT_S = 10.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NO_FAULT_OF_TLS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLZeroReturnError, ssl.SSLEOFError)


class _WatchedTls(ssl.SSLObject):
    """TLS of one connection that logs why it broke, which asyncio keeps to itself."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLError as fault:
            _log_tls("handshake", fault)
            raise

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - the name of the base class
        try:
            return super().read(len, buffer) if buffer is not None else super().read(len)
        except ssl.SSLError as fault:
            _log_tls("reading", fault)
            raise


def _log_tls(stage: str, fault: ssl.SSLError) -> None:
    if not isinstance(fault, _NO_FAULT_OF_TLS):
        log.warning("tls_broke", stage=stage, reason=fault.reason)


class _HttpLog:
    """Takes what aiohttp would log with tracebacks and the bytes that came, and logs it without them."""

    def debug(self, _message: str, *_args: object, exc_info: object = None) -> None:
        if isinstance(exc_info, HttpProcessingError):
            self.exception(_message, exc_info=exc_info)

    def exception(self, _message: str, *_args: object, exc_info: object = None) -> None:
        if isinstance(exc_info, HttpProcessingError):
            log.warning("request_unreadable", fault=type(exc_info).__name__)
        else:
            log.error("request_tripped", fault=type(exc_info).__name__)


class Listener:
    """One listening port and the application behind it."""

    def __init__(self, application: web.Application, context: ssl.SSLContext | None = None) -> None:
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=_HttpLog(),
            keepalive_timeout=KEEPALIVE_S,
            shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )
        if context:
            context.sslobject_class = _WatchedTls
        self._context = context
        self._server: asyncio.Server | None = None

    async def open(self, address: str, passed: socket.socket | None = None) -> str:
        """Listens on HOST:PORT (port 0: any free one), or on a socket that was passed and listens already.

        Gives the address it got. Raises OSError.
        """
        await self._runner.setup()
        host, _, port = address.rpartition(":")
        where: dict[str, Any] = {"sock": passed} if passed else {"host": host, "port": int(port)}
        loop = asyncio.get_running_loop()
        handler = self._runner.server
        assert handler is not None  # noqa: S101 - setup() makes it
        self._server = await loop.create_server(
            handler,
            **where,
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

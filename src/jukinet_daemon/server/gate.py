"""門: the TLS entrance of a door. It knows who is inside, tells why one was refused, and can put one out."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import structlog
from cryptography import x509

from jukinet_daemon.credentials import Own
from jukinet_daemon.pki.peer import IdentityError, identity_of
from jukinet_daemon.pki.refusal import Refusal, refusal_in
from jukinet_daemon.pki.standing import Standing
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import NotAdmitted
from jukinet_daemon.service.refused import RefusedPeers

log = structlog.get_logger()

HANDSHAKE_TIMEOUT_S = 10.0
TLS_SHUTDOWN_TIMEOUT_S = 5.0
# Where no more connections can be taken (too many open files), trying at once again would only burn the loop.
ACCEPT_PAUSE_S = 0.5

_NO_FAULT_OF_TLS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLZeroReturnError, ssl.SSLEOFError)


@dataclass(frozen=True, slots=True)
class Inside:
    """A connection that came through the handshake: whose, from where, under our certificate until when."""

    certificate: x509.Certificate
    address: str
    own_until: datetime | None

    @property
    def uri(self) -> str | None:
        """Who it is, if it is anybody."""
        try:
            return identity_of(self.certificate).uri
        except IdentityError:
            return None


class Gate:
    """The TLS entrance of one door. What `renew` gives counts from the next handshake."""

    def __init__(
        self,
        door: str,
        context: ssl.SSLContext,
        refused: RefusedPeers | None = None,
        own_until: datetime | None = None,
    ) -> None:
        self.door = door
        self._refused = refused
        self._accepting: asyncio.Task[None] | None = None
        self._entering: set[asyncio.Task[None]] = set()
        self._inside: dict[asyncio.Transport, Inside] = {}
        self._use(context, own_until)

    def renew(self, own: Own) -> None:
        """Uses what the files say now, from the next handshake on."""
        self._use(own.server, own.until)

    def _use(self, context: ssl.SSLContext, own_until: datetime | None) -> None:
        context.sslobject_class = _WatchedTls
        self._context = context
        self._own_until = own_until

    def open(self, listening: socket.socket, application: Callable[[], asyncio.Protocol]) -> None:
        """Lets in who connects to a listening socket; the application gets who came through the handshake."""
        self._accepting = asyncio.create_task(self._accept(listening, application))

    def stop_accepting(self) -> None:
        """Closes the port; who is inside stays."""
        if self._accepting:
            self._accepting.cancel()

    @property
    def inside(self) -> tuple[Inside, ...]:
        """Who is connected now."""
        return tuple(self._open().values())

    def sweep(self, standing: Standing, now: datetime) -> None:
        """Cuts every connection whose peer is trusted no longer, or whose certificate of ours has ended."""
        for transport, entry in self._open().items():
            reason = standing.lost_by(entry.certificate, now)
            if reason:
                self._refuse(reason, entry.address, entry.uri)
            elif entry.own_until and now > entry.own_until:
                log.info("line_outlived_certificate", door=self.door, peer=entry.uri)
            else:
                continue
            transport.abort()

    async def close(self) -> None:
        """Closes the port and ends the handshakes that are under way."""
        self.stop_accepting()
        under_way = [*self._entering, *([self._accepting] if self._accepting else [])]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _open(self) -> dict[asyncio.Transport, Inside]:
        self._inside = {
            transport: entry for transport, entry in self._inside.items() if not transport.is_closing()
        }
        return self._inside

    def _refuse(self, reason: Refusal, address: str, peer: str | None) -> None:
        if self._refused:
            self._refused.note(self.door, reason, address, peer)
        else:
            log.warning("peer_refused", door=self.door, reason=reason, peer=peer, address=address)

    async def _accept(self, listening: socket.socket, application: Callable[[], asyncio.Protocol]) -> None:
        # The handshake is not left to a server of the loop: that keeps to itself who failed in it, and why.
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                try:
                    connection, address = await loop.sock_accept(listening)
                except OSError as fault:
                    log.error("accept_failed", door=self.door, fault=fault.strerror)
                    await asyncio.sleep(ACCEPT_PAUSE_S)
                    continue
                task = loop.create_task(self._shake_hands(connection, str(address[0]), application))
                self._entering.add(task)
                task.add_done_callback(self._entering.discard)

    async def _shake_hands(
        self, connection: socket.socket, address: str, application: Callable[[], asyncio.Protocol]
    ) -> None:
        own_until = self._own_until
        try:
            transport, _protocol = await asyncio.get_running_loop().connect_accepted_socket(
                application,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
                ssl_shutdown_timeout=TLS_SHUTDOWN_TIMEOUT_S,
            )
        except ssl.SSLError as fault:
            self._broke(fault, address)
        except ConnectionAbortedError:
            log.warning("tls_broke", door=self.door, stage="handshake", reason="TIMEOUT", address=address)
        except OSError:
            pass  # it came and went
        except Exception as fault:
            log.error("handshake_tripped", door=self.door, fault=type(fault).__name__)
        else:
            self._let_in(transport, address, own_until)

    def _let_in(self, transport: asyncio.BaseTransport, address: str, own_until: datetime | None) -> None:
        tls = transport.get_extra_info("ssl_object")
        # A certificate that cannot be read names nobody: the door turns it away by itself.
        with suppress(NotAdmitted):
            inner = cast("asyncio.Transport", transport)  # uvloop's is one by its methods, not by its class
            self._inside[inner] = Inside(peer_certificate(tls), address, own_until)

    def _broke(self, fault: ssl.SSLError, address: str) -> None:
        refusal = refusal_in(fault)
        if refusal:
            self._refuse(refusal, address, None)
        elif not isinstance(fault, _NO_FAULT_OF_TLS):
            log.warning("tls_broke", door=self.door, stage="handshake", reason=fault.reason, address=address)


class _WatchedTls(ssl.SSLObject):
    """TLS of one connection that logs why it broke after the handshake, which asyncio keeps to itself."""

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - the name of the base class
        try:
            return super().read(len, buffer) if buffer is not None else super().read(len)
        except ssl.SSLError as fault:
            if not isinstance(fault, _NO_FAULT_OF_TLS):
                log.warning("tls_broke", stage="reading", reason=fault.reason)
            raise

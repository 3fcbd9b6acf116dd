"""門: the TLS entrance of a door. It knows who is inside, tells why one was refused, and can put one out."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast

import structlog
from cryptography import x509

from jukinet_daemon.credentials import Own
from jukinet_daemon.pki.refusal import Refusal, refusal_in
from jukinet_daemon.pki.standing import Standing
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import NotAdmitted
from jukinet_daemon.server.entrance import PACE_S, Entrance
from jukinet_daemon.server.handshake import Handshakes, HandshakeTooLong, ShakenTls, part
from jukinet_daemon.service.refused import RefusedPeers

log = structlog.get_logger()

# From its turn on: so a crowd that came at one moment does not end at one moment, which would halt the loop.
# With the longest wait for a turn (server/entrance.py) and the request that follows (server/guard.py) less
# than ten seconds.
HANDSHAKE_TIMEOUT_S = 3.0
# A CS holds one connection, or a few while it comes back; more are no use to it.
MOST_OF_A_PEER = 32
# What the kernel keeps for a peer that does not read (it doubles the figure).
SEND_BUFFER_BYTES = 64 * 1024
TLS_SHUTDOWN_TIMEOUT_S = 5.0

_NO_FAULT_OF_TLS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLZeroReturnError, ssl.SSLEOFError)


@dataclass(frozen=True, slots=True)
class Inside:
    """A connection that came through the handshake: whose, from where, under our certificate until when."""

    certificate: x509.Certificate
    address: str
    own_until: datetime | None
    uri: str | None


class Gate:
    """The TLS entrance of one door. What `renew` gives counts from the next handshake."""

    def __init__(
        self,
        door: str,
        context: ssl.SSLContext,
        refused: RefusedPeers | None = None,
        own_until: datetime | None = None,
        pace_s: float = PACE_S,
    ) -> None:
        self.door = door
        self._pace_s = pace_s
        self._refused = refused
        self._entrance: Entrance | None = None
        self._handshakes = Handshakes(door)
        # Each peer's connections.
        self._inside: dict[str | None, dict[asyncio.Transport, Inside]] = {}
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
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        shake = partial(self._shake_hands, application)
        self._entrance = Entrance(self.door, listening, shake, self._crowds, self._pace_s)

    def stop_accepting(self) -> None:
        """Closes the port; who is inside stays."""
        if self._entrance:
            self._entrance.stop_accepting()

    @property
    def inside(self) -> tuple[Inside, ...]:
        """Who is connected now."""
        return tuple(entry for _transport, entry in self._open())

    def sweep(self, standing: Standing, now: datetime) -> None:
        """Cuts every connection whose peer is trusted no longer, or whose certificate of ours has ended."""
        for transport, entry in self._open():
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
        if self._entrance:
            await self._entrance.close()
        self._handshakes.close()

    def _open(self) -> list[tuple[asyncio.Transport, Inside]]:
        still = ((uri, self._open_of(uri)) for uri in self._inside)
        self._inside = {uri: connections for uri, connections in still if connections}
        return [entry for connections in self._inside.values() for entry in connections.items()]

    def _open_of(self, uri: str | None) -> dict[asyncio.Transport, Inside]:
        connections = self._inside.get(uri, {})
        return {transport: entry for transport, entry in connections.items() if not transport.is_closing()}

    def _refuse(self, reason: Refusal, address: str, peer: str | None) -> None:
        if self._refused:
            self._refused.note(self.door, reason, address, peer)
        else:
            log.warning("peer_refused", door=self.door, reason=reason, peer=peer, address=address)

    def _crowds(self, address: str) -> None:
        self._refuse(Refusal.CROWDING, address, None)

    async def _shake_hands(
        self, application: Callable[[], asyncio.Protocol], connection: socket.socket, address: str
    ) -> None:
        own_until = self._own_until
        shaken: ssl.SSLContext | None = None
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                shaken = await self._handshakes.shake(connection, self._context)
            transport, _protocol = await asyncio.get_running_loop().connect_accepted_socket(
                application, connection, ssl=shaken, ssl_shutdown_timeout=TLS_SHUTDOWN_TIMEOUT_S
            )
        except ssl.SSLError as fault:
            self._broke(fault, address)
            if not shaken:
                await part(connection)
        except HandshakeTooLong:
            self._tell_broken("TOO_LONG", address)
        except TimeoutError:
            self._tell_broken("TIMEOUT", address)
        except OSError:
            pass  # it came and went
        except Exception as fault:
            log.error("handshake_tripped", door=self.door, fault=type(fault).__name__)
        else:
            self._let_in(transport, address, own_until)
            return
        connection.close()

    def _let_in(self, transport: asyncio.BaseTransport, address: str, own_until: datetime | None) -> None:
        tls = transport.get_extra_info("ssl_object")
        # A certificate that cannot be read names nobody: the door turns it away by itself. A connection that
        # broke just behind its handshake has none to show.
        with suppress(NotAdmitted, ValueError):
            certificate = peer_certificate(tls)
            uri = tls.who.peer  # its guard has met it already (server/guard.py)
            inner = cast("asyncio.Transport", transport)  # uvloop's is one by its methods, not by its class
            others = self._open_of(uri)
            if len(others) >= MOST_OF_A_PEER:
                self._refuse(Refusal.CROWDING, address, uri)
                inner.abort()
            else:
                others[inner] = Inside(certificate, address, own_until, uri)
            self._inside[uri] = others

    def _broke(self, fault: ssl.SSLError, address: str) -> None:
        refusal = refusal_in(fault)
        if refusal:
            self._refuse(refusal, address, None)
        elif not isinstance(fault, _NO_FAULT_OF_TLS):
            self._tell_broken(fault.reason, address)

    def _tell_broken(self, reason: str | None, address: str) -> None:
        log.warning("tls_broke", door=self.door, stage="handshake", reason=reason, address=address)


class _WatchedTls(ShakenTls):
    """TLS of one connection that logs why it broke after the handshake, which asyncio keeps to itself."""

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - the name of the base class
        try:
            return super().read(len, buffer) if buffer is not None else super().read(len)
        except ssl.SSLError as fault:
            if not isinstance(fault, _NO_FAULT_OF_TLS):
                log.warning(
                    "tls_broke",
                    door=self.who.door,
                    stage="reading",
                    reason=fault.reason,
                    address=self.who.address,
                    peer=self.who.peer,
                )
            raise

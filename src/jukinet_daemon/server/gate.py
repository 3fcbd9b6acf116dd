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
from jukinet_daemon.server.porch import Porch
from jukinet_daemon.service.refused import RefusedPeers

log = structlog.get_logger()

# From the accept on, the wait for its turn included: with the request that follows (server/guard.py) less
# than ten seconds. Whose turn came late still has a little.
HANDSHAKE_TIMEOUT_S = 5.0
LEAST_TIMEOUT_S = 1.0
# One handshake is begun in so many seconds: it costs four milliseconds of the loop, and a crowd of them must
# leave it to those who are inside.
PACE_S = 0.02
# So many more are taken from the kernel before the loop goes on: whoever is not taken waits there, unseen.
MOST_AT_ONCE = 4
# A CS holds one connection, or a few while it comes back; more are no use to it.
MOST_OF_A_PEER = 32
# What the kernel keeps for a peer that does not read (it doubles the figure).
SEND_BUFFER_BYTES = 64 * 1024
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
    uri: str | None


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
        self._porch = Porch()
        self._turns = asyncio.Lock()
        self._next_turn = 0.0
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
        self._accepting = asyncio.create_task(self._accept(listening, application))

    def stop_accepting(self) -> None:
        """Closes the port; who is inside stays."""
        if self._accepting:
            self._accepting.cancel()

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
        self.stop_accepting()
        if self._accepting:
            await asyncio.gather(self._accepting, return_exceptions=True)
        await self._porch.clear()

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

    async def _accept(self, listening: socket.socket, application: Callable[[], asyncio.Protocol]) -> None:
        # The handshake is not left to a server of the loop: that keeps to itself who failed in it, and why.
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                try:
                    self._meet(*await loop.sock_accept(listening), application)
                    for _ in range(MOST_AT_ONCE):
                        self._meet(*listening.accept(), application)
                except BlockingIOError:
                    continue
                except OSError as fault:
                    log.error("accept_failed", door=self.door, fault=fault.strerror)
                    await asyncio.sleep(ACCEPT_PAUSE_S)
                # An accept does not wait while anybody knocks: the rest of the loop has its turn in between.
                await asyncio.sleep(0)

    def _meet(
        self, connection: socket.socket, place: tuple[Any, ...], application: Callable[[], asyncio.Protocol]
    ) -> None:
        address = str(place[0])
        connection.setblocking(False)
        if self._porch.make_room(address):
            shaking = self._shake_hands(connection, address, application)
            self._porch.enter(address, asyncio.get_running_loop().create_task(shaking))
        else:
            connection.close()
            self._refuse(Refusal.CROWDING, address, None)

    async def _turn(self) -> float:
        """Waits for the turn of one more handshake; gives the seconds left for it.

        Whoever gives way while it waits leaves no gap: the turn goes to the next.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + HANDSHAKE_TIMEOUT_S
        async with self._turns:
            await asyncio.sleep(self._next_turn - loop.time())
            self._next_turn = loop.time() + PACE_S
        return max(until - loop.time(), LEAST_TIMEOUT_S)

    async def _shake_hands(
        self, connection: socket.socket, address: str, application: Callable[[], asyncio.Protocol]
    ) -> None:
        try:
            left = await self._turn()
            own_until = self._own_until
            transport, _protocol = await asyncio.get_running_loop().connect_accepted_socket(
                application,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=left,
                ssl_shutdown_timeout=TLS_SHUTDOWN_TIMEOUT_S,
            )
        except ssl.SSLError as fault:
            self._broke(fault, address)
        except ConnectionAbortedError:
            log.warning("tls_broke", door=self.door, stage="handshake", reason="TIMEOUT", address=address)
        except OSError:
            pass  # it came and went
        except asyncio.CancelledError:
            connection.close()
            raise
        except Exception as fault:
            log.error("handshake_tripped", door=self.door, fault=type(fault).__name__)
        else:
            self._let_in(transport, address, own_until)

    def _let_in(self, transport: asyncio.BaseTransport, address: str, own_until: datetime | None) -> None:
        tls = transport.get_extra_info("ssl_object")
        # A certificate that cannot be read names nobody: the door turns it away by itself. A connection that
        # broke just behind its handshake has none to show.
        with suppress(NotAdmitted, ValueError):
            certificate = peer_certificate(tls)
            uri = _named(certificate)
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
            log.warning("tls_broke", door=self.door, stage="handshake", reason=fault.reason, address=address)


def _named(certificate: x509.Certificate) -> str | None:
    try:
        return identity_of(certificate).uri
    except IdentityError:
        return None


class _WatchedTls(ssl.SSLObject):
    """TLS of one connection that logs why it broke after the handshake, which asyncio keeps to itself."""

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - the name of the base class
        try:
            return super().read(len, buffer) if buffer is not None else super().read(len)
        except ssl.SSLError as fault:
            if not isinstance(fault, _NO_FAULT_OF_TLS):
                log.warning("tls_broke", stage="reading", reason=fault.reason)
            raise

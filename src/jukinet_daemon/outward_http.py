"""問い合わせ: one signed question over HTTP, to a server whose identity is known before a byte is sent."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from cryptography import x509

from jukinet_daemon.credentials import Credentials, Own
from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.standing import Standing
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, admits
from jukinet_daemon.service.bridge_case import Exchanged, PeerUnreachable
from jukinet_daemon.wire.bridge import MAX_BRIDGE_BYTES
from jukinet_daemon.wire.envelope import SignatureFault, VerifyingKey, digest_of, seal, unseal

CONTENT_TYPE = "application/jose"
# Less than a door waits for the next request on a connection (server/guard.py, server/listener.py), so that
# none is used that is just being closed: a question whose connection breaks is lost for good.
KEEPALIVE_S = 2.0
_TIMEOUT = aiohttp.ClientTimeout(total=60.0, sock_connect=10.0)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and who must be there."""

    url: str
    policy: DoorPolicy


@dataclass(frozen=True, slots=True)
class _Peer:
    """Who was admitted: its certificate, its key, and the connections that lead to it."""

    certificate: x509.Certificate
    key: VerifyingKey
    connections: WeakSet[ResponseHandler] = field(default_factory=WeakSet)


class Inquirer:
    """The calling side of a question and its answer.

    Each question goes under what the credentials say then, on a connection of that certificate; one under
    way is not disturbed by a renewal. `sweep` takes back the trust in a peer whose certificate no longer
    holds, and its connections with it. `fault`: why the last question was not answered; None when it was, or
    when none was put yet.
    """

    def __init__(self, address: Address, credentials: Credentials) -> None:
        self._address = address
        self._credentials = credentials
        self._peers: dict[str, _Peer] = {}
        self._session: aiohttp.ClientSession | None = None
        self.fault: str | None = None

    def renew(self, _own: Own) -> None:
        """Nothing to do: a connection of another certificate is not taken for the next question."""

    def sweep(self, standing: Standing, now: datetime) -> None:
        """Forgets a peer that is trusted no longer; the next question begins with a handshake."""
        lost = [thumb for thumb, peer in self._peers.items() if standing.lost_by(peer.certificate, now)]
        for thumb in lost:
            for connection in tuple(self._peers.pop(thumb).connections):
                connection.abort()

    async def exchange(self, payload: bytes, kind: str, reply_kind: str) -> Exchanged:
        """Signs and sends a payload; gives the answer, signed by the peer. Raises PeerUnreachable."""
        try:
            answer = await self._exchange(payload, kind, reply_kind)
        except PeerUnreachable as fault:
            self.fault = str(fault)
            raise
        self.fault = None
        return answer

    async def _exchange(self, payload: bytes, kind: str, reply_kind: str) -> Exchanged:
        own = self._credentials.own
        signed = seal(payload, kind, own.key)
        reply = await self._post(own, signed)
        for peer in self._peers.values():
            with suppress(SignatureFault):
                return Exchanged(unseal(reply, reply_kind, peer.key), digest_of(signed))
        raise PeerUnreachable("the answer is not signed by the peer")

    async def close(self) -> None:
        """Closes the connections."""
        if self._session:
            await self._session.close()

    async def _post(self, own: Own, signed: str) -> str:
        headers = {"Content-Type": CONTENT_TYPE}
        try:
            async with self._ready().post(
                self._address.url,
                data=signed.encode("ascii"),
                headers=headers,
                allow_redirects=False,
                ssl=own.client,
            ) as answer:
                body = await answer.content.read(MAX_BRIDGE_BYTES + 1)
                while chunk := await answer.content.read(MAX_BRIDGE_BYTES + 1 - len(body)):
                    body += chunk
                if answer.status != 200 or len(body) > MAX_BRIDGE_BYTES:
                    raise PeerUnreachable(f"answered with status {answer.status}")
                return body.decode("ascii")
        except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError) as fault:
            raise PeerUnreachable(f"cannot be asked: {type(fault).__name__}") from None

    def _ready(self) -> aiohttp.ClientSession:
        # Without an await between look and making: two questions at once must not make two.
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=2, keepalive_timeout=KEEPALIVE_S)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=_TIMEOUT, request_class=_only(self._admit)
            )
        return self._session

    def _admit(self, connection: ResponseHandler) -> None:
        assert connection.transport is not None  # noqa: S101 - aiohttp hands out open connections only
        try:
            certificate = peer_certificate(connection.transport.get_extra_info("ssl_object"))
            admits(self._address.policy, certificate)
            key = verifying_key(certificate)
        except NotAdmitted as refusal:
            raise PeerUnreachable(f"is not who it must be: {refusal.reason}") from None
        self._peers.setdefault(key.thumbprint, _Peer(certificate, key)).connections.add(connection)


def _only(admit: Callable[[ResponseHandler], None]) -> type[aiohttp.ClientRequest]:
    """A request that goes to nobody whom `admit` does not let pass: before a byte of it is sent."""

    class _Guarded(aiohttp.ClientRequest):
        async def send(self, conn: Connection) -> aiohttp.ClientResponse:
            assert conn.protocol is not None  # noqa: S101 - it was given out a moment ago
            admit(conn.protocol)
            return await super().send(conn)

    return _Guarded

"""問い合わせ: one signed question over HTTP, to a server whose identity is known before a byte is sent."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from cryptography import x509

from jukinet_daemon.credentials import Credentials, Own
from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.standing import Standing
from jukinet_daemon.pki.tls import client_context, peer_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, admits
from jukinet_daemon.service.bridge_case import Exchanged, PeerUnreachable
from jukinet_daemon.wire.bridge import MAX_BRIDGE_BYTES
from jukinet_daemon.wire.envelope import SignatureFault, VerifyingKey, digest_of, seal, unseal

CONTENT_TYPE = "application/jose"
# Less than a door waits for the next request on a connection (server/guard.py, server/listener.py), so that
# none is used that is just being closed: a question whose connection breaks is lost for good.
KEEPALIVE_S = 5.0
_TIMEOUT = aiohttp.ClientTimeout(total=60.0, sock_connect=10.0)


class _NotThePeer(ssl.SSLError):
    """The handshake was with somebody else; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and who must be there."""

    url: str
    policy: DoorPolicy


class Inquirer:
    """The calling side of a question and its answer.

    Each question goes under what the credentials say then; `sweep` takes back the trust in a peer whose
    certificate no longer holds, and its connections with it. `fault`: why the last question was not answered;
    None when it was, or when none was put yet.
    """

    def __init__(self, address: Address, credentials: Credentials) -> None:
        self._address = address
        self._credentials = credentials
        self._peers: dict[str, tuple[x509.Certificate, VerifyingKey]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._stale = True
        self.fault: str | None = None

    def renew(self, _own: Own) -> None:
        """Uses what the files say now, from the next question on."""
        self._stale = True

    def sweep(self, standing: Standing, now: datetime) -> None:
        """Forgets a peer that is trusted no longer; the next question begins with a handshake."""
        held = {thumb: peer for thumb, peer in self._peers.items() if standing.lost_by(peer[0], now) is None}
        if len(held) < len(self._peers):
            self._peers, self._stale = held, True

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
        session = await self._ready()
        signed = seal(payload, kind, self._credentials.own.key)
        reply = await self._post(session, signed)
        for _certificate, key in self._peers.values():
            with suppress(SignatureFault):
                return Exchanged(unseal(reply, reply_kind, key), digest_of(signed))
        raise PeerUnreachable("the answer is not signed by the peer")

    async def close(self) -> None:
        """Closes the connections."""
        if self._session:
            await self._session.close()

    async def _post(self, session: aiohttp.ClientSession, signed: str) -> str:
        headers = {"Content-Type": CONTENT_TYPE}
        try:
            async with session.post(
                self._address.url, data=signed.encode("ascii"), headers=headers, allow_redirects=False
            ) as answer:
                body = await answer.content.read(MAX_BRIDGE_BYTES + 1)
                while chunk := await answer.content.read(MAX_BRIDGE_BYTES + 1 - len(body)):
                    body += chunk
                if answer.status != 200 or len(body) > MAX_BRIDGE_BYTES:
                    raise PeerUnreachable(f"answered with status {answer.status}")
                return body.decode("ascii")
        except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError) as fault:
            raise PeerUnreachable(f"cannot be asked: {type(fault).__name__}") from None

    async def _ready(self) -> aiohttp.ClientSession:
        if self._session is None or self._stale:
            await self.close()
            # A context of this line alone, since it admits nobody but this peer.
            context = client_context(self._credentials.files)
            context.sslobject_class = _only(self._address.policy, self._admitted)
            connector = aiohttp.TCPConnector(ssl=context, limit=2, keepalive_timeout=KEEPALIVE_S)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
            self._stale = False
        return self._session

    def _admitted(self, certificate: x509.Certificate) -> None:
        key = verifying_key(certificate)
        self._peers[key.thumbprint] = (certificate, key)


def _only(policy: DoorPolicy, admitted: Callable[[x509.Certificate], None]) -> type[ssl.SSLObject]:
    """A TLS end that breaks the handshake off with anybody whom the policy does not admit."""

    class _Guarded(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            try:
                certificate = peer_certificate(self)
                admits(policy, certificate)
                admitted(certificate)
            except NotAdmitted as refusal:
                raise _NotThePeer(f"is not who it must be: {refusal.reason}") from None

    return _Guarded

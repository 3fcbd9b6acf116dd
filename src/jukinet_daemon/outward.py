"""呼び出し: the calling side of a signed conversation, used by the relay and by the simulated CS."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, admits
from jukinet_daemon.wire.envelope import (
    MAX_SIGNED_BYTES,
    REPLY_TYPE,
    SignatureFault,
    SigningKey,
    VerifyingKey,
    unseal,
)
from jukinet_daemon.wire.reply import ReplyFault, ReplyMessage, read_reply

HEARTBEAT_S = 20.0
CONNECT_TIMEOUT_S = 10.0


class PeerFault(Exception):
    """The peer cannot be reached, is not who it must be, or broke off. Send again later."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who we are on an outgoing line, and whom we accept at its other end."""

    context: ssl.SSLContext
    policy: DoorPolicy
    key: SigningKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A reply as it came, with its signature verified: what it says and the signed text itself."""

    reply: ReplyMessage
    signed: str = field(repr=False)


class Conversation:
    """An open line to a peer whose identity has been checked. Replies come in the order of the parcels."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, key: VerifyingKey) -> None:
        self._socket = socket
        self._key = key

    async def send(self, signed: str) -> None:
        """Sends a signed parcel. Raises PeerFault."""
        try:
            await self._socket.send_str(signed)
        except (aiohttp.ClientError, ConnectionError) as fault:
            raise PeerFault(f"the line broke: {type(fault).__name__}") from None

    async def receive(self) -> Receipt:
        """Waits for the next reply. Raises PeerFault when the line ends or the reply is not the peer's."""
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise PeerFault(f"the line ended: {self._socket.close_code}")
        try:
            return Receipt(read_reply(unseal(message.data, REPLY_TYPE, self._key)), message.data)
        except (SignatureFault, ReplyFault) as fault:
            raise PeerFault(f"the reply cannot be trusted: {fault}") from None


@asynccontextmanager
async def call(url: str, caller: Caller) -> AsyncIterator[Conversation]:
    """Opens a conversation with the peer at a wss URL, once it is known. Raises PeerFault."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            socket = await session.ws_connect(
                url, ssl=caller.context, compress=0, heartbeat=HEARTBEAT_S, max_msg_size=MAX_SIGNED_BYTES
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as fault:
            raise PeerFault(f"cannot be reached: {type(fault).__name__}") from None
        async with socket:
            yield Conversation(socket, _verified(socket, caller.policy))


def _verified(socket: aiohttp.ClientWebSocketResponse, policy: DoorPolicy) -> VerifyingKey:
    try:
        certificate = peer_certificate(socket.get_extra_info("ssl_object"))
        admits(policy, certificate)
        return verifying_key(certificate)
    except NotAdmitted as refusal:
        raise PeerFault(f"is not who it must be: {refusal.reason}") from None

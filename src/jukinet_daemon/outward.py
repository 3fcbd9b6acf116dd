"""呼び出し: the calling side of a signed conversation, used by the relay and by the simulated CS."""

import asyncio
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
    """An open line to a peer whose identity has been checked. Replies come in the order of the parcels.

    The socket is read all the time, so that the peer's pings are answered while nobody waits for a reply;
    `lost` is set when the line has ended.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, key: VerifyingKey) -> None:
        self._socket = socket
        self._key = key
        self._messages: asyncio.Queue[aiohttp.WSMessage] = asyncio.Queue()
        self.lost = asyncio.Event()

    async def listen(self) -> None:
        """Reads until the line ends."""
        while not self.lost.is_set():
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                self.lost.set()
            self._messages.put_nowait(message)

    async def send(self, signed: str) -> None:
        """Sends a signed parcel. Raises PeerFault."""
        try:
            await self._socket.send_str(signed)
        except (aiohttp.ClientError, ConnectionError) as fault:
            raise PeerFault(f"the line broke: {type(fault).__name__}") from None

    async def receive(self) -> Receipt:
        """Waits for the next reply. Raises PeerFault when the line ends or the reply is not the peer's."""
        message = await self._messages.get()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise PeerFault(f"the line ended: {self._socket.close_code}")
        try:
            return Receipt(read_reply(unseal(message.data, REPLY_TYPE, self._key)), message.data)
        except (SignatureFault, ReplyFault) as fault:
            raise PeerFault(f"the reply cannot be trusted: {fault}") from None

    async def idle(self, until: asyncio.Event, seconds: float | None = None) -> None:
        """Waits for an event, so many seconds at most. Raises PeerFault when the line ends meanwhile."""
        waits = {asyncio.create_task(event.wait()) for event in (until, self.lost)}
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if self.lost.is_set():
            raise PeerFault(f"the line ended: {self._socket.close_code}")


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
            conversation = Conversation(socket, _verified(socket, caller.policy))
            listening = asyncio.create_task(conversation.listen())
            try:
                yield conversation
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)


def _verified(socket: aiohttp.ClientWebSocketResponse, policy: DoorPolicy) -> VerifyingKey:
    try:
        certificate = peer_certificate(socket.get_extra_info("ssl_object"))
        admits(policy, certificate)
        return verifying_key(certificate)
    except NotAdmitted as refusal:
        raise PeerFault(f"is not who it must be: {refusal.reason}") from None

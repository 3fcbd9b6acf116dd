"""呼び出し: the calling side of a signed conversation, used by the relay and by the simulated CS."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import unquote

import aiohttp
from cryptography import x509

from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.refusal import Refusal, alert_in, refusal_in
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
# From the first packet to the open line: a server that takes the connection and says nothing is given up.
OPEN_TIMEOUT_S = 30.0
# For the peer to say goodbye in its turn: aiohttp would listen to one that keeps talking instead for ever.
CLOSE_TIMEOUT_S = 3.0
# What a server that takes nothing for a while wants people to read, percent-encoded (RFC 3986) UTF-8.
NOTICE_HEADER = "Jukinet-Notice"


class PeerFault(Exception):
    """The peer cannot be reached, is not who it must be, or broke off. Send again later.

    `refusal` says why its certificate was not taken, if that was it; `notice` is what it wants people to
    read: the peer's own text, which goes into no log.
    """

    def __init__(
        self, text: str, refusal: Refusal | None = None, peer: str | None = None, notice: str = ""
    ) -> None:
        super().__init__(text)
        self.notice = notice
        self.refusal = refusal
        self.peer = peer


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
    `lost` is set when the line has ended. A peer that says more than it was asked is cut off: what
    nobody waits for must not fill the memory.
    """

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, certificate: x509.Certificate, key: VerifyingKey
    ) -> None:
        self._socket = socket
        self.certificate = certificate
        self._key = key
        self._cut: str | None = None
        self._unanswered = 0
        self._messages: asyncio.Queue[aiohttp.WSMessage] = asyncio.Queue()
        self.lost = asyncio.Event()

    async def listen(self) -> None:
        """Reads until the line ends."""
        while not self.lost.is_set():
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                self.lost.set()
            elif self._messages.qsize() >= self._unanswered:
                self.cut("more replies than parcels")
            self._messages.put_nowait(message)

    def cut(self, why: str) -> None:
        """Ends the line from our side: nothing more is sent, and nothing that came is believed."""
        self._cut = why
        self.lost.set()
        self._messages.put_nowait(aiohttp.WSMessage(aiohttp.WSMsgType.CLOSED, None, None))

    async def send(self, signed: str) -> None:
        """Sends a signed parcel. Raises PeerFault."""
        self._require_line()
        self._unanswered += 1
        try:
            await self._socket.send_str(signed)
        except (aiohttp.ClientError, ConnectionError) as fault:
            raise PeerFault(f"the line broke: {type(fault).__name__}") from None

    async def receive(self) -> Receipt:
        """Waits for the next reply. Raises PeerFault when the line ends or the reply is not the peer's."""
        message = await self._messages.get()
        self._unanswered -= 1
        self._require_line()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise self._ended(message)
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
        self._require_line()
        if self.lost.is_set():
            raise PeerFault(f"the line ended: {self._socket.close_code}")

    def _ended(self, message: aiohttp.WSMessage) -> PeerFault:
        notice = message.extra if message.type is aiohttp.WSMsgType.CLOSE and message.extra else ""
        return PeerFault(f"the line ended: {self._socket.close_code}", notice=notice)

    def _require_line(self) -> None:
        if self._cut:
            raise PeerFault(f"the line was cut: {self._cut}")


@asynccontextmanager
async def call(url: str, caller: Caller) -> AsyncIterator[Conversation]:
    """Opens a conversation with the peer at a wss URL, once it is known. Raises PeerFault."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                socket = await session.ws_connect(
                    url, ssl=caller.context, compress=0, heartbeat=HEARTBEAT_S, max_msg_size=MAX_SIGNED_BYTES
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as fault:
            raise _unreachable(fault) from None
        async with _closing(socket):
            conversation = Conversation(socket, *_verified(socket, caller.policy))
            listening = asyncio.create_task(conversation.listen())
            try:
                yield conversation
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def _closing(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[None]:
    """Closes a socket in good order if that goes quickly; its session ends what is left."""
    try:
        yield
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await socket.close()


def _unreachable(fault: Exception) -> PeerFault:
    if isinstance(fault, aiohttp.WSServerHandshakeError):
        notice = unquote(fault.headers.get(NOTICE_HEADER, "")) if fault.headers else ""
        return PeerFault(f"does not let us in: HTTP {fault.status}", notice=notice)
    tls: Exception | None = None
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        tls = fault.certificate_error
    elif isinstance(fault, aiohttp.ClientConnectorSSLError):
        tls = fault.os_error
    refusal = refusal_in(tls) if isinstance(tls, ssl.SSLError) else None
    if refusal:
        return PeerFault(f"is not who it must be: {refusal}", refusal)
    if alert := alert_in(fault.__cause__):
        return PeerFault(f"refuses us in the handshake: {alert}")
    number = fault.errno if isinstance(fault, OSError) else None
    why = os.strerror(number) if number and number > 0 else type(fault).__name__
    return PeerFault(f"cannot be reached: {why}")


def _verified(
    socket: aiohttp.ClientWebSocketResponse, policy: DoorPolicy
) -> tuple[x509.Certificate, VerifyingKey]:
    try:
        certificate = peer_certificate(socket.get_extra_info("ssl_object"))
        admits(policy, certificate)
        return certificate, verifying_key(certificate)
    except NotAdmitted as refusal:
        raise PeerFault(f"is not who it must be: {refusal.reason}", refusal.reason, refusal.named) from None

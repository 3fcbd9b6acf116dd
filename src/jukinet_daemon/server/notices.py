"""通知の戸口: municipal CS come in over WebSocket, hand over parcels and get signed replies in order."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import structlog
from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from jukinet_daemon.credentials import Credentials
from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.outcomes import OUTCOMES, Outcome, OutcomeClass
from jukinet_daemon.outward import NOTICE_HEADER
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted
from jukinet_daemon.server.listener import Handler, address_of, context_of, peer_of
from jukinet_daemon.server.replies import Replies
from jukinet_daemon.server.who import tell_refused
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.compare import Comparer
from jukinet_daemon.service.lanes import Answer, Arrival, Lanes, Line
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.numbers import Numbers
from jukinet_daemon.service.refuse import Refuser
from jukinet_daemon.service.refused import RefusedPeers
from jukinet_daemon.service.witness import Witnesses
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.wire.envelope import (
    MAX_SIGNED_BYTES,
    PARCEL_TYPE,
    REPLY_TYPE,
    TALLY_TYPE,
    SignatureFault,
    SigningKey,
    VerifyingKey,
    digest_of,
    seal,
    unseal,
)
from jukinet_daemon.wire.parcel import ParcelFault, read_parcel
from jukinet_daemon.wire.reply import ReplyHead, write_comparison, write_refusal, write_reply
from jukinet_daemon.wire.tally import Tally, TallyFault, read_tally

log = structlog.get_logger()

DOOR = "notices"
PATH = "/notices"
# A pong is read only when the socket is, and a full lane stops reading: be patient.
HEARTBEAT_S = 60.0

_REFUSALS = {code for code, outcome in OUTCOMES.items() if outcome.kind is OutcomeClass.REFUSED}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the door hands parcels to, and what it signs with."""

    register: str
    policy: DoorPolicy
    credentials: Credentials
    refused: RefusedPeers
    lanes: Lanes
    refuser: Refuser
    numbers: Numbers
    comparer: Comparer
    witnesses: Witnesses
    clock: Clock
    metrics: Metrics


class _AgainstProtocol(ConnectionError):
    """A frame that WebSocket does not allow or that is too long; the socket has closed with `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def _ended(reader: "asyncio.Task[None]") -> None:
    """Ends a reader: a socket that is still being read is closed without waiting, and its code can be lost.

    Raises what the reader tripped over.
    """
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    if not reader.cancelled():
        reader.result()


@dataclass(frozen=True, slots=True)
class _Peer:
    name: str
    key: VerifyingKey
    own: SigningKey = field(repr=False)
    line: Line


_PEER = web.RequestKey("peer", _Peer)


class NoticesDoor:
    """The door's handler; remembers its open conversations to end them well."""

    def __init__(self, desk: Desk, parcels_in_flight: int) -> None:
        self._desk = desk
        self._in_flight = parcels_in_flight
        # Each open conversation: the task of its handler, and that of its reader.
        self._conversations: dict[asyncio.Task[Any], asyncio.Task[None]] = {}
        self._draining = False
        self._paused: str | None = None

    @property
    def connections(self) -> int:
        """How many conversations are open."""
        return len(self._conversations)

    def application(self) -> web.Application:
        """The aiohttp application of this door."""
        application = web.Application(client_max_size=1024, middlewares=[self._admit])
        application.router.add_get(PATH, self.handle)
        return application

    async def drain(self, seconds: float) -> bool:
        """Takes nothing more, answers what was taken, closes each conversation as going away.

        Gives whether all ended within so many seconds.
        """
        self._draining = True
        for reader in self._conversations.values():
            reader.cancel()
        if not self._conversations:
            return True
        _done, pending = await asyncio.wait(set(self._conversations), timeout=seconds)
        return not pending

    def pause(self, notice: str | None) -> None:
        """Takes nothing new and tells peers why, answering what was taken; with None it takes work again."""
        self._paused = notice
        if notice:
            for reader in self._conversations.values():
                reader.cancel()

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # 2 the door: role and municipality come from the certificate, whatever is asked for
        try:
            identity, key = peer_of(request, self._desk.policy)
        except NotAdmitted as refusal:
            self._desk.refused.note(DOOR, refusal.reason, address_of(request), refusal.named)
            raise web.HTTPForbidden from None
        # The key of the certificate this peer was shown: a renewal changes nothing for it.
        own = self._desk.credentials.key_for(context_of(request))
        request[_PEER] = _Peer(identity.name, key, own, Line())
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            tell_refused(refusal.status)
            raise

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One conversation with a peer that was admitted, to its close."""
        if self._draining:
            raise web.HTTPServiceUnavailable
        if self._paused:
            raise web.HTTPServiceUnavailable(text=self._paused, headers={NOTICE_HEADER: quote(self._paused)})
        socket = web.WebSocketResponse(
            compress=False, heartbeat=HEARTBEAT_S, max_msg_size=MAX_SIGNED_BYTES, timeout=5.0
        )
        await socket.prepare(request)
        await self._converse(socket, request[_PEER])
        return socket

    async def _converse(self, socket: web.WebSocketResponse, peer: _Peer) -> None:
        replies = Replies(self._in_flight)
        reader = asyncio.create_task(self._read(socket, peer, replies))
        handler = asyncio.current_task()
        assert handler is not None  # noqa: S101 - a handler runs in a task
        self._conversations[handler] = reader
        if self._draining or self._paused:
            reader.cancel()
        self._desk.metrics.connections.labels(DOOR).inc()
        try:
            async for reply in replies:
                await socket.send_str(reply)
                if peer.line.broken:
                    break
            await _ended(reader)
            await socket.close(code=self._close_code(peer), message=(self._paused or "").encode())
        except ConnectionError as fault:
            code = fault.code if isinstance(fault, _AgainstProtocol) else WSCloseCode.ABNORMAL_CLOSURE
            log.info("line_broke", door=DOOR, sender=peer.name, close_code=code)
        except Exception as fault:
            log.error("conversation_tripped", door=DOOR, sender=peer.name, fault=type(fault).__name__)
            await socket.close(code=WSCloseCode.INTERNAL_ERROR)
        finally:
            del self._conversations[handler]
            self._desk.metrics.connections.labels(DOOR).dec()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            replies.abandon()

    def _close_code(self, peer: _Peer) -> WSCloseCode:
        if self._draining:
            return WSCloseCode.GOING_AWAY
        later = peer.line.broken or self._paused
        return WSCloseCode.TRY_AGAIN_LATER if later else WSCloseCode.OK

    async def _read(self, socket: web.WebSocketResponse, peer: _Peer, replies: Replies) -> None:
        try:
            while True:
                message = await socket.receive()
                if message.type is WSMsgType.TEXT:
                    await replies.add(await self._take(message.data, peer))
                elif message.type is WSMsgType.BINARY:
                    await replies.add(
                        self._refuse(peer, digest_of(message.data), None, outcomes.NOT_A_PARCEL, None)
                    )
                elif message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
                    raise _AgainstProtocol(message.data.code)
                elif message.type in (WSMsgType.CLOSED, WSMsgType.ERROR):
                    raise ConnectionResetError
                else:
                    return
        finally:
            replies.end()

    async def _take(self, signed: str, peer: _Peer) -> Coroutine[Any, Any, str]:
        """Opens an envelope and puts its parcel in the sender's lane; gives the reply to wait for."""
        # 3 the envelope
        digest = digest_of(signed)
        try:
            parcel = read_parcel(unseal(signed, PARCEL_TYPE, peer.key))
        except SignatureFault:
            return self._take_tally(signed, digest, peer)
        except ParcelFault as fault:
            return self._refuse(peer, digest, None, outcomes.NOT_A_PARCEL, fault.field)
        if parcel.sender != peer.name:
            return self._refuse(peer, digest, parcel.number, outcomes.SENDER_NOT_YOU, "sender")
        if parcel.register != self._desk.register:
            return self._refuse(peer, digest, parcel.number, outcomes.REGISTER_NOT_HERE, "register")
        # 4 the lane
        arrival = Arrival(parcel, signed, digest, peer.key.thumbprint, self._desk.clock(), peer.line)
        return self._answer(peer.own, arrival, await self._desk.lanes.put(arrival))

    def _take_tally(self, signed: str, digest: str, peer: _Peer) -> Coroutine[Any, Any, str]:
        """What is no parcel may be a tally; gives the reply to wait for."""
        try:
            tally = read_tally(unseal(signed, TALLY_TYPE, peer.key))
        except SignatureFault:
            return self._refuse(peer, digest, None, outcomes.SIGNATURE_BAD, None)
        except TallyFault as fault:
            return self._refuse(peer, digest, None, outcomes.NOT_A_PARCEL, fault.field)
        if tally.sender != peer.name:
            return self._refuse(peer, digest, None, outcomes.SENDER_NOT_YOU, "sender")
        if tally.register != self._desk.register:
            return self._refuse(peer, digest, None, outcomes.REGISTER_NOT_HERE, "register")
        if self._desk.comparer.is_ahead(tally.day):
            return self._refuse(peer, digest, None, outcomes.NOT_A_PARCEL, "day")
        return self._compare(tally, signed, digest, peer)

    async def _compare(self, tally: Tally, signed: str, digest: str, peer: _Peer) -> str:
        try:
            comparison = await self._desk.comparer.compare(tally, signed)
        except StoreFault as fault:
            log.error("comparison_failed", sender=peer.name, fault=str(fault))
            return await self._refuse(peer, digest, None, outcomes.TRY_AGAIN, None)
        missing = self._desk.numbers.missing(peer.name)
        head = ReplyHead(self._desk.register, peer.name, None, digest, missing)
        moment = self._desk.clock().isoformat(timespec="milliseconds")
        return seal(write_comparison(head, comparison, moment), REPLY_TYPE, peer.own)

    async def _answer(
        self, own: SigningKey, arrival: Arrival, answers: "asyncio.Future[list[Answer]]"
    ) -> str:
        # 8 the reply, once every answer is durable
        parcel, digest = arrival.parcel, arrival.digest
        given = await answers
        codes = Counter(answer.code for answer in given)
        for code, count in codes.items():
            self._desk.metrics.notices.labels(code).inc(count)
        refused = {code: count for code, count in codes.items() if code in _REFUSALS}
        if refused:
            log.warning("notices_refused", door=DOOR, sender=parcel.sender, digest=digest, codes=refused)
        numbers = self._desk.numbers
        # Of what was not taken nothing is kept: no look would ever meet it, however long a CS tries.
        if not all(answer.later for answer in given):
            numbers.answered(parcel.sender, parcel.number, digest)
        missing = numbers.missing(parcel.sender)
        witnesses = self._desk.witnesses
        if parcel.checkpoint and not arrival.line.broken:
            witnesses.returned(parcel.sender, parcel.checkpoint, digest)
        news = witnesses.news(parcel.checkpoint)
        head = ReplyHead(self._desk.register, parcel.sender, parcel.number, digest, missing, news)
        repeated = [place for place, answer in enumerate(given) if answer.repeated]
        moment = self._desk.clock().isoformat(timespec="milliseconds")
        payload = write_reply(head, [answer.text for answer in given], repeated, moment)
        return seal(payload, REPLY_TYPE, own)

    async def _refuse(
        self, peer: _Peer, digest: str, number: int | None, outcome: Outcome, field_name: str | None
    ) -> str:
        recorded = await self._desk.refuser.refuse(peer.name, digest, outcome)
        if recorded.kind is OutcomeClass.LATER:
            peer.line.broken = True
        self._desk.metrics.parcels_refused.labels(recorded.code).inc()
        log.warning(
            "parcel_refused",
            door=DOOR,
            sender=peer.name,
            digest=digest,
            code=recorded.code,
            field=field_name,
        )
        head = ReplyHead(self._desk.register, peer.name, number, digest)
        moment = self._desk.clock().isoformat(timespec="milliseconds")
        return seal(write_refusal(head, recorded.code, field_name, moment), REPLY_TYPE, peer.own)

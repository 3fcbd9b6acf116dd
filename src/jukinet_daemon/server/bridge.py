"""橋の戸口: the other server, by role and pinned key, puts its one question; there is no other path."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from jukinet_daemon.credentials import Credentials
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted
from jukinet_daemon.server.listener import Handler, address_of, context_of, peer_of
from jukinet_daemon.server.who import tell_refused
from jukinet_daemon.service.refused import RefusedPeers
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.vault.fields import VaultFault
from jukinet_daemon.vault.seal import SealFault
from jukinet_daemon.wire.bridge import MAX_BRIDGE_BYTES, BridgeFault
from jukinet_daemon.wire.envelope import SigningKey, VerifyingKey, seal

log = structlog.get_logger()

DOOR = "bridge"
PATH = "/bridge"

Answerer = Callable[[str, VerifyingKey], Awaitable[bytes]]
# Writes down that somebody was not let in: the reason, and who it was if anybody.
Note = Callable[[str, str | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BridgeDesk:
    """Whom the door admits, who answers, of what kind the answer is, what it is signed with."""

    policy: DoorPolicy
    answer: Answerer
    kind: str
    credentials: Credentials
    note: Note
    refused: RefusedPeers


_PEER = web.RequestKey("bridge_peer", VerifyingKey)
_OWN = web.RequestKey("bridge_own", SigningKey)


class BridgeDoor:
    """The door's handler."""

    def __init__(self, desk: BridgeDesk) -> None:
        self._desk = desk
        self.asked = 0

    def application(self) -> web.Application:
        """The aiohttp application of this door."""
        application = web.Application(client_max_size=MAX_BRIDGE_BYTES, middlewares=[self._admit])
        application.router.add_post(PATH, self._handle)
        return application

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _identity, key = peer_of(request, self._desk.policy)
        except NotAdmitted as refusal:
            self._desk.refused.note(DOOR, refusal.reason, address_of(request), refusal.named)
            await self._note(refusal.reason, refusal.named)
            raise web.HTTPForbidden from None
        request[_PEER] = key
        # The key of the certificate this peer was shown; asked for now, for it may leave before its answer.
        request[_OWN] = self._desk.credentials.key_for(context_of(request))
        unknown = request.match_info.http_exception
        if unknown:
            tell_refused(unknown.status)
        return await handler(request)

    async def _note(self, reason: str, peer: str | None) -> None:
        try:
            await self._desk.note(reason, peer)
        except StoreFault as fault:
            log.error("bridge_not_recorded", fault=str(fault))

    async def _handle(self, request: web.Request) -> web.Response:
        """One question. Where it cannot be recorded it is not answered."""
        self.asked += 1
        try:
            signed = (await request.read()).decode("ascii")
            payload = await self._desk.answer(signed, request[_PEER])
        except BridgeFault:
            raise web.HTTPBadRequest from None
        except (SealFault, UnicodeDecodeError):
            tell_refused(web.HTTPBadRequest.status_code)
            raise web.HTTPBadRequest from None
        except (StoreFault, VaultFault) as fault:
            log.error("bridge_not_answered", fault=str(fault))
            raise web.HTTPServiceUnavailable from None
        signed = seal(payload, self._desk.kind, request[_OWN])
        return web.Response(text=signed, content_type="application/jose")

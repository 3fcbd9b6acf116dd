"""送りの仕事: keeps a line to the national server and relays what waits, oldest first, parcel by parcel."""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from jukinet_daemon.credentials import Credentials, Own
from jukinet_daemon.outward import Caller, Conversation, PeerFault, Receipt, call
from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.pki.standing import Standing
from jukinet_daemon.pki.trust import DoorPolicy
from jukinet_daemon.service.compare_relayed import RelayedComparer
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.refused import RefusedPeers
from jukinet_daemon.service.relay import Packer, ReceiptFault
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.outbox import Outbox
from jukinet_daemon.store.pool import Database
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.wire.envelope import SigningKey

log = structlog.get_logger()

DOOR = "national"
# A wake-up can be lost with its connection; looking now and then costs one index probe.
LOOK_EVERY_S = 2.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
RECEIPT_TIMEOUT_S = 60.0
# A parcel costs seven round trips and two flushes, whatever is in it. Behind one that was not full the next
# goes no sooner than this: the first of a day goes at once, a stream gathers.
GATHERS_S = 0.05


@dataclass(frozen=True, slots=True)
class RelayState:
    """Whether the line to the national server is open, what broke it last, whether another process relays;

    how far its clock was ahead of ours at its last receipt, None before that.
    """

    connected: bool
    fault: str | None = None
    standby: bool = False
    clock_ahead_s: float | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where the relay goes, whom it must find there, who we are, and how much it carries."""

    url: str
    policy: DoorPolicy
    credentials: Credentials
    parcel_notices: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Where the relay tells how it fares, and what compares its days with the national server."""

    metrics: Metrics
    refused: RefusedPeers
    comparer: RelayedComparer


@dataclass(frozen=True, slots=True)
class _Trail:
    """What the log says of a parcel to the national server, so that whoever looks for the digest of a
    municipality's parcel finds it: our parcel, its places in the outbox, the parcels its records came in.
    """

    digest: str
    outbox: tuple[int, int]
    parcels: list[str]

    def sent(self, number: int, records: int) -> None:
        log.info(
            "relay_sent",
            digest=self.digest,
            number=number,
            records=records,
            outbox=self.outbox,
            parcels=self.parcels,
        )

    def receipted(self, records: int, refused: int) -> None:
        log.info(
            "relay_receipted",
            digest=self.digest,
            records=records,
            refused=refused,
            outbox=self.outbox,
            parcels=self.parcels,
        )


@dataclass(frozen=True, slots=True)
class _Open:
    """A conversation that is open, and the key of the certificate we showed in it."""

    conversation: Conversation
    key: SigningKey


class RelayLoop:
    """The relay of one register; `state` says how its line is."""

    def __init__(self, database: Database, vault: Vault, packer: Packer, route: Route, watch: Watch) -> None:
        self._database = database
        self._vault = vault
        self._packer = packer
        self._route = route
        self._metrics = watch.metrics
        self._refused = watch.refused
        self._comparer = watch.comparer
        self._line: _Open | None = None
        self._wake = asyncio.Event()
        self._relayed = 0
        self.state = RelayState(connected=False)

    async def run(self) -> None:
        """Relays for ever; after a fault it pauses, longer each time, and goes on. Ends by cancellation."""
        pause = FIRST_PAUSE_S
        while True:
            before = self._relayed
            try:
                await self._with_outbox()
            except (PeerFault, StoreFault, ReceiptFault) as fault:
                self._tell(fault)
                self.state = RelayState(connected=False, fault=str(fault))
            finally:
                self._metrics.relay_up.set(0)
            pause = FIRST_PAUSE_S if self._relayed > before else min(pause * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects

    async def _with_outbox(self) -> None:
        outbox = await Outbox.open(self._database, self._vault)
        if outbox is None:
            self.state = RelayState(connected=False, standby=True)
            log.info("relay_waits", reason="another process relays this register")
            return
        try:
            await outbox.listen(self._wake.set)
            own = self._route.credentials.own
            async with call(self._route.url, Caller(own.client, self._route.policy, own.key)) as conversation:
                self._line = _Open(conversation, own.key)
                self._metrics.relay_up.set(1)
                self.state = RelayState(connected=True)
                log.info("relay_connected")
                while True:
                    await self._relay_all(outbox, self._line)
                    await self._compare(self._line)
                    await conversation.idle(self._wake, LOOK_EVERY_S)
        finally:
            self._line = None
            await outbox.close()

    def renew(self, own: Own) -> None:
        """Calls anew where our certificate has changed; what was on its way is sent again."""
        if self._line and self._line.key.thumbprint != own.key.thumbprint:
            self._line.conversation.cut("our certificate was renewed")

    def sweep(self, standing: Standing, now: datetime) -> None:
        """Cuts the line when the national server's certificate is trusted no longer."""
        if self._line is None or self._line.conversation.lost.is_set():
            return
        reason = standing.lost_by(self._line.conversation.certificate, now)
        if reason:
            self._note(reason, None)
            self._line.conversation.cut(reason)

    def _tell(self, fault: Exception) -> None:
        if isinstance(fault, PeerFault) and fault.refusal:
            self._note(fault.refusal, fault.peer)
        else:
            log.warning("relay_interrupted", fault=str(fault))

    def _note(self, reason: Refusal, peer: str | None) -> None:
        self._refused.note(DOOR, reason, urlsplit(self._route.url).hostname or "-", peer)

    async def _relay_all(self, outbox: Outbox, line: _Open) -> None:
        conversation = line.conversation
        self._wake.clear()
        loop = asyncio.get_running_loop()
        while outgoing := await outbox.waiting(self._route.parcel_notices):
            next_at = loop.time() + GATHERS_S
            # 9 the relay: sent from what is stored, so a crash only sends again
            number = await outbox.number()
            packed = self._packer.pack(outgoing, number, line.key)
            await outbox.announce(self._packer.sending(packed))
            await conversation.send(packed.signed)
            trail = _Trail(packed.digest, packed.span, await outbox.origins(packed.outgoing))
            trail.sent(number, len(packed.outgoing))
            receipt = await self._receipt(conversation)
            self.state = replace(self.state, clock_ahead_s=self._packer.clock_ahead(receipt.reply))
            # 10 the receipt closes what it names
            closed = self._packer.closed_by(packed, receipt.reply)
            await outbox.close_with(
                packed.digest, receipt.signed, closed, self._packer.receipted(packed, receipt.signed)
            )
            self._relayed += len(closed)
            refused = sum(1 for item in closed if item.refused)
            trail.receipted(len(closed), refused)
            self._metrics.relayed.labels("accepted").inc(len(closed) - refused)
            self._metrics.relayed.labels("refused").inc(refused)
            if len(closed) < len(packed.outgoing):
                raise PeerFault("the national server takes nothing now")
            if len(outgoing) < self._route.parcel_notices:
                await asyncio.sleep(max(0.0, next_at - loop.time()))

    async def _compare(self, line: _Open) -> None:
        """日次照合, while nothing is under way and nothing waits."""
        while asked := await self._comparer.ask(line.key):
            await line.conversation.send(asked.signed)
            receipt = await self._receipt(line.conversation)
            await self._comparer.hear(asked, receipt.reply, receipt.signed)

    async def _receipt(self, conversation: Conversation) -> Receipt:
        try:
            async with asyncio.timeout(RECEIPT_TIMEOUT_S):
                return await conversation.receive()
        except TimeoutError:
            raise PeerFault("no receipt came in time") from None

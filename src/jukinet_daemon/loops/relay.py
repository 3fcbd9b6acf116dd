"""送りの仕事: keeps a line to the national server and relays what waits, oldest first, parcel by parcel."""

import asyncio
import random
from dataclasses import dataclass

import structlog

from jukinet_daemon.outward import Caller, Conversation, PeerFault, Receipt, call
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.relay import Packer, ReceiptFault
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.outbox import Outbox
from jukinet_daemon.store.pool import Database
from jukinet_daemon.vault.fields import Vault

log = structlog.get_logger()

# A wake-up can be lost with its connection; looking now and then costs one index probe.
LOOK_EVERY_S = 2.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
RECEIPT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class RelayState:
    """Whether the line to the national server is open, what broke it last, whether another process relays."""

    connected: bool
    fault: str | None = None
    standby: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where the relay goes and how much it carries."""

    url: str
    caller: Caller
    parcel_notices: int


class RelayLoop:
    """The relay of one register; `state` says how its line is."""

    def __init__(
        self, database: Database, vault: Vault, packer: Packer, route: Route, metrics: Metrics
    ) -> None:
        self._database = database
        self._vault = vault
        self._packer = packer
        self._route = route
        self._metrics = metrics
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
                log.warning("relay_interrupted", fault=str(fault))
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
            async with call(self._route.url, self._route.caller) as conversation:
                self._metrics.relay_up.set(1)
                self.state = RelayState(connected=True)
                log.info("relay_connected")
                while True:
                    await self._relay_all(outbox, conversation)
                    await conversation.idle(self._wake, LOOK_EVERY_S)
        finally:
            await outbox.close()

    async def _relay_all(self, outbox: Outbox, conversation: Conversation) -> None:
        self._wake.clear()
        while outgoing := await outbox.waiting(self._route.parcel_notices):
            # 9 the relay: sent from what is stored, so a crash only sends again
            packed = self._packer.pack(outgoing, await outbox.number())
            await outbox.announce(self._packer.sending(packed))
            await conversation.send(packed.signed)
            receipt = await self._receipt(conversation)
            # 10 the receipt closes what it names
            closed = self._packer.closed_by(packed, receipt.reply)
            await outbox.close_with(
                packed.digest, receipt.signed, closed, self._packer.receipted(packed, receipt.signed)
            )
            self._relayed += len(closed)
            refused = sum(1 for item in closed if item.refused)
            self._metrics.relayed.labels("accepted").inc(len(closed) - refused)
            self._metrics.relayed.labels("refused").inc(refused)
            if len(closed) < len(packed.outgoing):
                raise PeerFault("the national server takes nothing now")

    async def _receipt(self, conversation: Conversation) -> Receipt:
        try:
            async with asyncio.timeout(RECEIPT_TIMEOUT_S):
                return await conversation.receive()
        except TimeoutError:
            raise PeerFault("no receipt came in time") from None

"""全国サーバへの通知: records that wait become a signed parcel; a signed receipt closes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from jukinet_daemon.domain.outcomes import OutcomeClass
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.outbox import Closed, Outgoing
from jukinet_daemon.wire.envelope import MAX_SIGNED_BYTES, PARCEL_TYPE, SigningKey, digest_of, seal
from jukinet_daemon.wire.parcel import Parcel, write_parcel
from jukinet_daemon.wire.relayed import write_record
from jukinet_daemon.wire.reply import ReplyMessage

# Base64 makes four bytes of three; the rest is header and signature.
MAX_PAYLOAD_BYTES = MAX_SIGNED_BYTES * 3 // 4 - 1024


class ReceiptFault(ValueError):
    """A reply does not answer the parcel that was sent."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A parcel to the national server and what is in it."""

    signed: str = field(repr=False)
    digest: str
    outgoing: tuple[Outgoing, ...]

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last of its places in the outbox."""
        return self.outgoing[0].outbox_id, self.outgoing[-1].outbox_id


class Packer:
    """Makes parcels of records and reads receipts, for one register."""

    def __init__(self, register: str, prefecture: str, clock: Clock) -> None:
        self._register = register
        self._prefecture = prefecture
        self._clock = clock

    def pack(self, outgoing: Sequence[Outgoing], number: int, key: SigningKey) -> Packed:
        """Signs records as one parcel, in their order; only the first half where all would be too large."""
        notices = tuple(write_record(self._register, item.record) for item in outgoing)
        parcel = Parcel(self._register, self._prefecture, number, notices)
        payload = write_parcel(parcel, self._now())
        if len(payload) > MAX_PAYLOAD_BYTES and len(outgoing) > 1:
            return self.pack(outgoing[: len(outgoing) // 2], number, key)
        signed = seal(payload, PARCEL_TYPE, key)
        return Packed(signed, digest_of(signed), tuple(outgoing))

    def closed_by(self, packed: Packed, reply: ReplyMessage) -> list[Closed]:
        """What a receipt closes: taken or refused; LATER leaves a record waiting. Raises ReceiptFault."""
        if reply.refused:
            raise ReceiptFault(f"the national server would not read the parcel: {reply.refused.code}")
        ids = [item.record.notice.id for item in packed.outgoing]
        if reply.parcel_digest != packed.digest or [answer.id for answer in reply.answers] != ids:
            raise ReceiptFault("the receipt does not answer the parcel")
        return [
            Closed(
                item.outbox_id,
                answer.code if answer.outcome == OutcomeClass.REFUSED else None,
                date.fromisoformat(answer.received_on) if answer.received_on else self._clock().date(),
            )
            for item, answer in zip(packed.outgoing, reply.answers, strict=True)
            if answer.outcome != OutcomeClass.LATER
        ]

    def clock_ahead(self, reply: ReplyMessage) -> float:
        """By how many seconds the clock of whoever just replied is ahead of ours."""
        return round((datetime.fromisoformat(reply.answered_at) - self._clock()).total_seconds(), 1)

    def sending(self, packed: Packed) -> Leaf:
        """The evidence that a parcel is about to be sent."""
        return self._leaf("relay_sent", packed)

    def receipted(self, packed: Packed, signed_receipt: str) -> Leaf:
        """The evidence that a parcel was receipted."""
        return self._leaf("relay_receipted", packed, receipt_digest=digest_of(signed_receipt))

    def _leaf(self, event: str, packed: Packed, **more: str) -> Leaf:
        payload = {
            "event": event,
            "register": self._register,
            "parcel_digest": packed.digest,
            "records": len(packed.outgoing),
            "at": self._now(),
            **more,
        }
        return evidence(payload)

    def _now(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")

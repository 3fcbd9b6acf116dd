"""全国サーバへの通知: records that wait become a signed parcel; a signed receipt closes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jukinet_daemon.domain.outcomes import OutcomeClass
from jukinet_daemon.ledger.leaf import Leaf, leaf_of, new_salt
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.store.outbox import Closed, Outgoing
from jukinet_daemon.wire.envelope import PARCEL_TYPE, SigningKey, digest_of, seal
from jukinet_daemon.wire.parcel import Parcel, write_parcel
from jukinet_daemon.wire.relayed import write_record
from jukinet_daemon.wire.reply import ReplyMessage
from jukinet_daemon.wire.text import canonical


class ReceiptFault(ValueError):
    """A reply does not answer the parcel that was sent."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A parcel to the national server and what is in it."""

    signed: str = field(repr=False)
    digest: str
    outgoing: tuple[Outgoing, ...]


class Packer:
    """Makes parcels of records and reads receipts, for one register."""

    def __init__(self, register: str, prefecture: str, key: SigningKey, clock: Clock) -> None:
        self._register = register
        self._prefecture = prefecture
        self._key = key
        self._clock = clock

    def pack(self, outgoing: Sequence[Outgoing], number: int) -> Packed:
        """Signs records as one parcel, in their order."""
        notices = tuple(write_record(self._register, item.record) for item in outgoing)
        parcel = Parcel(self._register, self._prefecture, number, notices)
        signed = seal(write_parcel(parcel, self._now()), PARCEL_TYPE, self._key)
        return Packed(signed, digest_of(signed), tuple(outgoing))

    def closed_by(self, packed: Packed, reply: ReplyMessage) -> list[Closed]:
        """What a receipt closes: taken or refused; LATER leaves a record waiting. Raises ReceiptFault."""
        ids = [item.record.notice.id for item in packed.outgoing]
        if reply.parcel_digest != packed.digest or [answer.id for answer in reply.answers] != ids:
            raise ReceiptFault("the receipt does not answer the parcel")
        return [
            Closed(item.outbox_id, answer.code if answer.outcome == OutcomeClass.REFUSED else None)
            for item, answer in zip(packed.outgoing, reply.answers, strict=True)
            if answer.outcome != OutcomeClass.LATER
        ]

    def leaf(self, packed: Packed, signed_receipt: str) -> Leaf:
        """The evidence that a parcel was relayed and receipted."""
        payload = {
            "event": "relayed",
            "register": self._register,
            "parcel_digest": packed.digest,
            "receipt_digest": digest_of(signed_receipt),
            "records": len(packed.outgoing),
            "received_at": self._now(),
        }
        return leaf_of(canonical(payload).decode("utf-8"), new_salt())

    def _now(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")

"""電文: a parcel of 1 to 500 notices from one sender, as it stands inside its envelope."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from jukinet_daemon.wire.notice import Message
from jukinet_daemon.wire.text import AreaCode, Duplicated, JsonFault, Moment, canonical, read_json

PROTOCOL = "jukinet/1"
MAX_NOTICES = 500

MAX_PARCEL_NUMBER = 2**53 - 1
ParcelNumber = Annotated[int, Field(ge=1, le=MAX_PARCEL_NUMBER)]
MAX_CHECKPOINT_CHARACTERS = 4096
Note = Annotated[str, Field(max_length=MAX_CHECKPOINT_CHARACTERS)]


class ParcelMessage(Message):
    """The payload of a parcel. The notices are read one by one, so that a bad one spoils no neighbour."""

    protocol: Literal["jukinet/1"]
    register_: Literal["juki", "fuhyo"] = Field(description="宛先のファイル", alias="register")
    sender: AreaCode = Field(description="送信者の団体コード")
    number: ParcelNumber = Field(description="送信者ごとの電文番号 (1から連番)")
    sent_at: Moment = Field(description="送信日時")
    notices: Annotated[list[Any], Field(min_length=1, max_length=MAX_NOTICES, description="通知")]
    checkpoint: Note | None = Field(default=None, description="送信者が持つ最新の封印の控え")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel that was read: who says it is whose, its number, and its notices as parsed JSON."""

    register: str
    sender: str
    number: int
    notices: tuple[Any, ...] = field(repr=False)
    checkpoint: str | None = None


class ParcelFault(ValueError):
    """A payload is not a parcel; `field` names what is wrong, where it is one of ours."""

    def __init__(self, problem: str, field: str | None = None) -> None:
        super().__init__(problem)
        self.field = field


_ADAPTER = TypeAdapter(ParcelMessage)
_FIELDS = frozenset({"protocol", "register", "sender", "number", "sent_at", "notices", "checkpoint"})


def read_parcel(payload: bytes) -> Parcel:
    """Reads a parcel's payload. Raises ParcelFault, which names the first wrong field and no value."""
    try:
        raw = read_json(payload, marked=True)
    except JsonFault as fault:
        raise ParcelFault(str(fault)) from None
    if isinstance(raw, Duplicated):
        raise ParcelFault("a field occurs twice", raw.field if raw.field in _FIELDS else None)
    try:
        message = _ADAPTER.validate_python(raw)
    except ValidationError as invalid:
        where = invalid.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        known = next((step for step in where if step in _FIELDS), None)
        raise ParcelFault("not a parcel", known) from None
    notices = tuple(message.notices)
    return Parcel(message.register_, message.sender, message.number, notices, message.checkpoint)


def write_parcel(parcel: Parcel, sent_at: str) -> bytes:
    """The payload of a parcel, ready to be signed. `sent_at` is RFC 3339."""
    fields: dict[str, object] = {
        "protocol": PROTOCOL,
        "register": parcel.register,
        "sender": parcel.sender,
        "number": parcel.number,
        "sent_at": sent_at,
        "notices": list(parcel.notices),
    }
    return canonical(fields | ({"checkpoint": parcel.checkpoint} if parcel.checkpoint else {}))

"""橋の電文: the question, its answer, the call back and its answer; no other form exists (docs/bridge.md).

Every message is signed (wire/envelope.py). What an answer says of a request is sealed to the public key of
that request (RFC 9180): neither the end of a TLS line nor a log shows a number, or whether there was one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from jukinet_daemon.wire.notice import Message
from jukinet_daemon.wire.text import JsonFault, Moment, NoticeId, ResidentCode, canonical, read_json

PROTOCOL = "jukinet-bridge/1"
ASK_TYPE = "jukinet-bridge-ask+jws"
ANSWER_TYPE = "jukinet-bridge-answer+jws"
CONFIRM_TYPE = "jukinet-bridge-confirm+jws"
CONFIRMATION_TYPE = "jukinet-bridge-confirmation+jws"

MAX_REQUESTS = 100
MAX_BRIDGE_BYTES = 128 * 1024

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:/-]{1,64}$")]
# Of this host, of a domain (tanaka@pref.example, PREF\tanaka), or by its number (uid:1000).
ACCOUNT = re.compile(r"[A-Za-z0-9._:/@+\\-]{1,128}")
Account = Annotated[str, Field(pattern=rf"^{ACCOUNT.pattern}$")]
PublicKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
Sealed = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,400}$")]
Digest = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z][0-9]{3}$")]


class CaseMessage(Message):
    """事案: who asks by what right, approved by whom, until when."""

    id: NoticeId = Field(description="事案の番号")
    office: Word = Field(description="求める執行機関・所属")
    basis: Word = Field(description="根拠規定のコード (schemas/codes)")
    affair: Word = Field(description="事務の番号 (起案番号等)")
    requested_by: Account = Field(description="求める人 (担当者)")
    approved_by: Account = Field(description="承認した人 (担当者)")
    expires_at: Moment = Field(description="事案の期限")


class RequestMessage(Message):
    """One person, one field, once."""

    id: NoticeId = Field(description="求めの番号。一度だけ使える")
    resident_code: ResidentCode = Field(description="住民票コード (附票の記録のもの)")
    key: PublicKey = Field(description="答えを封じる公開鍵 (X25519, 求めごと)")


class AskMessage(Message):
    """The question of the 附票 server, and word for word the call back of the 都道府県 server."""

    protocol: Literal["jukinet-bridge/1"]
    field: Literal["individual_number"] = Field(description="求める項目")
    case: CaseMessage
    sent_at: Moment
    requests: Annotated[list[RequestMessage], Field(min_length=1, max_length=MAX_REQUESTS)]


class SealedAnswer(Message):
    """The answer to one request, of one length whatever it says."""

    id: NoticeId
    sealed: Sealed = Field(description="HPKEで封じた答え")


class AnswerMessage(Message):
    """The answer to a question."""

    protocol: Literal["jukinet-bridge/1"]
    asked: Digest = Field(description="問いのJWSのSHA-256")
    answered_at: Moment
    answers: list[SealedAnswer]


class Confirmed(Message):
    """What the 附票 server says of one request that it is called back about."""

    id: NoticeId
    code: Code = Field(description="B110 なら開いており、国外転出者である")


class ConfirmationMessage(Message):
    """The answer to a call back."""

    protocol: Literal["jukinet-bridge/1"]
    asked: Digest = Field(description="呼び返しのJWSのSHA-256")
    answered_at: Moment
    confirmed: list[Confirmed]


class ReleaseMessage(Message):
    """What stands inside a sealed answer; the number is zeros where there is none to give."""

    code: Code
    number: Annotated[str, Field(pattern=r"^[0-9]{12}$")]


@dataclass(frozen=True, slots=True)
class Case:
    """事案: one matter of one office, with its approval and its end."""

    id: str
    office: str
    basis: str
    affair: str
    requested_by: str
    approved_by: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Request:
    """A right to one answer about one person."""

    id: str
    resident_code: str = field(repr=False)
    key: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that was read: requests of one case."""

    case: Case
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """An opened answer. `number` is None where none was given."""

    code: str
    number: str | None = field(repr=False)


class BridgeFault(ValueError):
    """A payload is no message of the bridge. The message says what is wrong, never what stands there."""


_NO_NUMBER = "0" * 12
_M = TypeVar("_M", bound=Message)
_ADAPTERS: dict[type[Message], TypeAdapter[Any]] = {
    model: TypeAdapter(model) for model in (AskMessage, AnswerMessage, ConfirmationMessage, ReleaseMessage)
}


def _read(model: type[_M], payload: bytes) -> _M:
    try:
        message: _M = _ADAPTERS[model].validate_python(read_json(payload))
    except (JsonFault, ValidationError):
        raise BridgeFault("not a message of the bridge") from None
    return message


def write_ask(ask: Ask, sent_at: str) -> bytes:
    """The payload of a question or of a call back."""
    return canonical(
        {
            "protocol": PROTOCOL,
            "field": "individual_number",
            "case": _fields(ask.case, CaseMessage),
            "sent_at": sent_at,
            "requests": [_fields(request, RequestMessage) for request in ask.requests],
        }
    )


def read_ask(payload: bytes) -> Ask:
    """Reads a question or a call back. Raises BridgeFault, also where a request stands twice in it."""
    message = _read(AskMessage, payload)
    requests = tuple(Request(**dict(request)) for request in message.requests)
    if len({request.id for request in requests}) < len(requests):
        raise BridgeFault("a request stands twice")
    return Ask(Case(**dict(message.case)), requests)


def write_answer(asked: str, answers: Sequence[tuple[str, str]], answered_at: str) -> bytes:
    """The payload of an answer: for each request, in order, its id and what is sealed to it."""
    told = [{"id": request_id, "sealed": sealed} for request_id, sealed in answers]
    return canonical({"protocol": PROTOCOL, "asked": asked, "answered_at": answered_at, "answers": told})


def read_answer(payload: bytes, asked: str) -> dict[str, str]:
    """What an answer to `asked` has sealed, by request. Raises BridgeFault, also for another question's."""
    message = _read(AnswerMessage, payload)
    if message.asked != asked:
        raise BridgeFault("the answer to another question")
    return {answer.id: answer.sealed for answer in message.answers}


def write_confirmation(asked: str, confirmed: Sequence[tuple[str, str]], answered_at: str) -> bytes:
    """The payload of the answer to a call back: for each request, in order, its id and a code."""
    told = [{"id": request_id, "code": code} for request_id, code in confirmed]
    return canonical({"protocol": PROTOCOL, "asked": asked, "answered_at": answered_at, "confirmed": told})


def read_confirmation(payload: bytes, asked: str) -> dict[str, str]:
    """The codes of a confirmation by request. Raises BridgeFault, also for another call back's."""
    message = _read(ConfirmationMessage, payload)
    if message.asked != asked:
        raise BridgeFault("the answer to another call back")
    return {item.id: item.code for item in message.confirmed}


def write_release(release: Release) -> bytes:
    """What is sealed to a request: always the same number of bytes."""
    return canonical({"code": release.code, "number": release.number or _NO_NUMBER})


def read_release(payload: bytes) -> Release:
    """Reads an opened answer. Raises BridgeFault."""
    message = _read(ReleaseMessage, payload)
    return Release(message.code, None if message.number == _NO_NUMBER else message.number)


def _fields(value: object, model: type[Message]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in model.model_fields}

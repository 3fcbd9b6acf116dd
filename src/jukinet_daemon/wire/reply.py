"""返信: the signed receipt of a parcel, one answer for each notice in its order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from jukinet_daemon.wire.notice import Message
from jukinet_daemon.wire.parcel import PROTOCOL, Note, ParcelNumber
from jukinet_daemon.wire.text import DayText, JsonFault, Moment, NoticeId, canonical, read_json

Base64Url = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Hash = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z][0-9]{3}$")]
NumberRange = Annotated[list[ParcelNumber], Field(min_length=2, max_length=2)]


class RemarkMessage(Message):
    """Something noticed that did not stand in the way."""

    code: Code
    field: str


class AnswerMessage(Message):
    """The answer to one notice. It is stored and given again word for word."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    id: NoticeId | None = Field(default=None, description="通知番号。読めなかったときはない")
    outcome: Literal["ACCEPTED", "HELD", "REFUSED", "LATER"] = Field(description="結果の区分")
    code: Code = Field(description="結果コード (docs/outcomes.md)")
    field: str | None = Field(default=None, description="理由となった項目の名")
    remarks: list[RemarkMessage] | None = Field(default=None, description="付記")
    received_on: DayText | None = Field(default=None, description="通知を受けた日")
    leaf: Base64Url | None = Field(default=None, description="記録の葉 (RFC 9162)")
    salt: Base64Url | None = Field(default=None, description="葉を確かめるための塩")


class ParcelRefusal(Message):
    """Why a whole parcel was not read."""

    code: Code
    field: str | None = None


Kind = Literal[
    "entry", "deletion", "correction", "number_correction", "code_correction", "departure", "other"
]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


class CountMessage(Message):
    """How many notices of one kind were accepted, held, refused."""

    accepted: Count
    held: Count
    refused: Count


CountsMessage = dict[Kind, CountMessage]


class ComparisonMessage(Message):
    """日次照合: what the replying side counted of a day, and the kinds that differ."""

    day: DayText
    counts: CountsMessage
    differing: list[Kind] = Field(description="件数が食い違う異動区分")


class CheckpointMessage(Message):
    """封印の控え: a checkpoint of the ledger, newer than the one that the parcel named, with its proof."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    note: Note = Field(description="封印の控え (C2SP tlog-checkpoint)")
    consistency: list[Hash] = Field(description="電文の控えの木から育ったことの証明 (RFC 9162 2.1.4)")


class ReplyMessage(Message):
    """The payload of a reply. Its readers ignore what they do not know: replies may gain fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    protocol: Literal["jukinet/1"]
    register_: Literal["juki", "fuhyo"] = Field(alias="register")
    receiver: str = Field(description="返信先 (電文の送信者)")
    parcel: int | None = Field(default=None, description="電文番号")
    parcel_digest: Base64Url = Field(description="電文のJWSのSHA-256")
    answered_at: Moment
    answers: list[AnswerMessage]
    repeated: list[int] = Field(description="前に答えた通知の位置 (0から)")
    refused: ParcelRefusal | None = Field(default=None, description="電文全体を読まなかった理由")
    comparison: ComparisonMessage | None = Field(default=None, description="日次照合への返信")
    missing: list[NumberRange] = Field(default=[], description="届いていない電文番号の範囲 [最初, 最後]")
    checkpoint: CheckpointMessage | None = Field(default=None, description="より新しい封印の控え")


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """What a reply says besides its answers."""

    register: str
    receiver: str
    parcel: int | None
    parcel_digest: str
    missing: Sequence[tuple[int, int]] = ()
    checkpoint: Mapping[str, object] | None = None


class ReplyFault(ValueError):
    """A payload is not a reply."""


_ADAPTER = TypeAdapter(ReplyMessage)
_ANSWER = TypeAdapter(AnswerMessage)
_HASH_CHARACTERS = 43


def write_answer(fields: dict[str, object]) -> str:
    """The text of one answer: the canonical JSON of the fields that are not None."""
    return canonical({name: value for name, value in fields.items() if value is not None}).decode("utf-8")


def write_reply(head: ReplyHead, answers: Sequence[str], repeated: Sequence[int], answered_at: str) -> bytes:
    """The payload of a reply. Answers go in as stored text, so that a repeat is word for word the first."""
    shell = _shell(head, answered_at) | {"repeated": list(repeated)}
    return _with_answers(shell, answers)


def write_comparison(head: ReplyHead, comparison: Mapping[str, object], answered_at: str) -> bytes:
    """The payload of a reply to a tally."""
    return _with_answers(_shell(head, answered_at) | {"repeated": [], "comparison": comparison}, ())


def write_refusal(head: ReplyHead, code: str, field: str | None, answered_at: str) -> bytes:
    """The payload of a reply to a parcel that was not read."""
    refused = {"code": code} | ({"field": field} if field else {})
    return _with_answers(_shell(head, answered_at) | {"repeated": [], "refused": refused}, ())


def _shell(head: ReplyHead, answered_at: str) -> dict[str, object]:
    shell: dict[str, object] = {
        "protocol": PROTOCOL,
        "register": head.register,
        "receiver": head.receiver,
        "parcel_digest": head.parcel_digest,
        "answered_at": answered_at,
    }
    if head.parcel is not None:
        shell["parcel"] = head.parcel
    if head.missing:
        shell["missing"] = [list(span) for span in head.missing]
    if head.checkpoint:
        shell["checkpoint"] = dict(head.checkpoint)
    return shell


def _with_answers(shell: dict[str, object], answers: Sequence[str]) -> bytes:
    text = json.dumps(shell, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f'{{"answers":[{",".join(answers)}],{text[1:]}'.encode()


def read_reply(payload: bytes) -> ReplyMessage:
    """Reads a reply's payload. Raises ReplyFault."""
    try:
        return _ADAPTER.validate_python(read_json(payload))
    except (JsonFault, ValidationError):
        raise ReplyFault("not a reply") from None


def leaf_in(answer: str) -> str | None:
    """The leaf that a kept answer names; None where it names none, or is no answer."""
    try:
        leaf = _ANSWER.validate_python(read_json(answer.encode())).leaf
    except (JsonFault, ValidationError):
        return None
    return leaf if leaf and len(leaf) == _HASH_CHARACTERS else None

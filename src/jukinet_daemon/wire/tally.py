"""日次照合: what a caller counted of one day, for the called to compare with its own counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from jukinet_daemon.wire.notice import Message
from jukinet_daemon.wire.parcel import PROTOCOL
from jukinet_daemon.wire.reply import CountsMessage, Kind
from jukinet_daemon.wire.text import AreaCode, DayText, JsonFault, Moment, canonical, read_json

KINDS = frozenset(get_args(Kind))
OUTCOMES = ("accepted", "held", "refused")
# Of these the receiver remembers no answer: ids of another notice, or of another sender.
UNCOUNTED = frozenset({"R390", "R391"})

# Kind -> how many were accepted, held, refused.
Counts = Mapping[str, tuple[int, int, int]]


class TallyMessage(Message):
    """The payload of a tally: how many notices of each kind had their first answer on a day."""

    protocol: Literal["jukinet/1"]
    register_: Literal["juki", "fuhyo"] = Field(description="宛先のファイル", alias="register")
    sender: AreaCode = Field(description="送信者の団体コード")
    sent_at: Moment = Field(description="送信日時")
    day: DayText = Field(description="数えた日 (received_on)")
    counts: CountsMessage = Field(description="異動区分ごとの件数")


@dataclass(frozen=True, slots=True)
class Tally:
    """What a caller counted of one day."""

    register: str
    sender: str
    day: date
    counts: Counts


class TallyFault(ValueError):
    """A payload is not a tally; `field` names what is wrong, where it is one of ours."""

    def __init__(self, field: str | None = None) -> None:
        super().__init__("not a tally")
        self.field = field


_ADAPTER = TypeAdapter(TallyMessage)
_FIELDS = frozenset({"protocol", "register", "sender", "sent_at", "day", "counts"})


def read_tally(payload: bytes) -> Tally:
    """Reads a tally's payload. Raises TallyFault."""
    try:
        message = _ADAPTER.validate_python(read_json(payload))
    except JsonFault:
        raise TallyFault from None
    except ValidationError as invalid:
        where = invalid.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        raise TallyFault(next((str(step) for step in where if step in _FIELDS), None)) from None
    day = date.fromisoformat(message.day)
    return Tally(message.register_, message.sender, day, counts_of(message.counts))


def write_tally(tally: Tally, sent_at: str) -> bytes:
    """The payload of a tally, ready to be signed. `sent_at` is RFC 3339."""
    return canonical(
        {
            "protocol": PROTOCOL,
            "register": tally.register,
            "sender": tally.sender,
            "sent_at": sent_at,
            "day": tally.day.isoformat(),
            "counts": counts_table(tally.counts),
        }
    )


def counts_of(message: CountsMessage) -> Counts:
    """Counts as they were read; kinds of which there was nothing are left out."""
    read = {kind: (count.accepted, count.held, count.refused) for kind, count in message.items()}
    return {kind: count for kind, count in read.items() if any(count)}


def counts_table(counts: Counts) -> dict[str, dict[str, int]]:
    """Counts as JSON has them."""
    return {kind: dict(zip(OUTCOMES, count, strict=True)) for kind, count in counts.items()}


def kind_of(raw: Any) -> str:
    """Under which kind a notice or record is counted: its 異動区分, `departure`, or `other`."""
    if not isinstance(raw, dict):
        return "other"
    word = raw.get("kind") if raw.get("kind") == "departure" else raw.get("change")
    return word if isinstance(word, str) and word in KINDS else "other"


def counted(answers: Mapping[str, tuple[str, str]]) -> Counts:
    """Counts of notices: id -> its kind and the outcome of its first answer."""
    return summed((kind, outcome, 1) for kind, outcome in answers.values())


def summed(answered: Iterable[tuple[str, str, int]]) -> Counts:
    """Counts of notices: kind, outcome of the first answer, how many."""
    counts: dict[str, list[int]] = {}
    for kind, outcome, notices in answered:
        counts.setdefault(kind, [0, 0, 0])[OUTCOMES.index(outcome.lower())] += notices
    return {kind: (count[0], count[1], count[2]) for kind, count in counts.items()}


def differing(one: Counts, other: Counts) -> list[str]:
    """The kinds of which two sides counted differently."""
    return sorted(kind for kind in one.keys() | other.keys() if one.get(kind) != other.get(kind))

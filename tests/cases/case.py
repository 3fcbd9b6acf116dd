"""事例一つ: what is sent, what is answered, what is logged; each has a number to find it by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

# No answer: the connection ends.
CUT = "cut off"
# No event: a peer that leaves in its own way is no news.
NOTHING = "nothing"
# The field of a log event that tells why.
_DETAIL = MappingProxyType(
    {
        "bridge_unreadable": "fault",
        "line_broke": "close_code",
        "notices_refused": "codes",
        "parcel_refused": "code",
        "peer_too_slow": "owed",
        "request_refused": "status",
        "request_unreadable": "fault",
        "tls_broke": "reason",
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """One row. `answer` is a status, a close code, an outcome code with its field, a TLS alert, or CUT."""

    number: str
    sent: str
    what: Any = field(repr=False)
    answer: str
    logged: str


def numbered(letter: str, rows: Iterable[tuple[str, Any, str, str]]) -> MappingProxyType[str, Case]:
    """Cases by number and name, which is what a test calls them; a new one goes to the end."""
    cases = (Case(f"{letter}{place:02}", *row) for place, row in enumerate(rows, 1))
    return MappingProxyType({f"{case.number} {case.sent}": case for case in cases})


def coded(code: str, field_name: str | None) -> str:
    """An outcome code and the field it names, if any."""
    return f"{code} {field_name}" if field_name else code


def told(event: Mapping[str, Any]) -> str:
    """What a log event says: its name and why."""
    why = event.get(_DETAIL[event["event"]])
    return f"{event['event']} {' '.join(why) if isinstance(why, Mapping) else why}"

"""橋に共通のこと: what both servers' use cases share: the permission, the evidence, the signed exchange."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.wire.bridge import Case

# Whether an office may have the number for an affair on a basis that day: None, or the outcome that says why
# not. Takes office, affair, basis, day.
Permit = Callable[[str, str, str, date], Outcome | None]


class PeerUnreachable(Exception):
    """The other server cannot be asked, is not who it must be, or did not answer as it must."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A signed answer that holds, and the digest of what it answers."""

    payload: bytes
    asked: str


class Correspondent(Protocol):
    """The other server, as one who can be asked."""

    async def exchange(self, payload: bytes, kind: str, reply_kind: str) -> Exchanged:
        """Signs and sends a payload of a kind; gives the signed answer. Raises PeerUnreachable."""
        ...


def leaf(register: str, event: str, **fields: Any) -> Leaf:
    """Evidence of one event of the bridge. It names no person but by number and keyed index."""
    payload = {"event": event, "register": register} | fields
    return evidence(payload)


def case_fields(case: Case) -> dict[str, str]:
    """What evidence says of a case: by what right, for whom, who approved."""
    return {
        "case": case.id,
        "office": case.office,
        "basis": case.basis,
        "affair": case.affair,
        "requested_by": case.requested_by,
        "approved_by": case.approved_by,
        "item": "individual_number",
    }


def moment_text(moment: datetime) -> str:
    """A moment as the messages write it: one text for one moment, whatever zone it came in."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")

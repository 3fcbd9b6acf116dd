"""A day to compare: some notices, what they count to, and the tally that says so."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jukinet_daemon.wire.envelope import TALLY_TYPE, seal
from jukinet_daemon.wire.tally import Tally, write_tally

from .notices import departure, juki_change
from .world import CsLine

CORRECTION = {"change": "correction", "cause": "minor_correction"}


def today() -> date:
    return datetime.now(ZoneInfo("Asia/Tokyo")).date()


def tally(line: CsLine, counts: Any, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "register": line.register,
        "sender": line.municipality,
        "day": today(),
    } | changes
    return seal(
        write_tally(Tally(counts=counts, **fields), datetime.now(UTC).isoformat()),
        TALLY_TYPE,
        line.caller.key,
    )


async def some_notices(line: CsLine) -> None:
    """Two entries, a correction told twice, one held, one refused, an id misused, and one without an id."""
    entry = juki_change()
    correction = juki_change(**CORRECTION, person=entry["person"])
    await line.tell(entry, juki_change(), correction)
    await line.tell(correction, departure(), juki_change(area="401013"))
    await line.tell(juki_change(id=entry["id"]), juki_change(id=...), juki_change(id=entry["id"]))


COUNTS = {"entry": (2, 0, 1), "correction": (1, 0, 0), "departure": (0, 1, 0)}

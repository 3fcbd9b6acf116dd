"""日次照合: counts a sender's notices of a day from what is kept, and compares with its counts."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import structlog

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.comparison import Compared, Comparisons
from jukinet_daemon.wire.envelope import digest_of
from jukinet_daemon.wire.tally import Counts, Tally, counts_table, differing, summed

log = structlog.get_logger()

TOLD_DAYS = 14
# The peer of a comparison that is no municipality.
NATIONAL = "national"


class Comparer:
    """Compares one register's days with its senders."""

    def __init__(self, register: str, store: Comparisons, clock: Clock) -> None:
        self._register = register
        self._store = store
        self._clock = clock

    def is_ahead(self, day: date) -> bool:
        """Whether nothing can have been received on a day yet."""
        return day > self._clock().date()

    async def compare(self, tally: Tally, signed: str) -> dict[str, object]:
        """Compares and keeps the result; gives what the reply says. Raises StoreFault."""
        ours = await self._count(tally.sender, tally.day)
        kinds = differing(tally.counts, ours)
        theirs, own = counts_table(tally.counts), counts_table(ours)
        compared = Compared(tally.sender, tally.day, theirs, own, tuple(kinds))
        await self._store.store(compared, signed, self._leaf(compared, signed))
        if kinds:
            log.warning("counts_differ", sender=tally.sender, day=tally.day.isoformat(), kinds=kinds)
        return {"day": tally.day.isoformat(), "counts": own, "differing": kinds}

    async def _count(self, sender: str, day: date) -> Counts:
        begin = datetime.combine(day, time(), self._clock().tzinfo)
        return summed(await self._store.counted(sender, begin, begin + timedelta(days=1)))

    def _leaf(self, compared: Compared, signed: str) -> Leaf:
        payload = {
            "event": "days_compared",
            "register": self._register,
            "sender": compared.peer,
            "day": compared.day.isoformat(),
            "tally_digest": digest_of(signed),
            "differing": list(compared.differing),
            "at": self._clock().isoformat(timespec="milliseconds"),
        }
        return evidence(payload)


class ComparisonDesk:
    """What people see of the comparisons of the last two weeks."""

    def __init__(self, store: Comparisons, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def part(self) -> dict[str, Any]:
        """The part of the status report. Raises StoreFault."""
        compared = await self._store.since(self._clock().date() - timedelta(days=TOLD_DAYS))
        return {
            "compared": len(compared),
            "newest": max((item.day.isoformat() for item in compared), default=None),
            "national": max(
                (item.day.isoformat() for item in compared if item.peer == NATIONAL), default=None
            ),
            "differing": [
                {
                    "peer": item.peer,
                    "day": item.day.isoformat(),
                    "kind": kind,
                    "theirs": item.theirs.get(kind),
                    "ours": item.ours.get(kind),
                }
                for item in compared
                for kind in item.differing
            ],
        }


def comparison_problems(report: Mapping[str, Any]) -> list[str]:
    """The days on which both sides counted differently, in words."""
    comparison = report.get("comparison")
    return [_problem(item) for item in (comparison["differing"] if comparison else ())]


def _problem(item: Mapping[str, Any]) -> str:
    words = (
        f"{item['day']} の {item['kind']} の件数が食い違う"
        f" (先方 {_words(item['theirs'])}, 当方 {_words(item['ours'])})。その日の通知番号を突き合わせる"
    )
    if item["peer"] == NATIONAL:
        return f"全国サーバ: {words} / the national server counts a day otherwise"
    return f"{item['peer']}: {words} / daily counts differ"


def _words(count: Mapping[str, int] | None) -> str:
    held = count or {"accepted": 0, "held": 0, "refused": 0}
    return f"適用 {held['accepted']} 保留 {held['held']} 拒否 {held['refused']}"

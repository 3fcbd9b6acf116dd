"""個人番号の重なり: residents whose records that hold good show one 個人番号, told by their notices alone."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.shared_numbers import Holder, SharedNumberStore

# The database keeps so many numbers of a look, and so many residents of each (0092_shared_number).
MOST_KEPT, MOST_HOLDERS = 100, 8
# A problem for each of these, and the rest counted; the report has all that are kept.
MOST_TOLD = 8
# The database looks every six hours. When it has not for twice as long, nobody knows of what came since.
LOOK_OVERDUE = timedelta(hours=12)


class SharedNumbers:
    """What health tells of numbers that are shared. Only the register that keeps 個人番号 has any."""

    def __init__(self, store: SharedNumberStore, areas: Areas, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._areas = areas
        self._clock = clock
        self._metrics = metrics

    async def part(self) -> dict[str, Any]:
        """The part of the status report. Raises StoreFault."""
        looked_at, found = await self._store.looked_at(), await self._store.found()
        self._metrics.shared_numbers.set(len(found))
        now = self._clock()
        age = max(0.0, (now - looked_at).total_seconds())
        self._metrics.shared_numbers_age.set(age)
        return {
            "looked_at": looked_at.astimezone(now.tzinfo).isoformat(timespec="seconds"),
            "seconds": round(age),
            "found": [[self._told(holder) for holder in holders] for holders in found],
        }

    def _told(self, holder: Holder) -> dict[str, str]:
        # An area that was merged into another is not in the table any more.
        name = self._areas[holder.area].name if holder.area in self._areas else holder.area
        return {"notice": holder.notice, "area": holder.area, "name": name}


def shared_number_problems(report: Mapping[str, Any]) -> list[str]:
    """Numbers that are shared, in words."""
    shared = report.get("shared_numbers")
    if not shared:
        return []
    found = shared["found"]
    problems = [
        f"同じ個人番号が {_count(holders, MOST_HOLDERS)} 人の記録にある: {_words(holders)}"
        " / residents share one 個人番号"
        for holders in found[:MOST_TOLD]
    ]
    if (more := len(found) - MOST_TOLD) > 0:
        least = " 以上" if len(found) >= MOST_KEPT else ""
        problems.append(f"同じ個人番号がほか {more} 組{least}ある / residents share one 個人番号")
    if shared["seconds"] > LOOK_OVERDUE.total_seconds():
        problems.append(
            f"個人番号の重なりを {shared['looked_at']} から調べていない / shared numbers are not looked for"
        )
    return problems


def _count(holders: Sequence[object], most: int) -> str:
    return f"{len(holders)}{' 以上' if len(holders) >= most else ''}"


def _words(holders: list[dict[str, str]]) -> str:
    return "、".join(f"{holder['name']} (通知 {holder['notice']})" for holder in holders)

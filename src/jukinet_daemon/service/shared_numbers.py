"""個人番号の重なり: residents whose records that hold good show one 個人番号, told by their notices alone."""

from collections.abc import Mapping
from typing import Any

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.shared_numbers import Holder, SharedNumberStore

# The database keeps so many numbers of a look (0092_shared_number): there may be more.
MOST_KEPT = 100
# A problem for each of these, and the rest counted; the report has all that are kept.
MOST_TOLD = 8


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
        zone = self._clock().tzinfo
        return {
            "looked_at": looked_at.astimezone(zone).isoformat(timespec="seconds") if looked_at else None,
            "found": [[self._told(holder) for holder in holders] for holders in found],
        }

    def _told(self, holder: Holder) -> dict[str, str]:
        # An area that was merged into another is not in the table any more.
        name = self._areas[holder.area].name if holder.area in self._areas else holder.area
        return {"notice": holder.notice, "area": holder.area, "name": name}


def shared_number_problems(report: Mapping[str, Any]) -> list[str]:
    """Numbers that are shared, in words."""
    shared = report.get("shared_numbers")
    found = shared["found"] if shared else []
    problems = [
        f"同じ個人番号が {len(holders)} 人の記録にある: {_words(holders)} / residents share one 個人番号"
        for holders in found[:MOST_TOLD]
    ]
    if (more := len(found) - MOST_TOLD) > 0:
        least = " 以上" if len(found) >= MOST_KEPT else ""
        problems.append(f"同じ個人番号がほか {more} 組{least}ある / residents share one 個人番号")
    return problems


def _words(holders: list[dict[str, str]]) -> str:
    more = len(holders) - MOST_TOLD
    told = "、".join(f"{holder['name']} (通知 {holder['notice']})" for holder in holders[:MOST_TOLD])
    return told + (f" ほか {more} 人" if more > 0 else "")

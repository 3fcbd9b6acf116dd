"""数値: quantiles and medians as they go into bench.json."""

import statistics
from collections.abc import Iterable, Sequence


def milliseconds(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p99, p999 and the longest of some times, in milliseconds. There must be at least one."""
    ordered = sorted(seconds)
    named = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "longest": 1.0}
    table = {name: round(_quantile(ordered, share) * 1000, 2) for name, share in named.items()}
    return table | {"count": len(ordered)}


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed."""
    place = -int(-share * len(ordered) // 1) - 1
    return ordered[min(max(place, 0), len(ordered) - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most of what several rounds gave."""
    return {
        "median": round(statistics.median(values), 3),
        "least": round(min(values), 3),
        "most": round(max(values), 3),
    }

"""目標: what each figure must come to, and whether it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """A key of bench.json: what it says (docs/performance.md tells more), its unit, its bar, its aim.

    `most` says that less is better. A figure without a `bar` is reported only.
    """

    key: str
    text: str
    unit: str = ""
    bar: float | None = None
    aim: float | None = None
    most: bool = False

    def met(self, value: float | None) -> bool | None:
        """Whether a value is as it must be; None where there is no bar or no value."""
        if value is None or self.bar is None:
            return None
        return value <= self.bar if self.most else value >= self.bar


TARGETS = (
    Target("ack_vs_pgbench", "受領の速さ、64件の電文、pgbench の", "倍", 1.0, 1.5),
    Target("ack_single_vs_pgbench", "受領の速さ、1件の電文、pgbench の", "倍", 0.3, 0.4),
    Target("end_to_end_vs_pgbench", "全国サーバの受領証まで、pgbench の", "倍", 0.5),
    Target("ack_vs_practitioner", "受領の速さ、nginx と FastAPI と asyncpg の", "倍", 5),
    Target("rate_at_5m_vs_empty", "五百万人の台帳で、空の台帳の", "倍", 0.8),
    Target("fair_p99_ratio", "大都市の洪水のときの小さな町の待ち、ないときの", "倍", 3, most=True),
    Target("rss_mib", "六十市区町村の洪水のときのメモリ", "MiB", 160, most=True),
    Target("latency_ms", "毎秒500件のときの所要時間", "ms"),
    Target("bridge_lookups_per_s", "橋: 所属の名簿の照会、毎秒", "人"),
    Target("bridge_vs_select", "橋の照会、同じ SELECT を pgbench で行うときの", "倍"),
    Target("import_s", "コードの読込み", "s", aim=0.5, most=True),
    Target("start_s", "起動から READY まで", "s", aim=1.0, most=True),
)


def judged(figures: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each target beside what was reached."""
    return {
        target.key: {
            ("at_most" if target.most else "at_least"): target.bar,
            "aim": target.aim,
            "value": figures.get(target.key),
            "met": target.met(figures.get(target.key)) if target.bar is not None else None,
        }
        for target in TARGETS
    }

"""The tables of docs/performance.md are what the files of a run say."""

from typing import Any

from benchmarks.report import profiled, results
from benchmarks.stages import OTHER, STEPS
from benchmarks.targets import TARGETS

TIMES = {"p50": 1.0, "p99": 20.4, "p999": 30.0, "longest": 31.0, "count": 10}
RUN = {"others_share_of_machine": 0.25, "wal_bytes_each": 2048}
BENCH: dict[str, Any] = {
    "ack_vs_pgbench": 1.25,
    "ack_single_vs_pgbench": 0.2,
    "end_to_end_vs_pgbench": 0.5,
    "ack_vs_practitioner": None,
    "rate_at_5m_vs_empty": 0.9,
    "fair_p99_ratio": 2.0,
    "rss_mib": 99.5,
    "latency_ms": {"durable": TIMES, "national_receipt": TIMES},
    "bridge_lookups_per_s": 400.0,
    "bridge_vs_select": 0.05,
    "import_s": 0.4,
    "start_s": 0.9,
    "seconds": 600,
    "machine": {"at": "2026-11-24T20:00:00", "cpus": 2, "memory_gib": 8, "system": "Linux", "python": "3.11"},
    "raw": {
        "ack": {
            "rates": {"parcels_of_64": 1, "parcels_of_1": 2, "pgbench_best": 3, "pgbench_writes_only": 4},
            "ack_vs_pgbench_writes_only": 1.1,
            "ack_vs_pgbench_by_round": {"least": 1.0, "most": 1.5},
            "cpu_ratio": 1.3,
            "rounds": [{"parcels_of_64": [RUN, RUN]}],
        },
        "end_to_end": {"with_the_relay_apart": 0.6},
        "held": {
            "people": 5_000_000,
            "database_gib": 7.9,
            "filled_in_s": 200.0,
            "runs": {"file_empty": [RUN], "file_held": [RUN]},
        },
        "fairness": {
            "alone_ms": TIMES,
            "beside_parcels_of_64_ms": TIMES,
            "beside_parcels_of_500_ms": TIMES,
            "idle_rss_mib": 70.0,
        },
        "backlog": {"notices": 50_000, "all_durable_s": 9, "all_relayed_s": 12, "fresh_of_others_ms": TIMES},
        "first_load": {"people": 30_000, "rate": 2500.0, "whole_prefecture_hours": 0.57},
        "night": {"people": 30_000, "rate": 3000.0, "all_relayed_s": 15, "others_ms": TIMES},
    },
}


def test_every_key_has_its_row_and_says_whether_it_is_met() -> None:
    rows = {line.split("`")[1]: line for line in results(BENCH) if line.count("|") == 6 and "`" in line}
    assert {target.key for target in TARGETS} <= set(rows)
    assert rows["ack_vs_pgbench"] == "| `ack_vs_pgbench` | 1.25 | ≥ 1 | ≥ 1.5 | met |"
    assert rows["ack_single_vs_pgbench"].endswith("| **not met** |")
    assert "not measured" in rows["ack_vs_practitioner"]
    assert "durable: 1 / 20 / 30 ms" in rows["latency_ms"]
    assert rows["rss_mib"] == "| `rss_mib` | 99.5 MiB | ≤ 160 |  | met |"


def test_the_run_says_what_others_took_of_the_machine() -> None:
    assert "others used 25% of the machine" in next(results(BENCH))


def test_the_profile_has_every_part_and_every_process() -> None:
    parts = {step.name: 1.0 for step in (*STEPS, OTHER)}
    made = {
        "rate": 3000,
        "samples": 1000,
        "daemon_us": parts,
        "cpu_us_each": {"daemon": 12.0, "postgres": 150.0},
    }
    lines = list(profiled(made))
    assert [line.split(" | ")[0].strip("| ") for line in lines[4:]] == [*parts, "**daemon**", "**postgres**"]

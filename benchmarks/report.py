"""結果の表: build/bench.json and build/profile.json, written into docs/performance.md."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.stages import OTHER, STEPS
from benchmarks.targets import TARGETS, Target

DOCUMENT = Path("docs/performance.md")
BUILD = Path("build")
_QUANTILES = ("p50", "p99", "p999")


def results(bench: Mapping[str, Any]) -> Iterator[str]:
    """One run as Markdown: the keys with their bars, then what stands behind them."""
    machine = bench["machine"]
    yield (
        f"Run of {machine['at'][:10]}, {machine['cpus']} cores, {machine['memory_gib']:.0f} GiB, "
        f"{machine['system']}, Python {machine['python']}, {bench['seconds'] / 60:.0f} minutes; "
        f"others used {_others(bench):.0%} of the machine meanwhile."
    )
    yield ""
    yield "| key | value | bar | aim | |"
    yield "| --- | --- | --- | --- | --- |"
    for target in TARGETS:
        yield _row(target, bench.get(target.key))
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    yield from (f"| {what} | {value} |" for what, value in _behind(bench["raw"]))


def profiled(profile: Mapping[str, Any]) -> Iterator[str]:
    """The profile as Markdown: microseconds of CPU a notice."""
    yield f"At {profile['rate']:,.0f} notices a second, {profile['samples']:,} samples."
    yield ""
    yield "| part | | µs |"
    yield "| --- | --- | --- |"
    for step in (*STEPS, OTHER):
        yield f"| {step.name} | {step.text} | {profile['daemon_us'][step.name]:.0f} |"
    for name, used in profile["cpu_us_each"].items():
        yield f"| **{name}** | in all | {used:.0f} |"


def _row(target: Target, value: Any) -> str:
    sign = "≤" if target.most else "≥"
    bar, aim = ("" if limit is None else f"{sign} {limit:g}" for limit in (target.bar, target.aim))
    met = target.met(value) if isinstance(value, int | float) else None
    mark = {True: "met", False: "**not met**", None: ""}[met]
    return f"| `{target.key}` | {_value(target, value)} | {bar} | {aim} | {mark} |"


def _value(target: Target, value: Any) -> str:
    if value is None:
        return "not measured"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_times(value[name])}" for name in ("durable", "national_receipt"))
    return f"{value:g}" if target.unit == "倍" else f"{value:g} {target.unit}"


def _times(times: Mapping[str, float]) -> str:
    return " / ".join(f"{times[name]:.0f}" for name in _QUANTILES) + " ms"


def _behind(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ack, whole, held = raw["ack"], raw["end_to_end"], raw["held"]
    fair, backlog, load, night = raw["fairness"], raw["backlog"], raw["first_load"], raw["night"]
    yield (
        "acknowledged a second, parcels of 64 and of 1",
        _rates(ack["rates"], "parcels_of_64", "parcels_of_1"),
    )
    yield "pgbench, best; without the reads", _rates(ack["rates"], "pgbench_best", "pgbench_writes_only")
    yield "`ack_vs_pgbench_writes_only`", str(ack["ack_vs_pgbench_writes_only"])
    spread = ack["ack_vs_pgbench_by_round"]
    yield "`ack_vs_pgbench` by round, least and most", f"{spread['least']}, {spread['most']}"
    yield "the same as a ratio of CPU, all processes", str(ack["cpu_ratio"])
    yield "`end_to_end_vs_pgbench` with the relay in a process of its own", str(whole["with_the_relay_apart"])
    wal_kib = {name: runs[-1]["wal_bytes_each"] / 1024 for name, runs in held["runs"].items()}
    filled = f"{held['database_gib']} GiB, {held['filled_in_s']:.0f} s"
    yield f"{held['people']:,} held: database, filled in", filled
    yield "WAL a notice with them, and on an empty file", _kib(wal_kib["file_held"], wal_kib["file_empty"])
    yield "a small town alone, p50 / p99 / p999", _times(fair["alone_ms"])
    yield "beside a flood in parcels of 64", _times(fair["beside_parcels_of_64_ms"])
    yield "beside a flood in parcels of 500", _times(fair["beside_parcels_of_500_ms"])
    yield "memory before any flood", f"{fair['idle_rss_mib']} MiB"
    yield (
        f"a backlog of {backlog['notices']:,}: all durable, all relayed",
        f"{backlog['all_durable_s']:.0f} s, {backlog['all_relayed_s']:.0f} s",
    )
    yield "fresh notices of the others meanwhile", _times(backlog["fresh_of_others_ms"])
    yield (
        f"first load of {load['people']:,}: a second; a whole prefecture of 5.1 million",
        f"{load['rate']:,.0f}; {load['whole_prefecture_hours']} h",
    )
    yield (
        f"a night's bulk of {night['people']:,}: a second; all relayed after",
        f"{night['rate']:,.0f}; {night['all_relayed_s']:.0f} s",
    )
    yield "the others meanwhile", _times(night["others_ms"])


def _kib(*sizes: float) -> str:
    return ", ".join(f"{size:.0f} KiB" for size in sizes)


def _rates(rates: Mapping[str, float], *names: str) -> str:
    return ", ".join(f"{rates[name]:,.0f}" for name in names)


def _others(bench: Mapping[str, Any]) -> float:
    runs = [run for each in bench["raw"]["ack"]["rounds"] for run in each["parcels_of_64"]]
    shares: list[float] = [run["others_share_of_machine"] for run in runs]
    return sum(shares) / len(shares)


def main() -> None:
    """Writes both tables into the document."""
    text = DOCUMENT.read_text("utf-8")
    for name, lines in (("bench", results), ("profile", profiled)):
        made = "\n".join(lines(json.loads((BUILD / f"{name}.json").read_text("utf-8"))))
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\g<1>{made}\n\g<2>", text, flags=re.DOTALL)
    DOCUMENT.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

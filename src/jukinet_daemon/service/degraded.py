"""縮退: what still works when something is away, what stops, and how long until then."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from jukinet_daemon.service.pulse import CLOCK_TOLERANCE_S, DISK_FULL_PERCENT, JUMP_S

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something that can be away: what goes on without it, and what stops."""

    name: str
    works: str
    stops: str


DEPENDENCIES = (
    Dependency("national", "通知の受領と応答・保留の決着", "全国サーバへの通知 (送り待ちに残る)"),
    Dependency(
        "database", "戸口の開閉・健康の表示", "受領 (すべて LATER と答え、市区町村が送り直す)・送り・操作"
    ),
    Dependency("read_only", "照会・健康の表示", "受領 (すべて LATER)・送り・操作"),
    Dependency("disk", "満ちるまではすべて", "満ちると受領・送り・操作"),
    Dependency(
        "clock",
        "受領・送り (順序は時計によらない)",
        "通知の日と保存期間の起算日が狂う。証明書・失効リストの期限の判定も",
    ),
    Dependency("certificate", "期限まではすべて", "期限の後は新しい接続"),
    Dependency("crl", "期限まではすべて", "期限の後は市区町村からの新しい接続すべて"),
    Dependency(
        "credentials",
        "前の証明書と鍵で、その期限まではすべて",
        "新しい証明書と鍵は使われない。前の証明書の期限の後は新しい接続",
    ),
    Dependency(
        "trust",
        "前の認証局と失効リストで、その期限まではすべて",
        "新しい失効と新しい認証局は効かない。前の失効リストの期限の後は市区町村からの新しい接続すべて",
    ),
    Dependency(
        "witness",
        "受領・応答・送り・操作 (受領書はそのまま有効)",
        "新しい葉を外の者が覚えていない。末尾を切り取られても、その間のものは外から見えない",
    ),
    Dependency("bridge", "受領・送り・操作", "橋での個人番号の提供 (B500 と答える。新しい案件で求め直す)"),
    Dependency(
        "bridge_national",
        "受領・送り・操作・県内に最終住所のある者の提供",
        "他県に最終住所のある者の個人番号の提供 (B500 と答える。新しい案件で求め直す)",
    ),
)


@dataclass(frozen=True, slots=True)
class Mode:
    """How one dependency stands: whether all is well, and the seconds until it stops something (0: done)."""

    ok: bool
    works: str
    stops: str
    seconds_left: float | None


def degraded(report: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the status report: every dependency by name."""
    found = {
        "national": _national(report),
        "database": _away(report["database"]["ok"] and not report["pulse"]["fault"]),
        "read_only": _away(not report["pulse"]["read_only"]),
        "disk": _disk(report),
        "clock": _away(not _clock_is_wrong(report)),
        "certificate": _expiry(report, "certificate"),
        "crl": _expiry(report, "crl"),
        "credentials": _unusable(report, "own", _expiry(report, "certificate")[1]),
        # A revocation that does not count is lost already.
        "trust": _unusable(report, "trust", 0.0),
        "witness": _witness(report),
        # The bridge has no standing line: how the last question to the other server went is what is known.
        "bridge": _away(not report["doors"].get("bridge", {}).get("peer_fault")),
        "bridge_national": _away(not report["doors"].get("bridge", {}).get("national_fault")),
    }
    return {
        one.name: asdict(Mode(found[one.name][0], one.works, one.stops, found[one.name][1]))
        for one in DEPENDENCIES
    }


def _away(ok: bool) -> tuple[bool, float | None]:
    return ok, None if ok else 0.0


def _unusable(report: Mapping[str, Any], half: str, left: float | None) -> tuple[bool, float | None]:
    ok = all(item["half"] != half for item in report["credentials"])
    return ok, None if ok else left


def _national(report: Mapping[str, Any]) -> tuple[bool, float | None]:
    """Without the national server records wait on the disk: there is time until that is full."""
    relay = report.get("relay")
    ok = relay is None or relay["connected"] or relay["standby"]
    return ok, None if ok else _until_full(report)


def _disk(report: Mapping[str, Any]) -> tuple[bool, float | None]:
    # One limit for both: what stands as a problem is not well here.
    full = [disk for disk in report["pulse"]["disks"] if disk["used_percent"] >= DISK_FULL_PERCENT]
    return not full, _until_full(report)


def _witness(report: Mapping[str, Any]) -> tuple[bool, float | None]:
    """What no witness holds yet is young as a rule; past the patience, or without a seal, it is not well."""
    ledger = report.get("ledger")
    if ledger is None:
        return True, None
    if not ledger["sealing"] or ledger["conflicts"]:
        return False, 0.0
    if ledger["unwitnessed_service_seconds"] is None:
        return True, None
    left = max(0.0, ledger["patience_seconds"] - ledger["unwitnessed_service_seconds"])
    return left > 0, left


def _until_full(report: Mapping[str, Any]) -> float | None:
    left = [disk["seconds_left"] for disk in report["pulse"]["disks"] if disk["seconds_left"] is not None]
    return min(left, default=None)


def _clock_is_wrong(report: Mapping[str, Any]) -> bool:
    clock = report["pulse"]["clock"]
    jumped, ahead = clock["jumped_seconds"], clock["database_ahead_seconds"] or 0.0
    return bool(abs(jumped) >= JUMP_S or abs(ahead) >= CLOCK_TOLERANCE_S)


def _expiry(report: Mapping[str, Any], name: str) -> tuple[bool, float | None]:
    days = [item["days_left"] for item in report["certificates"] if item["name"] == name]
    left = max(0.0, min(days) * _DAY_S) if days else None
    return left is None or left > 0, left

"""jukinetctl diagnose: why a peer cannot connect, seen from this server or from the peer's own machine."""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from jukinet_daemon.cli.about_peer import about
from jukinet_daemon.cli.as_client import Finding, Visit, visit
from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.cli.plain import as_it_stands, plain
from jukinet_daemon.cli.status import busy
from jukinet_daemon.config import load_config
from jukinet_daemon.domain.area import Areas
from jukinet_daemon.pki.tls import TlsFiles
from jukinet_daemon.schemas import read_areas

CLOCK_TOLERANCE_S = 5.0
_OUTWARD = (
    "こちらの証明書で --as-client --url ({url}) --server spiffe://.../{server}/... を試す"
    " / we call it: try --as-client with our own files"
)
# A hand's way is not the unit's: no address list stands before a shell.
_LISTED = (
    "手で通じるなら、ユニットの IPAddressAllow= に宛先か、名前を引く先がない"
    " / if that works, the unit's IPAddressAllow= lacks the address or the resolver"
)
# Whom the bridge calls: the fault that its door tells of, and how to go the same way by hand.
_CALLED = {
    "peer_fault": (
        "橋の相手への問い合わせ / questions to the other server",
        ("[bridge] peer", "pref"),
    ),
    "national_fault": (
        "全国サーバへの問い合わせ / questions to the national server",
        ("[bridge] national", "national"),
    ),
}
_FILES = {
    "certificate": "相手の証明書 / its certificate (PEM)",
    "key": "その秘密鍵 / its private key (PEM)",
    "ca": "認証局の証明書 / the root bundle (PEM)",
    "crl": "失効リスト / the CRL (PEM)",
}


def add_diagnose(parser: argparse.ArgumentParser) -> None:
    """Adds whom to ask about, and what is needed to try as that peer would."""
    whom = "団体コード, URI, アドレス, national / whom: code, URI, address, or `national`"
    parser.add_argument("peer", nargs="?", help=whom)
    parser.add_argument("--config", type=Path, metavar="FILE", help="この機械のサーバの設定 / of our server")
    parser.add_argument("--as-client", action="store_true", help="相手の側から試す / try as the peer would")
    parser.add_argument(
        "--url", help="相手先 / where to call: wss://HOST:PORT/notices, https://HOST:PORT/bridge"
    )
    parser.add_argument("--server", help="相手先の URI / whom to find there: spiffe://DOMAIN/pref/juki")
    for name, text in _FILES.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=text)
    parser.add_argument("--json", action="store_true", help="機械が読む形で出す / for programs")


def diagnose(options: argparse.Namespace) -> int:
    """Says what it found, step by step; exit status 2 when something stands in the way."""
    findings = _as_client(options) if options.as_client else _as_server(options)
    if options.json:
        told = [{"step": f.step, "ok": f.ok, "text": f.text} for f in findings]
        print(plain(json.dumps(told, ensure_ascii=False, indent=1)))
    else:
        console = Console()
        for finding in findings:
            mark = "○" if finding.ok else "×"
            line = as_it_stands(f"{mark} {finding.step}: {finding.text}")
            console.print(line, soft_wrap=True, highlight=False)
    return 0 if all(finding.ok for finding in findings) else 2


def _as_client(options: argparse.Namespace) -> list[Finding]:
    missing = [f"--{name}" for name in ("url", "server", *_FILES) if not getattr(options, name)]
    if missing:
        raise CommandFault(f"{' '.join(missing)} を指定してください / give these too")
    files = TlsFiles(options.certificate, options.key, options.ca, options.crl)
    return asyncio.run(visit(Visit(options.url, options.server, files)))


def _as_server(options: argparse.Namespace) -> list[Finding]:
    if not options.config:
        raise CommandFault("--config か --as-client を指定してください / give one of these")
    config = load_config(options.config)
    return findings_in(ask(config, "GET", "/status"), options.peer, read_areas(config.rules.areas))


def findings_in(report: dict[str, Any], peer: str | None, areas: Areas) -> list[Finding]:
    """What a server's report says of its doors, files and clock, and of one peer or all refused."""
    found = _maintained(report.get("maintenance", {}))
    found += [
        Finding(f"戸口 / door {name}", door["open"], f"{door['listen']} {busy(door)}")
        for name, door in report["doors"].items()
    ]
    found += [
        Finding(item["name"], item["days_left"] > 0, f"残り {item['days_left']} 日 / days left")
        for item in report["certificates"]
    ]
    found += [Finding(f"書類 / files ({f['half']})", False, f["fault"]) for f in report["credentials"]]
    return [
        *found,
        *_relay(report.get("relay")),
        *_bridge(report),
        *_clocks(report),
        *about(report, peer, areas),
    ]


def _maintained(maintenance: dict[str, Any]) -> list[Finding]:
    """What is before every other cause while it lasts: nobody is let in."""
    if not maintenance.get("on"):
        return []
    told = f"{maintenance['until']} まで新しい通知を断る / new work is refused until then"
    return [Finding("保守中 / under maintenance", False, f"{told}: {maintenance['reason'] or '-'}")]


def _relay(relay: dict[str, Any] | None) -> list[Finding]:
    """The line to the national server, which we open: nobody else can be asked why it is not."""
    if relay is None:
        return []
    step = "全国サーバとの回線 / line to the national server"
    if relay["connected"] or relay["standby"]:
        return [Finding(step, True, "つながっている / open" if relay["connected"] else "待機 / stands by")]
    why = relay["fault"] or "まだつながらないか、送りの処理がない / not open yet, or no process relays"
    return [Finding(step, False, _outward(why, "[national] url", "national"))]


def _bridge(report: dict[str, Any]) -> list[Finding]:
    """What became of the last question to each whom the bridge asks, where there was no answer."""
    door = report["doors"].get("bridge", {})
    return [
        Finding(step, False, _outward(fault, *way))
        for name, (step, way) in _CALLED.items()
        if (fault := door.get(name))
    ]


def _outward(fault: str, url: str, server: str) -> str:
    """What became of a call of ours, and what to try; who was not reached may be on no list of the unit."""
    told = f"{fault}: {_OUTWARD.format(url=url, server=server)}"
    return f"{told}。{_LISTED}" if fault.startswith("cannot be ") else told


def _clocks(report: dict[str, Any]) -> list[Finding]:
    """Our clock beside the others that are known, and the steps that it made."""
    if not report["database"]["ok"]:
        return [Finding("データベース / database", False, "応答がない / does not answer")]
    found = [_clock("データベースの時計は", "its clock against ours", report["database"]["clock_ahead_s"])]
    national = (report.get("relay") or {}).get("clock_ahead_s")
    if national is not None:
        found.append(_clock("全国サーバの時計は", "its clock against ours", national))
    if jumped := report["pulse"]["clock"]["jumped_seconds"]:
        found.append(_clock("この機械の時計が動かされた", "our clock was set, within the hour", jumped))
    return found


def _clock(whose: str, english: str, ahead: float) -> Finding:
    return Finding("時計 / clock", abs(ahead) <= CLOCK_TOLERANCE_S, f"{whose} {ahead:+z.1f} 秒 / {english}")

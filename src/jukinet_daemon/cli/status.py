"""jukinetctl status: what the running server says of itself."""

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.control import ask
from jukinet_daemon.cli.plain import as_it_stands, plain
from jukinet_daemon.config import Config


def show_status(config: Config, options: argparse.Namespace) -> int:
    """Shows what the running server says of itself; exit status 2 when something needs somebody."""
    report = ask(config, "GET", "/status")
    if options.json:
        print(plain(json.dumps(report, ensure_ascii=False, indent=1)))
    else:
        _print_status(report, Console())
    return 2 if report["problems"] else 0


def busy(door: Mapping[str, Any]) -> str:
    """How much comes to a door: the bridge counts questions, for it keeps no connection beyond them."""
    return f"問い合わせ {door['asked']} 件" if "asked" in door else f"接続 {door.get('connections', 0)}"


def _checkpoint(ledger: Mapping[str, Any]) -> str:
    age = ledger["checkpoint_seconds"]
    return f"{ledger['size']:,} 葉  控え {age} 秒前" if age is not None else "封印なし"


# What the parts of a report come to, a row each: name of the part, label, words.
_PARTS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("silence", "ふだんより長く通知のない市区町村", lambda silence: f"{len(silence['silent'])}"),
    (
        "comparison",
        "日次照合 (14日)",
        lambda days: f"{days['compared']} 回  食い違い {len(days['differing'])}",
    ),
    ("comparison", "全国サーバとの日次照合", lambda days: f"{days['national'] or 'なし'} まで"),
    (
        "numbers",
        "欠番・重番",
        lambda numbers: f"{len(numbers['missing'])} 箇所・{len(numbers['reused'])} 件",
    ),
    ("ledger", "証跡の封印", _checkpoint),
    (
        "ledger",
        "証人 (控えを持つ市区町村)",
        lambda ledger: f"{ledger['witnessed']:,} 葉まで  {ledger['witnesses']} 市区町村",
    ),
)


def _print_status(report: dict[str, Any], console: Console) -> None:
    console.print(status_table(report))
    for problem in report["problems"]:
        console.print(as_it_stands(f"! {problem}"))
    if not report["problems"]:
        console.print("異常なし / all is well")


def status_table(report: Mapping[str, Any]) -> Table:
    """The state of a server as a table."""
    table = Table(title=f"{report['server']} ({report['register']})  {report['time']}", show_header=False)
    for name, door in report["doors"].items():
        state = "開" if door["open"] else "閉"
        told = f"{state}  {door['listen']}  {busy(door)}"
        table.add_row(as_it_stands(f"戸口 {name}"), as_it_stands(told))
    table.add_row("データベース", "応答あり" if report["database"]["ok"] else "応答なし")
    if "outbox" in report:
        outbox = report["outbox"]
        table.add_row("全国サーバへの送り待ち", f"{outbox['records']} 件  最古 {outbox['oldest_seconds']} 秒")
        table.add_row("確認を待つ通知", f"{report['held']} 件")
        heard = sum(1 for item in report["municipalities"] if item["last_notice"])
        table.add_row("通知のあった市区町村", f"{heard} / {len(report['municipalities'])}")
    if relay := report.get("relay"):
        state = "接続" if relay["connected"] else "待機" if relay["standby"] else "切断"
        table.add_row("全国サーバとの回線", state)
    for name, label, words in _PARTS:
        if part := report.get(name):
            table.add_row(label, "調べられない" if "fault" in part else words(part))
    for item in report["certificates"]:
        table.add_row(as_it_stands(f"期限 {item['name']}"), f"残り {item['days_left']} 日")
    return table

"""jukinetctl: what administrators and operators do with a server."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.cli.held import add_held, held
from jukinet_daemon.config import Config, ConfigFault, load_config
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.migrate import migrate, schema_version_of


def check_config(config: Config, options: argparse.Namespace) -> int:
    """Says that the configuration is sound; whatever is wrong was said when it was loaded."""
    if options.json:
        print(json.dumps({"register": config.register_, "problems": []}))
    else:
        print(f"{options.config}: 正しい設定です ({config.register_}) / sound")
    return 0


def migrate_database(config: Config, options: argparse.Namespace) -> int:
    """Brings the database to this program's schema."""
    try:
        applied = asyncio.run(migrate(config.database.dsn, config.register_))
    except StoreFault as fault:
        raise CommandFault(f"データベースを移行できません / cannot migrate: {fault}") from None
    if options.json:
        print(json.dumps({"applied": [step.version for step in applied]}))
        return 0
    for step in applied:
        print(f"{step.version:04} {step.words}: 適用した / applied")
    if not applied:
        print(f"スキーマは最新です / schema {schema_version_of(config.register_)} is current")
    return 0


def show_status(config: Config, options: argparse.Namespace) -> int:
    """Shows what the running server says of itself; exit status 2 when something needs somebody."""
    report = ask(config, "GET", "/status")
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        _print_status(report)
    return 2 if report["problems"] else 0


def _print_status(report: dict[str, Any]) -> None:
    console = Console()
    table = Table(title=f"{report['server']} ({report['register']})  {report['time']}", show_header=False)
    for name, door in report["doors"].items():
        state = "開" if door["open"] else "閉"
        table.add_row(f"戸口 {name}", f"{state}  {door['listen']}  接続 {door['connections']}")
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
    for item in report["certificates"]:
        table.add_row(f"期限 {item['name']}", f"残り {item['days_left']} 日")
    console.print(table)
    for problem in report["problems"]:
        console.print(f"! {problem}")
    if not report["problems"]:
        console.print("異常なし / all is well")


Command = Callable[[Config, argparse.Namespace], int]
COMMANDS: dict[str, tuple[Command, str]] = {
    "check-config": (check_config, "設定を調べ、誤りをすべて示す / check the configuration"),
    "migrate": (migrate_database, "データベースのスキーマを最新にする / bring the schema up to date"),
    "held": (held, "確認を待つ通知を扱う / work on held notices"),
    "status": (show_status, "動いているサーバの状態を示す / show the running server's state"),
}


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; gives its exit status."""
    parser = argparse.ArgumentParser(prog="jukinetctl", description="サーバの管理と操作 / operate a server")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--config", type=Path, required=True, metavar="FILE", help="設定ファイル (TOML)")
        if name == "held":
            add_held(command)
        command.add_argument("--json", action="store_true", help="機械が読む形で出す / for programs")
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command][0](load_config(options.config), options)
    except ConfigFault as fault:
        return _config_problems(fault, options)
    except CommandFault as fault:
        print(f"jukinetctl: {fault}", file=sys.stderr)
        return 1


def _config_problems(fault: ConfigFault, options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps({"problems": fault.problems}, ensure_ascii=False))
        return 1
    print(f"{options.config}: 誤りが {len(fault.problems)} あります / problems:", file=sys.stderr)
    for problem in fault.problems:
        print(f"  {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""jukinetctl bridge: an office's request for numbers of people overseas, its delivery, and the cases."""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.bridge_request import request
from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.delivery import open_delivery
from jukinet_daemon.cli.outcomes import outcomes_table
from jukinet_daemon.cli.tables import Column, show_list
from jukinet_daemon.cli.window import ask_window
from jukinet_daemon.config import Config

VERBS = ("request", "list", "show", "open")


def add_bridge(parser: argparse.ArgumentParser) -> None:
    """Adds what can be asked on the bridge."""
    parser.add_argument("verb", choices=VERBS, help="何をするか / what to do")
    parser.add_argument("what", nargs="?", help="show: 事案の番号 / case id, open: 引渡しファイル / file")
    parser.add_argument("--office", help="所属のコード / the office that asks")
    parser.add_argument("--affair", help="事務のコード / its affair")
    parser.add_argument("--basis", help="根拠のコード / the legal basis")
    parser.add_argument("--approved-by", metavar="NAME", help="承認した担当者 (求める人と別) / who approved")
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="一行に一人: 住民票コードか記録番号 / one person a line"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="書き出すファイル / where to write")
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="合言葉のファイル / else one is made and shown"
    )


def bridge(config: Config, options: argparse.Namespace) -> int:
    """Requests, lists, shows or opens; 2 where a case was refused."""
    if options.verb == "open":
        return open_delivery(options)
    if options.verb == "request":
        return request(config, options)
    if options.verb == "show" and not options.what:
        raise CommandFault("事案の番号を指定してください / give the case id")
    path = f"/bridge/cases/{options.what}" if options.verb == "show" else "/bridge/cases"
    found = asyncio.run(ask_window(config, "GET", path))
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    elif options.verb == "show":
        _show(found)
    else:
        _list(found)
    return 0


def _show(case: dict[str, Any]) -> None:
    console = Console()
    table = Table(title=f"事案 {case['case_id']}", show_header=False)
    for name, value in case.items():
        if name not in ("case_id", "outcomes") and value is not None:
            table.add_row(name, str(value))
    console.print(table)
    console.print(outcomes_table("結果 / outcomes", case["outcomes"]))


_LISTED = {
    "case_id": Column("事案"),
    "opened_at": Column("開いた時"),
    "office": Column("所属", spare=True),
    "affair": Column("事務", spare=True),
    "basis": Column("根拠", spare=True),
    "state": Column("状態"),
    "people": Column("人", right=True),
}


def _list(cases: list[dict[str, Any]]) -> None:
    def cells(case: dict[str, Any]) -> list[str]:
        to_the_minute = case["opened_at"][:16].replace("T", " ")
        told = case | {"opened_at": to_the_minute, "people": f"{sum(case['outcomes'].values()):,}"}
        return [str(told[name]) for name in _LISTED]

    show_list(f"事案 {len(cases)} 件 / cases", tuple(_LISTED.values()), map(cells, cases))

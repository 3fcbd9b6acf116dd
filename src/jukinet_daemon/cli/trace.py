"""jukinetctl trace: the way of one notice, from the parcel it came in to the national server's receipt."""

import argparse
import json
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.config import Config
from jukinet_daemon.ops.held import REASONS

STEPS = {
    "received": "受領",
    "answered": "回答",
    "held": "保留中",
    "settled": "保留の決着",
    "recorded": "記録",
    "waiting": "全国サーバへの送り待ち",
    "receipted": "全国サーバの受領書",
}
_WORDS = {
    "sender": "送信者",
    "number": "電文番号",
    "digest": "電文の要約値",
    "signed_by": "署名した証明書",
    "outcome": "結果",
    "code": "コード",
    "leaf": "証跡の葉",
    "repeated": "再送",
    "outbox": "送り番号",
    "refused": "拒否",
    "how": "扱い",
    "reason": "理由",
    "operator": "操作した人",
}
_SAID = {"released": "適用した / released", "rejected": "却下した / rejected"} | {
    reason.value: f"{text} ({reason.value})" for reason, text in REASONS.items()
}


def add_trace(parser: argparse.ArgumentParser) -> None:
    """Adds whom to follow."""
    parser.add_argument("id", help="通知番号 / the notice id")


def trace(config: Config, options: argparse.Namespace) -> int:
    """Shows the steps of a notice, and no personal value; gives 0, or 2 for an id that was never seen."""
    answer = ask(config, "GET", f"/trace/{quote(options.id, safe='')}")
    if isinstance(answer, dict) and "problem" in answer:
        raise CommandFault(answer["problem"])
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
    else:
        Console().print(_table(options.id, answer) if answer else _UNKNOWN)
    return 0 if answer else 2


_UNKNOWN = "この番号の通知は受け取っていません。市区町村に確かめてください / never received here"


def _table(notice_id: str, steps: list[dict[str, Any]]) -> Table:
    table = Table(title=f"通知 {notice_id} / its way")
    for heading in ("段階", "時刻", "内容"):
        table.add_column(heading, overflow="fold")
    for step in steps:
        told = [
            f"{_WORDS[name]} {_SAID.get(str(value), value)}"
            for name, value in step.items()
            if name in _WORDS and value is not None
        ]
        table.add_row(STEPS[step["step"]], step["at"] or "-", "\n".join(told))
    return table

"""jukinetctl held: an operator lists held notices, looks at one, lets it go or rejects it."""

import argparse
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.config import Config
from jukinet_daemon.service.held import REASONS, Reason

KINDS = {"ACCEPTED": "適用", "HELD": "なお保留", "REFUSED": "適用できない", "REJECTED": "却下"}


def add_held(parser: argparse.ArgumentParser) -> None:
    """Adds what can be done with held notices."""
    parser.add_argument("verb", choices=("list", "show", "release", "reject"), help="何をするか / what to do")
    parser.add_argument("id", nargs="?", help="通知番号 / the notice id")
    parser.add_argument("--reason", choices=tuple(Reason), help="却下の理由 / why it is rejected")
    parser.add_argument(
        "--apply", action="store_true", help="実際に行う。省けば結果を示すだけ / do it; else only say"
    )


def held(config: Config, options: argparse.Namespace) -> int:
    """Lists, shows, releases or rejects; gives 0, or 2 where the notice must still wait."""
    if options.verb != "list" and not options.id:
        raise CommandFault("通知番号を指定してください / give the notice id")
    if options.verb == "reject" and not options.reason:
        raise CommandFault("--reason を指定してください / give a reason")
    answer = ask(config, *_question(options))
    if isinstance(answer, dict) and "problem" in answer:
        raise CommandFault(answer["problem"])
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
    else:
        _print(options, answer)
    settled = options.verb in ("release", "reject")
    return 2 if settled and answer[0]["kind"] not in ("ACCEPTED", "REJECTED") else 0


def _question(options: argparse.Namespace) -> tuple[str, str]:
    apply = "true" if options.apply else "false"
    return {
        "list": ("GET", "/held"),
        "show": ("GET", f"/held/{options.id}"),
        "release": ("POST", f"/held/{options.id}/release?apply={apply}"),
        "reject": ("POST", f"/held/{options.id}/reject?apply={apply}&reason={options.reason}"),
    }[options.verb]


def _print(options: argparse.Namespace, answer: Any) -> None:
    console = Console()
    if options.verb == "show":
        console.print_json(json.dumps(answer, ensure_ascii=False))
        return
    if options.verb == "list":
        console.print(_list(answer))
        return
    for item in answer:
        done = "" if item["applied"] else " (まだ行っていない / not done)"
        text = REASONS[Reason(options.reason)] if item["kind"] == "REJECTED" else item["text"]
        console.print(f"{item['notice_id']}  {KINDS[item['kind']]}: {text}{done}")
    if not options.apply:
        console.print("行うには --apply を付けてください / add --apply to do it")


def _list(notices: list[dict[str, Any]]) -> Table:
    table = Table(title=f"確認を待つ通知 {len(notices)} 件 / held notices")
    for heading in ("通知番号", "送信者", "通知の日", "コード", "理由"):
        table.add_column(heading, no_wrap=heading == "通知番号")
    for item in notices:
        table.add_row(item["id"], item["sender"], item["notified_on"], item["code"], item["why"])
    return table

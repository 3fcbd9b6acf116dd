"""jukinetctl numbers: parcel numbers that never came or came twice, and settling them once that is agreed."""

import argparse
import json
from typing import Any

from rich.console import Console

from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.cli.tables import Column, show_list
from jukinet_daemon.config import Config
from jukinet_daemon.domain.numbering import spans


def add_numbers(parser: argparse.ArgumentParser) -> None:
    """Adds what can be done with numbers."""
    parser.add_argument("verb", choices=("list", "settle"), help="何をするか / what to do")
    parser.add_argument("sender", nargs="?", help="団体コード / the municipality")
    parser.add_argument("first", nargs="?", type=int, help="最初の電文番号 / the first number")
    parser.add_argument("last", nargs="?", type=int, help="最後の電文番号 / the last number")
    parser.add_argument(
        "--apply", action="store_true", help="実際に行う。省けば結果を示すだけ / do it; else only say"
    )


def numbers(config: Config, options: argparse.Namespace) -> int:
    """Lists what is missing, is far above the rest or was used again, or stops waiting for it; gives 0."""
    if options.verb == "settle" and options.first is None:
        raise CommandFault("団体コードと電文番号を指定してください / give the municipality and the number")
    answer = ask(config, *_question(options))
    if "problem" in answer:
        raise CommandFault(answer["problem"])
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
    elif options.verb == "list":
        _list(answer)
    else:
        _print_settled(options, answer)
    return 0


def _question(options: argparse.Namespace) -> tuple[str, str]:
    if options.verb == "list":
        return "GET", "/numbers"
    last = options.first if options.last is None else options.last
    apply = "true" if options.apply else "false"
    return "POST", f"/numbers/{options.sender}/settle?first={options.first}&last={last}&apply={apply}"


def _list(answer: dict[str, Any]) -> None:
    rows = [
        (
            gap["sender"],
            _span(gap["first"], gap["last"]),
            "届いていない / missing",
            f"{gap['seconds']:.0f} 秒",
        )
        for gap in answer["missing"]
    ]
    for leap in answer["leapt"]:
        span = f"{leap['highest']} → {leap['number']}"
        rows.append((leap["sender"], span, "飛んだ / far above the last", ""))
    reused: dict[str, list[int]] = {}
    for reuse in answer["reused"]:
        reused.setdefault(reuse["sender"], []).append(reuse["number"])
    for sender, numbers in reused.items():
        for first, last in spans(numbers):
            rows.append((sender, _span(first, last), "再び使われた / reused", ""))
    columns = (Column("送信者"), Column("電文番号"), Column("状態", folds=True), Column("見つけてから"))
    show_list("届いていない・飛んだ・再び使われた電文番号 / missing, far and reused numbers", columns, rows)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _print_settled(options: argparse.Namespace, answer: dict[str, Any]) -> None:
    console = Console()
    for first, last in answer["missing"]:
        console.print(f"{answer['sender']}  {_span(first, last)}: 待つのをやめる / no longer waited for")
    for first, last in spans(answer["reused"]):
        console.print(f"{answer['sender']}  {_span(first, last)}: 確認済みとする / looked at")
    if not answer["missing"] and not answer["reused"]:
        console.print("その範囲に欠番も重番もありません / nothing there to settle")
    elif not options.apply:
        console.print("行うには --apply を付けてください / add --apply to do it")

"""jukinetctl held: an operator lists held notices, looks at one, lets it go or rejects it."""

import argparse
import json
from typing import Any
from urllib.parse import quote

from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.cli.tables import Column, show_list
from jukinet_daemon.config import Config
from jukinet_daemon.domain.change import CAUSE_RULES, CHANGE_LABELS
from jukinet_daemon.domain.notice import Sex
from jukinet_daemon.domain.wareki import ERA_RULES
from jukinet_daemon.ops.held import REASONS, Reason
from jukinet_daemon.wire.notice import NOTICES

KINDS = {"ACCEPTED": "適用", "HELD": "なお保留", "REFUSED": "適用できない", "REJECTED": "却下"}
_LISTED = (
    Column("通知番号"),
    Column("送信者"),
    Column("通知の日", spare=True),
    Column("コード"),
    Column("理由", folds=True),
)
_ITEMS = Column("項目 / item"), Column("内容 / content", folds=True)
_ABOUT = {
    "sender": "送信者",
    "code": "保留のコード",
    "why": "保留の理由",
    "notified_on": "通知の日",
    "held_at": "保留の時",
    "born": "生年月日 (和暦)",
}

# What stands on the wire as one word of a list, in the words of the law.
_WORDS: dict[str, dict[str, str]] = {
    "kind": {"change": "変更情報 / change", "departure": "転出確定 / departure"},
    "change": {change.value: label for change, label in CHANGE_LABELS.items()},
    "cause": {rule.cause.value: rule.name for rule in CAUSE_RULES},
    "sex": {Sex.MALE.value: "男", Sex.FEMALE.value: "女"},
    "birth_era": {rule.era.value: rule.name for rule in ERA_RULES},
}


def add_held(parser: argparse.ArgumentParser) -> None:
    """Adds what can be done with held notices."""
    parser.add_argument("verb", choices=("list", "show", "release", "reject"), help="何をするか / what to do")
    parser.add_argument("id", nargs="?", help="通知番号 / the notice id")
    parser.add_argument(
        "--reason", choices=[reason.value for reason in Reason], help="却下の理由 / why it is rejected"
    )
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
        _print(config, options, answer)
    settled = options.verb in ("release", "reject")
    return 2 if settled and answer[0]["kind"] not in ("ACCEPTED", "REJECTED") else 0


def _question(options: argparse.Namespace) -> tuple[str, str]:
    apply = "true" if options.apply else "false"
    held = f"/held/{quote(options.id or '', safe='')}"
    return {
        "list": ("GET", "/held"),
        "show": ("GET", held),
        "release": ("POST", f"{held}/release?apply={apply}"),
        "reject": ("POST", f"{held}/reject?apply={apply}&reason={options.reason}"),
    }[options.verb]


def _print(config: Config, options: argparse.Namespace, answer: Any) -> None:
    if options.verb == "show":
        show_list(f"通知 {answer['id']} / the notice", _ITEMS, _items(config.register_, answer))
        return
    if options.verb == "list":
        names = ("id", "sender", "notified_on", "code", "why")
        rows = ([item[name] for name in names] for item in answer)
        show_list(f"確認を待つ通知 {len(answer)} 件 / held notices", _LISTED, rows)
        return
    for item in answer:
        text = REASONS[Reason(options.reason)] if item["kind"] == "REJECTED" else item["text"]
        print(f"{item['notice_id']}  {KINDS[item['kind']]}: {text}{_undone(item, options)}")
    if not options.apply:
        print("行うには --apply を付けてください / add --apply to do it")


def _undone(item: dict[str, Any], options: argparse.Namespace) -> str:
    if item["applied"]:
        return ""
    if options.apply:
        return " (試みたが、なお保留 / tried; it stays held)"
    return " (まだ行っていない / not done)"


def _items(register: str, held: dict[str, Any]) -> list[tuple[str, str]]:
    """A held notice item by item, under the words of the schema of notices."""
    notice = held["notice"]
    model = NOTICES[register][notice["kind"]]
    person = notice.pop("person", {})
    rows = [(word, held[name]) for name, word in _ABOUT.items() if held[name] is not None]
    rows += [(_word(model, name), _said(name, value)) for name, value in notice.items() if name not in held]
    if person:
        whole = model.model_fields["person"].annotation
        rows += [(_word(whole, name), _said(name, value)) for name, value in person.items()]
    return rows


def _word(model: Any, name: str) -> str:
    """What the schema calls a field: its description without what explains the form."""
    return str(model.model_fields[name].description or name).partition(" (")[0].partition("。")[0]


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "はい / yes" if value else "いいえ / no"
    return "-" if value is None else _WORDS.get(name, {}).get(str(value), str(value))

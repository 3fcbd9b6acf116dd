"""jukinetctl ledger: whoever answers for the evidence prints its keys, checks it, proves one receipt."""

import argparse
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.config import load_config
from jukinet_daemon.ledger.checkpoint import LedgerKey, LedgerKeyFault

Options = argparse.Namespace
ARGUMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "config": (
        ("--config",),
        {"type": Path, "required": True, "metavar": "FILE", "help": "設定ファイル (TOML)"},
    ),
    "reason": (("--reason",), {"required": True, "help": "理由 / why; it stands in the ledger"}),
    "apply": (("--apply",), {"action": "store_true", "help": "実際に行う / do it; else only say"}),
    "json": (("--json",), {"action": "store_true", "help": "機械が読む形で出す / for programs"}),
    "key": (("key",), {"type": Path, "metavar": "KEY", "help": "封印の秘密鍵 (PEM) / the private key"}),
}


def add_ledger(parser: argparse.ArgumentParser) -> None:
    """Adds the verbs, each with arguments of its own."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (_run, text, arguments) in VERBS.items():
        own = verbs.add_parser(name, help=text, description=text)
        for argument in arguments.split():
            flags, keywords = ARGUMENTS[argument]
            own.add_argument(*flags, **keywords)


def ledger(options: Options) -> int:
    """Does what the verb says; gives its exit status."""
    return VERBS[options.verb][0](options)


def show_public(options: Options) -> int:
    """Prints the public half of a key, as the configuration has it."""
    try:
        key = LedgerKey.read(options.key.read_bytes())
    except (LedgerKeyFault, OSError) as fault:
        raise CommandFault(f"{options.key}: 鍵として使えません / not usable: {fault}") from None
    print(b64encode(key.public).decode())
    return 0


def show_keys(options: Options) -> int:
    """Prints what opens the checkpoints of the log that grows, for witnesses and whoever checks."""
    for key in _asked(options, "GET", "/ledger")["verifiers"]:
        print(key)
    return 0


def restart(options: Options) -> int:
    """Begins a new log, or says how it would begin."""
    wanted = urlencode({"reason": options.reason, "apply": "true" if options.apply else "false"})
    answer = _asked(options, "POST", f"/ledger/restart?{wanted}")
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
        return 0
    old, new = answer["old"], answer["new"]
    print(f"{old['origin']}: {old['size']} 葉で終わる / ends at {old['size']} leaves")
    for conflict in answer["conflicts"]:
        print(f"  {conflict['sender']}: {conflict['size']} 葉の控えを持つ / holds a checkpoint of that size")
    print(f"{new['origin']}: すべての葉を初めから封印する / seals all leaves from the first")
    for key in new["verifiers"]:
        print(f"  市区町村に渡す鍵 / the key that witnesses need: {key}")
    if not answer["applied"]:
        print("行うには --apply を付けてください / add --apply to do it")
    return 0


def _asked(options: Options, method: str, question: str) -> Any:
    answer = ask(load_config(options.config), method, question)
    if "problem" in answer:
        raise CommandFault(answer["problem"])
    return answer


VERBS: dict[str, tuple[Callable[[Options], int], str, str]] = {
    "key": (show_keys, "控えを検査する鍵を示す / what opens the checkpoints, for witnesses", "config"),
    "restart": (
        restart,
        "切り戻された証跡を新しい名で始め直す / begin a new log where the old one was cut back",
        "config reason apply json",
    ),
    "public": (show_public, "封印の公開鍵を示す / the public half, for [ledger] keys", "key"),
}

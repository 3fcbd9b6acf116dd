"""jukinetctl ledger: whoever answers for the evidence prints its keys, checks it, proves one receipt."""

import argparse
import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.config import Config, load_config
from jukinet_daemon.ledger.audit import RULES, Finding
from jukinet_daemon.ledger.checkpoint import LedgerKey, LedgerKeyFault, Verifier, open_checkpoint
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.ledger.receipt import read_leaf_proof
from jukinet_daemon.ops.audit import AuditReport, audit
from jukinet_daemon.service.seal import LogName
from jukinet_daemon.store.audit import AuditStore
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.wire.text import notice_id_in

MOST_SHOWN = 5

Options = argparse.Namespace
ARGUMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "config": (
        ("--config",),
        {"type": Path, "required": True, "metavar": "FILE", "help": "設定ファイル (TOML)"},
    ),
    "witness": (
        ("--witness",),
        {
            "type": Path,
            "action": "append",
            "default": [],
            "metavar": "FILE",
            "help": "ほかで持たれている控え / a checkpoint held elsewhere; may be repeated",
        },
    ),
    "id": (("id",), {"metavar": "ID", "help": "通知番号 / the notice id"}),
    "out": (("--out",), {"type": Path, "metavar": "FILE", "help": "証明を書くファイル / where to"}),
    "file": (("file",), {"type": Path, "metavar": "FILE", "help": "証明のファイル / the proof"}),
    "verifier": (
        ("--key",),
        {
            "action": "append",
            "required": True,
            "dest": "keys",
            "metavar": "KEY",
            "help": "控えを検査する鍵 (name+id+key) / what opens checkpoints; may be repeated",
        },
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


def verify(options: Options) -> int:
    """Re-derives the ledger from its tables; gives 2 when something does not fit."""
    config = load_config(options.config)
    name = LogName(config.trust_domain, config.register_, config.ledger.public_keys)
    report = asyncio.run(_with_store(config, lambda store: _audited(store, name, options.witness)))
    if report is None:
        raise CommandFault("まだ封印された証跡がない / nothing is sealed yet")
    if options.json:
        print(json.dumps(asdict(report), ensure_ascii=False, indent=1))
    else:
        _print_report(report)
    return 2 if report.findings else 0


async def _audited(store: AuditStore, name: LogName, files: list[Path]) -> AuditReport | None:
    log = await store.log()
    keys = name.verifiers(log.number if log else 1)
    return await audit(store, name, [_held(path, keys) for path in files])


def _held(path: Path, keys: list[Verifier]) -> Tree:
    try:
        return open_checkpoint(path.read_text("utf-8"), keys)
    except (OSError, ValueError) as fault:
        raise CommandFault(f"{path}: この証跡の控えではない / no checkpoint of this log: {fault}") from None


def _print_report(report: AuditReport) -> None:
    console = Console()
    table = Table(title=f"証跡 {report.origin} / the ledger", show_header=False)
    table.add_row("封印された葉 / leaves sealed", f"{report.leaves:,}")
    table.add_row("控え / checkpoints", f"{report.checkpoints:,}")
    table.add_row("証人の控え / held by witnesses", f"{report.witnesses:,}")
    table.add_row("封印を待つ葉 / not sealed yet", f"{report.unsealed:,}")
    console.print(table)
    for rule, findings in groupby(sorted(report.findings, key=_rule), _rule):
        places = [finding.about for finding in findings]
        ja, en = RULES[rule]
        shown = ", ".join(places[:MOST_SHOWN]) + (" ..." if len(places) > MOST_SHOWN else "")
        console.print(f"! {ja} / {en}: {len(places):,} ({shown})")
    if not report.findings:
        console.print("すべて合う / all of it fits")


def _rule(finding: Finding) -> str:
    return finding.rule


def prove(options: Options) -> int:
    """Writes the proof of one receipt."""
    config = load_config(options.config)
    notice_id = notice_id_in({"id": options.id})
    if notice_id is None:
        raise CommandFault("通知番号の形でない / not a notice id")
    proof = asyncio.run(_with_store(config, lambda store: store.prove(notice_id)))
    if proof is None:
        raise CommandFault("その通知の葉はまだ封印されていない / no leaf of that notice is sealed")
    if options.out:
        try:
            options.out.write_text(proof.text(), "utf-8")
        except OSError as fault:
            raise CommandFault(f"{options.out} に書けません / cannot be written: {fault.strerror}") from None
    else:
        print(proof.text(), end="")
    return 0


def check(options: Options) -> int:
    """Checks a proof by its text and a key alone."""
    try:
        keys = [Verifier.read(text) for text in options.keys]
        proof = read_leaf_proof(options.file.read_text("utf-8"))
        tree = proof.tree(keys)
    except (OSError, ValueError) as fault:
        raise CommandFault(f"証明されない / not proved: {fault}") from None
    print(f"証明された / proved: {proof.position + 1} / {tree.size} ({keys[0].origin})")
    print(proof.payload)
    return 0


Answer = TypeVar("Answer")


async def _with_store(config: Config, work: Callable[[AuditStore], Awaitable[Answer]]) -> Answer:
    try:
        database = await open_database(config.database.dsn, config.register_, "jukinet_audit")
        try:
            return await work(AuditStore(database))
        finally:
            await database.close()
    except StoreFault as fault:
        raise CommandFault(f"データベースを読めません / cannot read the database: {fault}") from None


VERBS: dict[str, tuple[Callable[[Options], int], str, str]] = {
    "verify": (
        verify,
        "証跡を表から導き直して検査する / re-derive the ledger from its tables",
        "config witness json",
    ),
    "prove": (prove, "一つの受領書の葉の証明を作る / prove the leaf of one receipt", "config id out"),
    "check": (check, "証明を鍵だけで検査する / check a proof by a key alone, offline", "file verifier"),
    "key": (show_keys, "控えを検査する鍵を示す / what opens the checkpoints, for witnesses", "config"),
    "restart": (
        restart,
        "切り戻された証跡を新しい名で始め直す / begin a new log where the old one was cut back",
        "config reason apply json",
    ),
    "public": (show_public, "封印の公開鍵を示す / the public half, for [ledger] keys", "key"),
}

"""jukinetctl: what administrators and operators do with a server."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from jukinet_daemon.cli.bridge import add_bridge, bridge
from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.diagnose import add_diagnose, diagnose
from jukinet_daemon.cli.held import add_held, held
from jukinet_daemon.cli.keys import add_keys, keys
from jukinet_daemon.cli.ledger import add_ledger, ledger
from jukinet_daemon.cli.maintenance import add_maintenance, maintenance
from jukinet_daemon.cli.numbers import add_numbers, numbers
from jukinet_daemon.cli.pki import add_pki, pki
from jukinet_daemon.cli.renew import add_renew, renew
from jukinet_daemon.cli.status import show_status
from jukinet_daemon.cli.summarise import add_summarise, summarise_parcels
from jukinet_daemon.cli.trace import add_trace, trace
from jukinet_daemon.config import Config, ConfigFault, load_config
from jukinet_daemon.credentials import files_in
from jukinet_daemon.daemon.start_checks import start_faults
from jukinet_daemon.pki.files import PkiFileError
from jukinet_daemon.pki.tls import standing_in
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.migrate import migrate, schema_version_of


def check_config(config: Config, options: argparse.Namespace) -> int:
    """Says that the configuration is sound; what is wrong in it alone was said when it was loaded."""
    if problems := [*_of_lists(config), *start_faults(config)]:
        raise ConfigFault(problems)
    if options.json:
        print(json.dumps({"register": config.register_, "problems": []}))
    else:
        print(f"{options.config}: 正しい設定です ({config.register_}) / sound")
    return 0


def _of_lists(config: Config) -> list[str]:
    """What is wrong with CAs and CRLs. A server that has started before goes on with the lists it knew."""
    if config.tls is None:
        return []
    try:
        problem = standing_in(files_in(config.tls))[1]
    except PkiFileError as fault:
        problem = str(fault)
    return [f"[tls]: {problem}"] if problem else []


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


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it does, what a person reads of it, the arguments it has of its own."""

    run: Callable[[Config, argparse.Namespace], int]
    text: str
    arguments: Callable[[argparse.ArgumentParser], None] | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A command that needs no configuration of a server: what it does, its text, its arguments."""

    run: Callable[[argparse.Namespace], int]
    text: str
    arguments: Callable[[argparse.ArgumentParser], None]


COMMANDS: dict[str, Command | Tool] = {
    "check-config": Command(check_config, "設定を調べ、誤りをすべて示す / check the configuration"),
    "migrate": Command(migrate_database, "データベースのスキーマを最新にする / bring the schema up to date"),
    "status": Command(show_status, "動いているサーバの状態を示す / show the running server's state"),
    "diagnose": Tool(
        diagnose, "相手がつながらないわけを調べる / why a peer cannot connect, from either end", add_diagnose
    ),
    "trace": Command(
        trace, "通知を受領から全国サーバの受領書まで追う / follow a notice to its receipt", add_trace
    ),
    "held": Command(held, "確認を待つ通知を扱う / work on held notices", add_held),
    "numbers": Command(
        numbers, "届いていない電文番号を扱う / parcel numbers that are missing or came twice", add_numbers
    ),
    "bridge": Command(
        bridge, "国外転出者の個人番号を所属のために求める / ask numbers of people overseas", add_bridge
    ),
    "maintenance": Command(
        maintenance, "保守のため新しい通知を断る / refuse new work for maintenance", add_maintenance
    ),
    "keys": Command(keys, "暗号化の鍵を調べ、更新し、廃棄する / the keys of the vault", add_keys),
    "ledger": Tool(ledger, "証跡: 封印の鍵、検査、証明 / the evidence: keys, checks, proofs", add_ledger),
    "summarise": Command(
        summarise_parcels, "古い電文に見守りの摘要を付ける / give older parcels their summary", add_summarise
    ),
    "renew": Command(
        renew, "サーバの証明書と鍵を新しくする / put a new certificate and key in place", add_renew
    ),
    "pki": Tool(pki, "認証局: 鍵、証明書、失効 / the CA: keys, certificates, revocation", add_pki),
}


class Parser(argparse.ArgumentParser):
    """A wrong command line has a status of its own: 2 says that something needs somebody."""

    def error(self, message: str) -> NoReturn:
        """Ends the program."""
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; gives its exit status."""
    parser = Parser(prog="jukinetctl", description="サーバの管理と操作 / operate a server")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.text, description=command.text)
        if isinstance(command, Tool):
            command.arguments(own)
            continue
        own.add_argument("--config", type=Path, required=True, metavar="FILE", help="設定ファイル (TOML)")
        if command.arguments:
            command.arguments(own)
        own.add_argument("--json", action="store_true", help="機械が読む形で出す / for programs")
    options = parser.parse_args(arguments)
    chosen = COMMANDS[options.command]
    try:
        if isinstance(chosen, Tool):
            return chosen.run(options)
        return chosen.run(load_config(options.config), options)
    except ConfigFault as fault:
        return _config_problems(fault, options)
    except CommandFault as fault:
        if getattr(options, "json", False):
            print(json.dumps({"problem": str(fault)}, ensure_ascii=False))
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

"""jukinetctl keys: an administrator looks at the keys of the vault, rotates them, destroys an old one."""

import argparse
import asyncio
import getpass
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.config import Config
from jukinet_daemon.ops.rotate import KeyReport, KeyRotation, Progress, RotationFault, Terms
from jukinet_daemon.service.clock import clock_of
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.keys import KeyStore
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.vault.fields import VaultFault
from jukinet_daemon.vault.keyring import KeyringFault

STEPS = {
    "add": "新しい版の鍵を作り、鍵束に加える / add a key of a new version",
    "use": "新しい版で書き始める / begin to write under the newest version",
    "reseal": "残りの値を新しい版にする / put what is left under the current version",
    "destroy": "古い版は keys destroy で廃棄できる / the old version can be destroyed",
}
_DEFAULTS = Terms()


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Adds what can be done with keys."""
    parser.add_argument("verb", choices=("status", "rotate", "destroy"), help="何をするか / what to do")
    parser.add_argument(
        "--ring", type=Path, metavar="FILE", help="鍵束のファイル。省けば設定の [keys] ring / the key file"
    )
    parser.add_argument("--version", type=int, metavar="N", help="廃棄する版 / the version to destroy")
    parser.add_argument(
        "--apply", action="store_true", help="実際に行う。省けば予定を示すだけ / do it; else only say"
    )
    parser.add_argument(
        "--batch",
        type=int,
        metavar="ROWS",
        default=_DEFAULTS.batch,
        help="一度に更新する行数 / rows a transaction",
    )
    parser.add_argument(
        "--settle",
        type=int,
        metavar="SECONDS",
        default=_DEFAULTS.settled_after.seconds,
        help="廃棄の前に、鍵束の変更から待つ秒数 / how long writes under way may take",
    )


def keys(config: Config, options: argparse.Namespace) -> int:
    """Tells, rotates or destroys; gives 0."""
    if options.verb == "destroy" and options.version is None:
        raise CommandFault("--version を指定してください / give the version to destroy")
    if options.batch < 1 or options.settle < 0:
        raise CommandFault("--batch は 1 以上、--settle は 0 以上です / out of range")
    try:
        report = asyncio.run(_work(config, options))
    except (RotationFault, KeyringFault, StoreFault, VaultFault) as fault:
        raise CommandFault(str(fault)) from None
    if options.json:
        print(json.dumps(_told(report), ensure_ascii=False))
    else:
        _print(report, options)
    return 0


async def _work(config: Config, options: argparse.Namespace) -> KeyReport:
    async with _rotation(config, options) as rotation:
        if options.verb == "rotate" and options.apply:
            return await rotation.rotate()
        if options.verb == "destroy":
            await rotation.destroy(options.version, apply=options.apply)
        return await rotation.report()


@asynccontextmanager
async def _rotation(config: Config, options: argparse.Namespace) -> AsyncIterator[KeyRotation]:
    database = await open_database(
        config.database.dsn,
        config.register_,
        "jukinet_keys",
        durability=config.database.synchronous_commit,
    )
    try:
        store = await KeyStore.open(database, config.register_)
        try:
            yield KeyRotation(
                store,
                options.ring or config.keys.ring,
                register=config.register_,
                operator=getpass.getuser(),
                clock=clock_of(config.timezone),
                terms=Terms(batch=options.batch, settled_after=timedelta(seconds=options.settle)),
                tell=_quiet if options.json else _tell,
            )
        finally:
            await store.close()
    finally:
        await database.close()


def _quiet(_progress: Progress) -> None:
    pass


def _tell(progress: Progress) -> None:
    step = STEPS.get(progress.step, progress.step)
    if progress.waiting:
        print(f"{step}: 待っている処理 / waiting for: {', '.join(progress.waiting)}", flush=True)
    elif progress.total:
        print(f"{step}: {progress.done} / {progress.total}", flush=True)
    else:
        print(f"{step}: 済 / done", flush=True)


def _told(report: KeyReport) -> dict[str, Any]:
    return {
        "current": report.ring.current,
        "versions": list(report.ring.versions),
        "values": {
            name: {str(version): count for version, count in sorted(counted.items())}
            for name, counted in report.values.items()
        },
        "stale": report.stale,
        "processes": [
            {"name": process.name, "current": process.current, "versions": sorted(process.versions)}
            for process in report.processes
        ],
        "next": report.next_step,
    }


def _print(report: KeyReport, options: argparse.Namespace) -> None:
    table = Table(title="鍵の版 / key versions")
    for heading in ("版", "", *report.values, "計"):
        table.add_column(heading, justify="left" if not heading else "right")
    found = {version for counted in report.values.values() for version in counted}
    for version in sorted(found | set(report.ring.versions)):
        mark = "書込み" if version == report.ring.current else ""
        mark = mark if version in report.ring.versions else "鍵がない / no key"
        counts = [str(counted.get(version, 0)) for counted in report.values.values()]
        table.add_row(str(version), mark, *counts, str(report.of(version)))
    console = Console()
    console.print(table)
    for process in report.processes:
        reads = ", ".join(map(str, sorted(process.versions)))
        console.print(f"{process.name}: 書込み / writes {process.current}, 読める / reads {reads}")
    if options.verb == "destroy" and not options.apply:
        console.print(
            f"版 {options.version} を廃棄します。この版で封をした控えは二度と読めません"
            " / it would be destroyed: no backup sealed under it can be read again"
        )
    else:
        console.print(f"次 / next: {STEPS[report.next_step]}")
    if options.verb != "status" and not options.apply:
        console.print("行うには --apply を付けてください / add --apply to do it")

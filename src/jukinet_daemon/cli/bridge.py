"""jukinetctl bridge: an office's request for numbers of people overseas, its delivery, and the cases."""

import argparse
import asyncio
import csv
import getpass
import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.tables import Column, show_list
from jukinet_daemon.config import Config
from jukinet_daemon.domain.bridge_outcomes import BRIDGE_OUTCOMES
from jukinet_daemon.vault.age import AgeFault, open_age

VERBS = ("request", "list", "show", "open")
BLOCK = 1000
_PIECE_BYTES = 64 * 1024
# Letters that are not taken for one another; 25 of 32 kinds are 125 bits.
_LETTERS, _PASSWORD_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz", 25


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
        return _open(options)
    if options.verb == "request":
        return _request(config, options)
    if options.verb == "show" and not options.what:
        raise CommandFault("事案の番号を指定してください / give the case id")
    path = f"/bridge/cases/{options.what}" if options.verb == "show" else "/bridge/cases"
    found = asyncio.run(_ask(config, "GET", path))
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    elif options.verb == "show":
        _show(found)
    else:
        _list(found)
    return 0


def _request(config: Config, options: argparse.Namespace) -> int:
    named = ("office", "affair", "basis", "approved_by", "keys", "out")
    if missing := [name for name in named if getattr(options, name) is None]:
        wanted = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise CommandFault(f"{wanted} を指定してください / must be given")
    if options.out.exists():
        raise CommandFault(f"{options.out} はすでにあります / is there already")
    require_readable(options.keys)
    try:
        opened, counts, password = asyncio.run(_carry_out(config, options))
    except CommandFault:
        options.out.unlink(missing_ok=True)
        raise
    if "code" in opened:
        _say_refused(opened, options)
        return 2
    told = opened | {"outcomes": dict(counts), "file": str(options.out)}
    if options.json:
        print(json.dumps(told | ({"password": password} if password else {}), ensure_ascii=False))
        return 0
    console = Console()
    console.print(_outcomes(f"事案 {opened['case']}", counts))
    console.print(f"引渡しファイル / delivery: {options.out}", soft_wrap=True)
    if password:
        console.print(f"合言葉 (再び示されない) / password, shown once: {password}", markup=False)
    return 0


async def _carry_out(
    config: Config, options: argparse.Namespace
) -> tuple[dict[str, Any], Counter[str], str | None]:
    wanted = {name: getattr(options, name) for name in ("office", "affair", "basis", "approved_by")}
    opened = await _ask(config, "POST", "/bridge/cases", wanted)
    counts: Counter[str] = Counter()
    if "code" in opened:
        return opened, counts, None
    case = f"/bridge/cases/{opened['case']}"
    with Progress(console=Console(stderr=True), disable=options.json) as progress:
        task = progress.add_task("照会 / asking", total=_count(options.keys))
        keys, first = keys_in(options.keys), 1
        while block := list(islice(keys, BLOCK)):
            said = await _ask(config, "POST", f"{case}/keys", {"first": first, "keys": block})
            counts.update(said["outcomes"])
            first += len(block)
            progress.advance(task, len(block))
    made = None if options.password_file else _new_password()
    password = made or _first_line(options.password_file)
    await _fetch(config, f"{case}/delivery", password, options.out)
    return opened, counts, made


def keys_in(path: Path) -> Iterator[str]:
    """The first column of a CSV, or `key` of JSON lines; empty lines are left out.

    Raises what `require_readable` tells in words.
    """
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix in (".jsonl", ".ndjson"):
            yield from (str(json.loads(line)["key"]) for line in file if line.strip())
        else:
            yield from (row[0].strip() for row in csv.reader(file) if row and row[0].strip())


def _count(path: Path) -> int:
    return sum(1 for _ in keys_in(path))


def require_readable(path: Path) -> None:
    """Reads an office's list to its end. Raises CommandFault."""
    try:
        _count(path)
    except OSError as fault:
        raise CommandFault(f"{path}: {fault.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error):
        raise CommandFault(f"{path}: 一行に一つの鍵がありません / not one key a line") from None


def _new_password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD_LETTERS))


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        raise CommandFault(f"{path}: 合言葉を読めません / no password there") from None


def _open(options: argparse.Namespace) -> int:
    """Opens a delivery file and writes its JSON lines to --out or to standard output."""
    if not options.what:
        raise CommandFault("引渡しファイルを指定してください / give the delivery file")
    password = (
        _first_line(options.password_file)
        if options.password_file
        else getpass.getpass("合言葉 / password: ")
    )
    try:
        with Path(options.what).open("rb") as file:
            pieces = open_age(iter(lambda: file.read(_PIECE_BYTES), b""), password)
            if options.out:
                with _private(options.out) as out:
                    out.writelines(pieces)
            else:
                for piece in pieces:
                    sys.stdout.buffer.write(piece)
    except AgeFault as fault:
        raise CommandFault(f"開けません / cannot be opened: {fault}") from None
    except OSError as fault:
        raise CommandFault(f"{fault.filename}: {fault.strerror}") from None
    return 0


def _private(path: Path) -> Any:
    """A new file that only its owner reads."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


async def _ask(config: Config, method: str, path: str, form: Any = None) -> Any:
    async with _session(config) as session:
        try:
            async with session.request(method, f"http://bridge{path}", json=form) as answer:
                said = await _said(answer)
        except (aiohttp.ClientError, OSError):
            raise _no_answer(config) from None
    return said


async def _fetch(config: Config, path: str, password: str, out: Path) -> None:
    async with _session(config) as session:
        try:
            async with session.post(f"http://bridge{path}", json={"password": password}) as answer:
                if answer.content_type == "application/json":
                    await _said(answer)
                with _private(out) as file:
                    async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                        file.write(piece)
        except aiohttp.ClientError:
            raise CommandFault(
                "引渡しが途中で切れました。新しい事案で求め直してください / the delivery broke off: ask anew"
            ) from None


async def _said(answer: aiohttp.ClientResponse) -> Any:
    if answer.content_type != "application/json":
        raise CommandFault(f"サーバが答えられません ({answer.status}) / the server could not answer")
    said = await answer.json()
    if isinstance(said, dict) and "problem" in said:
        raise CommandFault(said["problem"])
    return said


def _session(config: Config) -> aiohttp.ClientSession:
    if config.register_ != "fuhyo":
        raise CommandFault(
            "橋の窓口は附票 (fuhyo) のサーバにだけあります。--config にその設定を指定してください"
            " / the bridge is asked at the fuhyo server: give its configuration"
        )
    if config.bridge is None or config.bridge.socket is None:
        raise CommandFault("[bridge] socket が設定にありません / no [bridge] socket is configured")
    # A block of a long list may take its time.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=600.0)
    return aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(config.bridge.socket)), timeout=timeout)


def _no_answer(config: Config) -> CommandFault:
    path = config.bridge.socket if config.bridge else ""
    return CommandFault(
        f"サーバが {path} で応答しません。動いているか、この利用者に権限があるか確かめてください"
        " / no answer from the server"
    )


def _say_refused(opened: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(opened, ensure_ascii=False))
    else:
        Console().print(f"拒否 {opened['code']}: {opened['text']} (事案 {opened['case']}) / refused")


def _show(case: dict[str, Any]) -> None:
    console = Console()
    table = Table(title=f"事案 {case['case_id']}", show_header=False)
    for name, value in case.items():
        if name not in ("case_id", "outcomes") and value is not None:
            table.add_row(name, str(value))
    console.print(table)
    console.print(_outcomes("結果 / outcomes", case["outcomes"]))


def _outcomes(title: str, counts: dict[str, int] | Counter[str]) -> Table:
    table = Table(title=title)
    for heading in ("コード", "人", "結果"):
        table.add_column(heading, justify="right" if heading == "人" else "left")
    for code, count in sorted(counts.items()):
        outcome = BRIDGE_OUTCOMES.get(code)
        table.add_row(code, f"{count:,}", outcome.ja if outcome else "")
    return table


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

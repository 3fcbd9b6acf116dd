"""jukinetctl bridge request: an office's list is asked for and delivered, once and for good.

A question burns its right, and a delivery is not made again: whatever can fail here is looked at before.
"""

import argparse
import asyncio
import csv
import json
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.progress import Progress

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.delivery import new_file, new_password_in, room_for, write_pieces
from jukinet_daemon.cli.outcomes import outcomes_table
from jukinet_daemon.cli.window import ask_window, file_from_window
from jukinet_daemon.config import Config
from jukinet_daemon.ops.bridge_request import LONGEST_KEY, MOST_KEYS

# Letters that are not taken for one another; 25 of 32 kinds are 125 bits.
_LETTERS, _PASSWORD_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz", 25


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a request needs of this machine: how many keys, the password, whether it was made here."""

    count: int
    password: str = field(repr=False)
    made: bool


class _Refused(Exception):
    """The case was refused: what the server says of it."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__(said["code"])
        self.said = said


def request(config: Config, options: argparse.Namespace) -> int:
    """Asks and delivers; gives 0, or 2 where the case was refused."""
    ready = _ready(options)
    try:
        with new_file(options.out, room_for(ready.count)) as out:
            case, counts = asyncio.run(_carry_out(config, options, ready, out))
    except _Refused as refused:
        _say_refused(refused.said, options)
        return 2
    _say_done(case, counts, ready, options)
    try:
        asyncio.run(ask_window(config, "POST", f"/bridge/cases/{case['case']}/delivered"))
    except CommandFault as fault:
        raise CommandFault(
            "引渡しファイルは書けています。その証跡だけがありません"
            f" / the file is whole; only the evidence of its delivery is missing: {fault}"
        ) from None
    return 0


def _ready(options: argparse.Namespace) -> _Ready:
    named = ("office", "affair", "basis", "approved_by", "keys", "out")
    if missing := [name for name in named if getattr(options, name) is None]:
        wanted = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise CommandFault(f"{wanted} を指定してください / must be given")
    count = require_readable(options.keys)
    if options.password_file:
        return _Ready(count, new_password_in(options.password_file), made=False)
    return _Ready(count, "".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD_LETTERS)), made=True)


async def _carry_out(
    config: Config, options: argparse.Namespace, ready: _Ready, out: IO[bytes]
) -> tuple[dict[str, Any], Counter[str]]:
    wanted = {name: getattr(options, name) for name in ("office", "affair", "basis", "approved_by")}
    opened = await ask_window(config, "POST", "/bridge/cases", wanted)
    if "code" in opened:
        raise _Refused(opened)
    if ready.made and not options.json:
        text = f"合言葉 (再び示されない) / password, shown once: {ready.password}"
        Console().print(text, markup=False, highlight=False, soft_wrap=True)
    case = f"/bridge/cases/{opened['case']}"
    counts: Counter[str] = Counter()
    with Progress(console=Console(stderr=True), disable=options.json) as progress:
        task = progress.add_task("照会 / asking", total=ready.count)
        keys, first = keys_in(options.keys), 1
        while block := list(islice(keys, MOST_KEYS)):
            said = await ask_window(config, "POST", f"{case}/keys", {"first": first, "keys": block})
            counts.update(said["outcomes"])
            first += len(block)
            progress.advance(task, len(block))
    await write_pieces(file_from_window(config, f"{case}/delivery", {"password": ready.password}), out)
    return opened, counts


def keys_in(path: Path) -> Iterator[str]:
    """The first column of a CSV, or `key` of JSON lines; empty lines are left out.

    Raises what `require_readable` tells in words.
    """
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix in (".jsonl", ".ndjson"):
            yield from (str(json.loads(line)["key"]) for line in file if line.strip())
        else:
            yield from (row[0].strip() for row in csv.reader(file) if row and row[0].strip())


def require_readable(path: Path) -> int:
    """How many keys a list holds, each of which the server will take. Raises CommandFault."""
    count = 0
    try:
        if not path.is_file():
            # It is read twice, as a pipe is not.
            raise CommandFault(f"{path}: ファイルではありません / not a file")
        for count, key in enumerate(keys_in(path), start=1):
            if not 0 < len(key.encode().decode()) <= LONGEST_KEY:
                raise CommandFault(
                    f"{path}: {count} 番目の鍵が空か、{LONGEST_KEY} 文字を超えます"
                    f" / key {count} is empty or too long"
                )
    except OSError as fault:
        raise CommandFault(f"{path}: {fault.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error):
        raise CommandFault(f"{path}: 一行に一つの鍵がありません / not one key a line") from None
    if not count:
        raise CommandFault(f"{path}: 鍵がありません / holds no key")
    return count


def _say_refused(said: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        Console().print(f"拒否 {said['code']}: {said['text']} (事案 {said['case']}) / refused")


def _say_done(case: dict[str, Any], counts: Counter[str], ready: _Ready, options: argparse.Namespace) -> None:
    if options.json:
        told = case | {"outcomes": dict(counts), "file": str(options.out)}
        print(json.dumps(told | ({"password": ready.password} if ready.made else {}), ensure_ascii=False))
        return
    console = Console()
    console.print(outcomes_table(f"事案 {case['case']}", counts))
    console.print(f"引渡しファイル / delivery: {options.out}", soft_wrap=True)

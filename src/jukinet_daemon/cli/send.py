"""jukinet-sim send: a file of notices as one municipality, an outcome a line; what keeps it from sending."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Never

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.outward import PeerFault
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.journal import Journal, read_journal
from jukinet_daemon.sim.municipality import Answered, MunicipalCs, Window
from jukinet_daemon.sim.world import World

# Exit statuses: a notice was refused; the server was not reached or did not answer.
REFUSED, UNANSWERED = 1, 2


def read_notices(path: Path) -> list[dict[str, Any]]:
    """The notices of a file, one JSON object a line; whether each is right is the server's to say.

    A byte order mark, as editors on Windows write it, is passed over. Raises CommandFault.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise CommandFault(f"{path} を読めません / cannot be read: {fault.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise CommandFault(
            f"{path}: {line} 行目が UTF-8 でありません。UTF-8 で保存し直してください"
            f" / line {line} is not UTF-8; save the file as UTF-8"
        ) from None
    lines = enumerate(text.split("\n"), start=1)
    notices = [_notice(path, number, line) for number, line in lines if line.strip()]
    if not notices:
        raise CommandFault(f"{path} に通知がありません / holds no notice")
    return notices


def _notice(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        notice = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise CommandFault(f"{path}: {number} 行目が JSON でありません / line {number} is not JSON") from None
    if not isinstance(notice, dict):
        raise CommandFault(
            f"{path}: {number} 行目が通知 (JSON のオブジェクト) でありません"
            f" / line {number} is no notice, which is a JSON object"
        )
    return notice


def _no_constant(_text: str) -> Never:
    raise ValueError


def require_sender(code: str) -> None:
    """Raises CommandFault for a code that is no sender's."""
    if why := read_areas().why_no_sender(code):
        raise CommandFault(why)


def send(world: World, options: argparse.Namespace) -> int:
    """Sends a file of notices as one municipality; 1 if one was refused, 2 if one had no answer."""
    notices = read_notices(options.file)
    require_sender(options.municipality)
    site = world.site(options.register)
    caller = world.cs_caller(options.municipality, site.register)
    path = world.cs_journal(options.municipality)
    told = (entry for entry in read_journal(path) if entry["register"] == site.register)
    last = max((entry.get("parcel", 0) for entry in told), default=0)
    key = world.ledger_key(site.register)
    window = Window(site.register, options.municipality, options.url or site.notices, caller, ledger_key=key)
    teller = _Teller(options.wait, as_json=options.json)
    journal = Journal(path)
    try:
        cs = MunicipalCs(window, journal, teller.answered, last, failed=teller.failed)
        ended = asyncio.run(_until_answered(cs, notices, teller))
    finally:
        journal.close()
    if not ended:
        _say(
            f"{len(notices) - teller.count} 件に回答がないまま終えます。後で同じファイルを送ってください"
            " / no answer to these; send the same file again later"
        )
        return UNANSWERED
    return REFUSED if teller.refused else 0


class _Teller:
    """Tells an outcome a line and each fault once; knows how long nothing was answered."""

    def __init__(self, wait: float, *, as_json: bool) -> None:
        self._wait = wait
        self._as_json = as_json
        self._fault = ""
        self._until: float | None = None
        self.count = self.refused = 0

    def left(self) -> float:
        """How many seconds are left to wait, from the last answer or the beginning."""
        now = asyncio.get_running_loop().time()
        if self._until is None:
            self._until = now + self._wait
        return self._until - now

    def answered(self, answer: Answered) -> None:
        """Takes an answer that is final."""
        self._until = None
        self._fault = ""
        self.count += 1
        self.refused += answer.outcome == "REFUSED"
        print(_as_json(answer) if self._as_json else _as_line(answer), flush=True)

    def failed(self, fault: PeerFault) -> None:
        """Takes a fault, after which the CS tries again."""
        if str(fault) != self._fault:
            _say(f"送れません。{self._wait:g} 秒まで試みます / cannot send, trying again: {fault}")
        self._fault = str(fault)


async def _until_answered(cs: MunicipalCs, notices: list[dict[str, Any]], teller: _Teller) -> bool:
    """Whether all were answered, before nothing was for too long. Raises ParcelRefused."""
    cs.post(notices)
    running, done = asyncio.create_task(cs.run()), asyncio.create_task(cs.done())
    try:
        while not (running.done() or done.done()) and (left := teller.left()) > 0:
            await asyncio.wait({running, done}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        return done.done()
    finally:
        running.cancel()
        done.cancel()
        await asyncio.gather(running, done, return_exceptions=True)


def _say(text: str) -> None:
    print(f"jukinet-sim: {text}", file=sys.stderr, flush=True)


def _as_line(answer: Answered) -> str:
    where = f"  項目 {answer.field}" if answer.field else ""
    again = "  REPEATED" if answer.repeated else ""
    return f"{answer.notice.get('id', '-')}  {answer.outcome:<8}  {answer.code}{where}{again}"


def _as_json(answer: Answered) -> str:
    table = {
        "id": answer.notice.get("id"),
        "outcome": answer.outcome,
        "code": answer.code,
        "field": answer.field,
        "repeated": answer.repeated,
    }
    return json.dumps(table, ensure_ascii=False)

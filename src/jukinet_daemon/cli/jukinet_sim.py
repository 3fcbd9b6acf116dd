"""jukinet-sim: municipalities, national servers and a whole demo, for those who build against the server."""

import argparse
import asyncio
import json
import math
import signal
import sys
from collections.abc import Coroutine
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from rich.console import Console

from jukinet_daemon.cli.arguments import count
from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.send import UNANSWERED
from jukinet_daemon.cli.send import send as send_file
from jukinet_daemon.cli.tables import Column, show_list
from jukinet_daemon.keys import signing_key
from jukinet_daemon.outward import PeerFault
from jukinet_daemon.pki.files import PkiFileError, load_certificate
from jukinet_daemon.pki.peer import Role, identity_of
from jukinet_daemon.pki.tls import server_context
from jukinet_daemon.pki.trust import DoorPolicy
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.server.gate import Gate
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.sim.conformance.asking import PATH as NOTICES_PATH
from jukinet_daemon.sim.conformance.asking import Asking, load_cases
from jukinet_daemon.sim.conformance.run import run_conformance
from jukinet_daemon.sim.demo.run import Show, municipal_senders, show
from jukinet_daemon.sim.journal import read_journal
from jukinet_daemon.sim.municipalities import Task, run_municipalities
from jukinet_daemon.sim.municipality import ParcelRefused
from jukinet_daemon.sim.national import PATH, NationalServer, Office
from jukinet_daemon.sim.people import DayPlan
from jukinet_daemon.sim.pki import tls_files
from jukinet_daemon.sim.world import REGISTERS, World, load_world

DEFAULT_FOLDER = Path("build/demo")


def demo(options: argparse.Namespace) -> int:
    """Runs the demo."""
    settings = Show(
        folder=options.folder.resolve(),
        plan=_plan(options),
        seed=options.seed,
        people=options.people,
        day_seconds=options.day_seconds,
        keep=options.keep,
    )
    try:
        return _run(_until_told(show(settings, Console())))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0 if options.keep else 130


def _plan(options: argparse.Namespace) -> DayPlan:
    today = date.today()  # noqa: DTZ011 - the day on this machine's calendar
    return DayPlan(today, options.juki, options.departures, options.fuhyo)


def send(options: argparse.Namespace) -> int:
    """Sends a file of notices as one municipality and prints an outcome a line."""
    return send_file(_world(options.folder), options)


def receive_national(options: argparse.Namespace) -> int:
    """Shows what the national server of a register got."""
    world = _world(options.folder)
    entries = list(read_journal(Path(world.site(options.register).national_journal)))
    if options.json:
        for entry in entries:
            print(json.dumps(entry, ensure_ascii=False))
        return 0
    title = f"全国サーバ ({options.register}): {len(entries):,} 件"
    show_list(title, _RECEIVED, (_received(entry) for entry in entries[-options.last :]))
    return 0


_RECEIVED = (
    Column("結果"),
    Column("更新順番号", spare=True),
    Column("人", spare=True),
    Column("団体コード"),
    Column("異動"),
    Column("事由", spare=True),
    Column("通知番号"),
)


def _received(entry: dict[str, Any]) -> tuple[str, ...]:
    record = entry["record"]
    names = ("sequence", "person_number", "area", "change")
    return (entry["code"], *(str(record[name]) for name in names), record.get("cause", ""), record["id"])


def conformance(options: argparse.Namespace) -> int:
    """Puts the conformance vectors to a server; by default to the demo's."""
    url, pki = options.server, options.pki
    if not (url and pki):
        world = _world(options.folder)
        url, pki = url or world.site(options.register).notices, pki or world.pki
    work = run_conformance(
        url, options.register, pki, code_check=options.code_check, as_json=options.json, console=Console()
    )
    try:
        return _run(work)
    except PeerFault as fault:
        print(f"jukinet-sim: {url} につながりません / no connection: {fault}", file=sys.stderr)
        return UNANSWERED


def ask_cs(options: argparse.Namespace) -> int:
    """Puts a CS to the test: a server that swallows some of its parcels and asks for them."""
    files = tls_files(options.pki, Role.PREF, options.register)
    domain = identity_of(load_certificate(files.certificate)).trust_domain
    policy = DoorPolicy(domain, Role.CS, frozenset(read_areas().senders))

    async def serve() -> int:
        asking = Asking(Office(options.register, policy, signing_key(files)))
        listener = Listener(asking.application(), Gate("notices", server_context(files)))
        print(f"wss://{await listener.open(options.listen)}{NOTICES_PATH}", flush=True)
        failed = 0
        try:
            for case in load_cases():
                wrong = await asking.put(case, options.seconds)
                failed += bool(wrong)
                print(
                    f"{'不適合 failed' if wrong else '適合 passed'}  {case.name} ({case.citation})",
                    flush=True,
                )
                for problem in wrong:
                    print(f"    {problem}", flush=True)
        finally:
            await listener.close()
        return 1 if failed else 0

    return _run(serve())


def national(options: argparse.Namespace) -> int:
    """Runs a national server until it is told to stop; prints its URL when it listens."""
    files = tls_files(options.pki, Role.NATIONAL, options.register)
    policy = DoorPolicy(options.trust_domain, Role.PREF, frozenset({options.register}))
    office = Office(options.register, policy, signing_key(files))

    async def serve() -> int:
        server = NationalServer(office, options.journal)
        listener = Listener(server.application(), Gate("national", server_context(files)))
        address = await listener.open(options.listen)
        print(json.dumps({"url": f"wss://{address}{PATH}"}), flush=True)
        await _told_to_stop()
        await listener.close()
        server.close()
        return 0

    return _run(serve())


def municipalities(options: argparse.Namespace) -> int:
    """Runs the CS of all municipalities: the first load, the day, then until told to stop."""
    world = _world(options.folder)
    task = Task(world.folder / "load.ndjson", world.folder / "day.ndjson", options.day_seconds)

    async def work() -> int:
        sending = asyncio.create_task(
            run_municipalities(world, municipal_senders(), task, lambda line: print(line, flush=True))
        )
        stop = asyncio.create_task(_told_to_stop())
        await asyncio.wait({sending, stop}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        return 0

    return _run(work())


async def _until_told(work: Coroutine[Any, Any, int]) -> int:
    """Runs to the end, or until SIGTERM, which cancels: what was started is ended in order."""
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _told_to_stop() -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()


def _run(work: Coroutine[Any, Any, int]) -> int:
    return uvloop.run(work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jukinet-sim", description="住基ネットの模擬 / simulators")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(work: Any, name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(work=work)
        return made

    show_all = command(demo, "demo", "一つの県の一日を動かす / watch a prefecture work for a day")
    _folder(show_all)
    show_all.add_argument("--seed", type=int, default=1, help="同じ種は同じ一日になる / same seed, same day")
    show_all.add_argument("--people", type=int, default=10_000, help="住民の数 / how many residents")
    show_all.add_argument(
        "--day-seconds", type=float, default=20.0, help="一日を何秒にするか / length of the day"
    )
    show_all.add_argument("--juki", type=int, default=3_700, help="本人確認情報の通知 / juki notices")
    show_all.add_argument("--departures", type=int, default=900, help="転出確定通知 / departures")
    show_all.add_argument("--fuhyo", type=int, default=2_000, help="附票の通知 / fuhyo notices")
    show_all.add_argument(
        "--keep", action="store_true", help="終わっても動かしておく / keep it up afterwards"
    )

    _send_options(command(send, "send", "通知のファイルを市区町村として送る / send a file of notices"))

    got = command(
        receive_national, "receive-national", "全国サーバが受けたものを示す / what the national server got"
    )
    _folder(got)
    _register(got)
    got.add_argument("--last", type=count, default=20, help="新しいものから何件 / how many, newest last")
    got.add_argument(
        "--json", action="store_true", help="すべてを機械が読む形で出す / everything, for programs"
    )

    _conformance_options(
        command(
            conformance, "conformance", "適合試験をサーバに行う / put the conformance vectors to a server"
        )
    )

    _asking_options(
        command(ask_cs, "ask-cs", "CSに欠番を求めて試す / ask a vendor's CS for parcels that never came")
    )

    _national_options(command(national, "national", "全国サーバを動かす / run a national server"))

    sixty = command(municipalities, "municipalities", "六十市区町村を動かす / run the sixty municipalities")
    _folder(sixty)
    sixty.add_argument("--day-seconds", type=float, default=20.0)
    return parser


def _send_options(one: argparse.ArgumentParser) -> None:
    _folder(one)
    _register(one)
    one.add_argument(
        "--as", dest="municipality", required=True, metavar="CODE", help="団体コード / who sends"
    )
    one.add_argument(
        "--url", type=_server_url, help="接続先 (省けば実演のサーバ) / the server, by default the demo's"
    )
    one.add_argument(
        "--wait",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="回答がないまま待つ秒数 (省けば 30) / how long to wait without an answer, 30 unless told",
    )
    one.add_argument("--json", action="store_true", help="機械が読む形で出す / for programs")
    one.add_argument("file", type=Path, help="一行に一通知の JSON / one JSON notice a line")


def _conformance_options(kit: argparse.ArgumentParser) -> None:
    _folder(kit)
    _register(kit)
    kit.add_argument(
        "--server",
        type=_server_url,
        metavar="URL",
        help="wss://HOST:PORT/notices (省けば実演のサーバ / default: the demo's)",
    )
    kit.add_argument("--pki", type=Path, help="証明書のフォルダ (省けば実演のもの) / the certificates")
    kit.add_argument(
        "--code-check",
        choices=("refuse", "warn", "off"),
        default="warn",
        help="住民票コードの検査数字の扱い / how the server takes a doubtful resident code",
    )
    kit.add_argument("--json", action="store_true", help="機械が読む形で出す / for programs")


def _national_options(nation: argparse.ArgumentParser) -> None:
    _register(nation)
    nation.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT")
    nation.add_argument("--pki", type=Path, required=True)
    nation.add_argument("--trust-domain", required=True)
    nation.add_argument("--journal", type=Path, required=True)


def _asking_options(asked: argparse.ArgumentParser) -> None:
    _register(asked)
    asked.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT")
    asked.add_argument("--pki", type=Path, required=True, help="証明書のフォルダ / the certificates")
    asked.add_argument(
        "--seconds", type=float, default=120.0, help="一例に待つ秒数 / how long a case may take"
    )


def _server_url(text: str) -> str:
    """The address of a notices door; a certificate is what the peers know each other by, so it is wss."""
    try:
        parts = urlsplit(text)
        named = parts.scheme == "wss" and parts.hostname and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise argparse.ArgumentTypeError(
            "wss://HOST:PORT/notices の形で指定してください / must look like wss://HOST:PORT/notices"
        )
    return text


def _seconds(text: str) -> float:
    """A number of seconds above 0, and not without end."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError("0 より大きい秒数を指定してください / must be seconds above 0")
    return seconds


def _world(folder: Path) -> World:
    """The demo that runs in a folder. Raises CommandFault."""
    try:
        return load_world(folder)
    except FileNotFoundError:
        raise CommandFault(
            f"{folder} に実演がありません。make demo KEEP=1 で動かしてください"
            " / no demo is there; start one with make demo KEEP=1"
        ) from None


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="実演のフォルダ / the demo's folder"
    )


def _register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--register", choices=REGISTERS, default="juki", help="ファイル / the register")


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; gives its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.work(options)
    except OSError as fault:
        print(f"jukinet-sim: {fault.filename}: {fault.strerror}", file=sys.stderr)
        return 1
    except (CommandFault, PkiFileError) as fault:
        print(f"jukinet-sim: {fault}", file=sys.stderr)
        return 1
    except ParcelRefused as fault:
        print(f"jukinet-sim: 電文が拒否された / the parcel was refused: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())

"""送信者: python -m campaign.senders: several CS in one process, which goes on from its journals when killed.

It notifies invented lives without end. SIGTERM: it begins no more, waits until all is answered, and ends.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from jukinet_daemon.keys import signing_key
from jukinet_daemon.outward import Caller
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.municipality import Answered, MunicipalCs, Window
from jukinet_daemon.sim.owed import owed
from jukinet_daemon.sim.pki import tls_files
from support.seal import ours

from .lives import Notice, lives

PARCEL_NOTICES = 3
MOST_WAITING = 30


class Office:
    """One municipality's CS and the lives it notifies."""

    def __init__(self, options: argparse.Namespace, code: str, port: int) -> None:
        files = tls_files(options.pki, Role.CS, code)
        policy = DoorPolicy(options.trust_domain, Role.PREF, frozenset({options.register}), side=Side.SERVER)
        caller = Caller(client_context(files), policy, signing_key(files))
        url = f"wss://127.0.0.1:{port}/notices"
        window = Window(
            options.register,
            code,
            url,
            caller,
            parcel_notices=PARCEL_NOTICES,
            ledger_key=ours(options.register),
        )
        path = options.journals / f"{code}.ndjson"
        before = owed(path, options.register)
        self.cs = MunicipalCs(window, Journal(path), self._answered, before.last_number)
        self._waiting = len(before.notices)
        self.cs.post(before.notices)
        # Each start of this process invents other lives.
        self._lives: Iterator[list[Notice]] = lives(
            f"{options.seed} {before.last_number}", code, options.register
        )

    def notify(self) -> None:
        """Begins one more life, unless much waits already."""
        if self._waiting < MOST_WAITING:
            notices = next(self._lives)
            self._waiting += len(notices)
            self.cs.post(notices)

    def _answered(self, _answer: Answered) -> None:
        self._waiting -= 1


async def work(options: argparse.Namespace) -> None:
    """Notifies until told to end, then until all is answered."""
    offices = [Office(options, code, int(port)) for code, port in (line.split("=") for line in options.line)]
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    running = [asyncio.create_task(office.cs.run()) for office in offices]
    print(json.dumps({"ready": True}), flush=True)
    for turn in count():
        offices[turn % len(offices)].notify()
        try:
            async with asyncio.timeout(options.pause / len(offices)):
                await told.wait()
        except TimeoutError:
            continue
        break
    finishing = asyncio.create_task(_all_done(offices))
    await asyncio.wait({finishing, *running}, return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _all_done(offices: list[Office]) -> None:
    for office in offices:
        await office.cs.done()


def main() -> int:
    """Runs the program."""
    parser = argparse.ArgumentParser(prog="senders")
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--trust-domain", required=True)
    parser.add_argument("--register", required=True)
    parser.add_argument("--journals", type=Path, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between two lives of one CS")
    parser.add_argument("line", nargs="+", metavar="CODE=PORT")
    asyncio.run(work(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

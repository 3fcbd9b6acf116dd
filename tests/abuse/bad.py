"""悪い相手: python -m abuse.bad: so many bad peers at once, in a process that gives way to every other.

One line of JSON in: doors, certificates, how many; a line out once they are ready; one more line in sends
them. Lines out: now and then how many of each kind are left, and at last of each kind the seconds from first
byte to the server's close, of every connection.
"""

import asyncio
import gc
import json
import os
import random
import socket
import ssl
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import uvloop

from abuse.closes import Closes
from abuse.kinds import KINDS, Bad, Kind, hello
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from jukinet_daemon.server.gate import HANDSHAKE_TIMEOUT_S
from jukinet_daemon.sim.pki import tls_files

TELL_S = 2.0
PERSISTS_S = 12.0
CONNECT_S = 20.0
NAP_S = 0.002


@dataclass
class Tally:
    """What became of the connections of one kind."""

    held: list[float] = field(default_factory=list)
    turned_away: list[float] = field(default_factory=list)
    unconnected: int = 0
    still_open: int = 0


class Crowd:
    """All the bad peers of one process."""

    def __init__(
        self, doors: dict[str, str], pki: Path, municipalities: list[str], given_up_s: float
    ) -> None:
        self._doors = doors
        self._given_up_s = given_up_s
        names = [(Role.CS, name) for name in municipalities]
        self._contexts = [client_context(tls_files(pki, *name)) for name in names]
        self._of_the_bridge = client_context(tls_files(pki, Role.PREF, "fuhyo"))
        self._hello = hello()
        self._began = 0.0
        self._closes = Closes()
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.waiting: Counter[str] = Counter()

    async def run(self, count: int) -> None:
        """Sends them all at once and waits until the server has closed the last."""
        self._began = time.monotonic()
        kinds: Iterator[str] = cycle(KINDS)
        self.waiting.update(islice(cycle(KINDS), count))
        async with asyncio.TaskGroup() as group:
            for number, name in zip(range(count), kinds, strict=False):
                group.create_task(self._persist(number, name))

    async def _persist(self, number: int, name: str) -> None:
        await self._to_its_end(number, KINDS[name], self.tallies[name])
        self.waiting[name] -= 1

    async def _to_its_end(self, number: int, kind: Kind, tally: Tally) -> None:
        while True:
            shaken = asyncio.Event()
            seconds = await self._one(number, kind, shaken, tally)
            if seconds is None:
                return
            # Without TLS nobody tells of a turn; but none that had one and is borne is closed any sooner.
            had_a_turn = shaken.is_set() if kind.tls else not kind.held or seconds >= HANDSHAKE_TIMEOUT_S
            if had_a_turn:
                tally.held.append(seconds)
                return
            tally.turned_away.append(seconds)
            if time.monotonic() - self._began > PERSISTS_S:
                return
            await asyncio.sleep(random.uniform(0.5, 1.5))

    async def _one(self, number: int, kind: Kind, shaken: asyncio.Event, tally: Tally) -> float | None:
        """The seconds from first byte to close of one connection."""
        # Each municipality has an address of its own, as on its own line.
        address = f"127.0.1.{1 + number % len(self._contexts)}"
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.bind((address, 0))
        host, _, port = self._doors[kind.door].rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
        except OSError:
            connection.close()
            tally.unconnected += 1
            return None
        began = time.monotonic()
        acting = asyncio.create_task(self._act(connection.dup(), number, kind, shaken))
        try:
            async with asyncio.timeout(self._given_up_s):
                await self._closes.of(connection)
            return time.monotonic() - began
        except TimeoutError:
            tally.still_open += 1
            return None
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
            connection.close()

    async def _act(self, connection: socket.socket, number: int, kind: Kind, shaken: asyncio.Event) -> None:
        context = self._context(number, kind)
        reader, writer = await asyncio.open_connection(
            sock=connection,
            ssl=context,
            server_hostname="prefecture" if context else None,
            ssl_handshake_timeout=self._given_up_s if context else None,
        )
        shaken.set()
        try:
            await kind.act(Bad(reader, writer, self._hello))
            await asyncio.Event().wait()
        finally:
            writer.transport.abort()

    def _context(self, number: int, kind: Kind) -> ssl.SSLContext | None:
        if not kind.tls:
            return None
        return self._of_the_bridge if kind.door == "bridge" else self._contexts[number % len(self._contexts)]


async def tell(crowd: Crowd) -> None:
    """Tells now and then how many of each kind are not done."""
    while True:
        await asyncio.sleep(TELL_S)
        waiting = {name: count for name, count in crowd.waiting.items() if count}
        print(json.dumps({"waiting": waiting}), flush=True)


async def nap() -> None:
    """Lets go of the processor again and again, for ever.

    A class of its own does not suffice: the kernel leaves a processor that is never idle to whoever is on it,
    and heaps all others on the rest (half a second at a time, seen with perf sched).
    """
    while True:
        await asyncio.sleep(NAP_S)
        time.sleep(NAP_S)  # noqa: ASYNC251 - the whole process is meant


async def work() -> None:
    """Reads what to do, does it, tells what became of it."""
    # What our own library says of connections that were cut under it is no news here.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    told = json.loads(sys.stdin.buffer.readline())
    crowd = Crowd(told["doors"], Path(told["pki"]), told["municipalities"], told["given_up_s"])
    # Two thousand of everything would be gone through again and again; nothing here is to be found.
    gc.disable()
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.buffer.readline()
    meanwhile = [asyncio.create_task(tell(crowd))]
    if told["aside"]:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        meanwhile.append(asyncio.create_task(nap()))
    await crowd.run(told["count"])
    for task in meanwhile:
        task.cancel()
    tallies = {name: vars(tally) for name, tally in crowd.tallies.items()}
    print(json.dumps({"tallies": tallies}), flush=True)


def main() -> int:
    """Runs the program."""
    uvloop.run(work())
    return 0


if __name__ == "__main__":
    sys.exit(main())

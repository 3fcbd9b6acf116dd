"""切断点: python -m campaign.cutpoints [--rotate]: every step of one notice, harmed before and after.

The steps are those seen in a clean run, so a new one is covered by itself. Whatever the harm, the same final
state must be reached: the notice once in every table, its record once at the national server.
"""

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from judge.evidence import gather
from judge.findings import Verdict
from judge.tables import copy_tables
from judge.verdict import judge
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.loops import relay
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim import municipality
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.municipality import MunicipalCs, Window
from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.store.migrate import migrate
from support.notices import juki_change
from support.world import config_for, national_server, new_pki, postgres, write_keyring

from .framing import PostgresFraming, TlsFraming
from .prefecture import REGISTER, Ground
from .tap import READ_S, Moment, Plan, Step, Tap, TappedConnection

CS = "402303"
TRIES = 6
QUIET_S = 0.01
CASE_S = 60.0


class Harm(StrEnum):
    """What befalls the line on which the step is taken, or the daemon."""

    RST = "rst"
    FIN = "fin"
    HANG = "hang"
    KILL = "kill"


_FINAL = """
SELECT json_build_array(
    (SELECT json_agg(json_build_array(outcome, code)) FROM inbox WHERE notice_id = $1),
    (SELECT json_agg(json_build_array(h.version, h.change, p.version, p.current, p.waiting))
        FROM history AS h JOIN person AS p USING (person_id) WHERE h.notice_id = $1),
    (SELECT json_agg(json_build_array(receipt_id IS NOT NULL, refused)) FROM outbox WHERE notice_id = $1),
    (SELECT count(*) FROM held WHERE notice_id = $1),
    (SELECT count(*) FROM ledger
        WHERE payload LIKE '%"event":"notice"%' AND payload LIKE '%' || $1::text || '%'),
    (SELECT count(*) FROM person_key AS k JOIN history AS h USING (person_id) WHERE h.notice_id = $1)
)
"""


class House:
    """A server, a national server and a CS in this process, with a tap on each line between them."""

    def __init__(self, ground: Ground, name: str) -> None:
        self._ground, self._name = ground, name
        self.folder = ground.folder / name
        self.plan = Plan()
        self.taps = {
            "cs": Tap(self.plan, TlsFraming, lambda _peer: "CS"),
            "national": Tap(self.plan, TlsFraming, lambda _peer: "national"),
            "postgres": Tap(self.plan, PostgresFraming, _database_hop),
        }
        self._stack = AsyncExitStack()
        self._deaths: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Starts everything; the CS is connected and the statements are prepared."""
        self.folder.mkdir(parents=True)
        ground, stack = self._ground, self._stack
        ground.postgres.psql("postgres", f"CREATE DATABASE {self._name}")
        self.dsn = ground.postgres.dsn(self._name)
        await migrate(self.dsn, REGISTER)
        self._look = await asyncpg.connect(self.dsn)
        stack.push_async_callback(self._look.close)
        url = await stack.enter_async_context(national_server(REGISTER, ground.pki, self.national_journal))
        port = free_port()
        folder = await self._look.fetchval("SHOW unix_socket_directories")
        socket_path = f"{folder.strip(chr(34))}/.s.PGSQL.5432"
        ports = {
            "cs": await self.taps["cs"].start(lambda: asyncio.open_connection("127.0.0.1", port)),
            "national": await self.taps["national"].start(_opener(url)),
            "postgres": await self.taps["postgres"].start(lambda: asyncio.open_unix_connection(socket_path)),
        }
        for tap in self.taps.values():
            stack.push_async_callback(tap.stop)
        self._config = config_for(
            REGISTER,
            ground.pki,
            f"postgresql://postgres@127.0.0.1:{ports['postgres']}/{self._name}?sslmode=disable",
            write_keyring(self.folder),
            notices={"listen": f"127.0.0.1:{port}"},
            national={"url": f"wss://127.0.0.1:{ports['national']}/records"},
            health=None,
        )
        self._daemon = Daemon(self._config)
        await self._daemon.start()
        stack.push_async_callback(self._stop_daemon)
        self._open_cs(ports["cs"])
        for _ in range(3):
            await self.clean()

    def _open_cs(self, port: int) -> None:
        (self.folder / "cs").mkdir()
        journal = Journal(self.folder / "cs" / f"{CS}.ndjson")
        caller = self._ground.pki.caller(Role.CS, CS, REGISTER)
        window = Window(REGISTER, CS, f"wss://127.0.0.1:{port}/notices", caller)
        self.cs = MunicipalCs(window, journal, lambda _answer: None)
        running = asyncio.create_task(self.cs.run())

        async def end() -> None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            journal.close()

        self._stack.push_async_callback(end)

    @property
    def national_journal(self) -> Path:
        """What the national server has written down."""
        return self.folder / "national.ndjson"

    async def _stop_daemon(self) -> None:
        await self._daemon.stop()

    def begin(self, step: Step | None = None, moment: Moment = Moment.BEFORE, harm: Harm = Harm.RST) -> None:
        """Counts anew from here, and makes ready to harm one step."""
        plan = Plan(step=step, moment=moment, harm=self._harm(harm))
        self.plan = plan
        for tap in self.taps.values():
            tap.plan = plan

    async def clean(self) -> list[Step]:
        """One notice without harm; gives its steps."""
        self.begin()
        await self.notify()
        return list(self.plan.seen)

    async def notify(self) -> str:
        """One notice from its CS to the receipt of its record; gives its final state in the tables."""
        notice = juki_change(area=CS)
        async with asyncio.timeout(CASE_S):
            self.cs.post([notice])
            await self._answered()
            await asyncio.gather(*self._deaths)
            self._deaths.clear()
            while not (final := await self._final(notice["id"])):  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.005)
            await self._quiet()
        return final

    async def _answered(self) -> None:
        """Waits for the answer, or for a daemon that could not be started again, which is raised."""
        done = asyncio.create_task(self.cs.done())
        while not done.done():
            waits = {done, *(death for death in self._deaths if not death.done())}
            await asyncio.wait(waits, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            for death in self._deaths:
                if death.done():
                    death.result()

    async def _final(self, notice_id: str) -> str | None:
        """The final state; None while its record waits for a receipt. What was answered must be there now."""
        state: str = await self._look.fetchval(_FINAL, notice_id)
        outbox = json.loads(state)[2]
        return None if outbox and not outbox[0][0] else state

    async def _quiet(self) -> None:
        while True:
            before = self.plan.messages
            await asyncio.sleep(QUIET_S)
            if self.plan.messages == before:
                return

    def _harm(self, harm: Harm) -> Callable[[TappedConnection], Any]:
        async def strike(connection: TappedConnection) -> None:
            if harm is Harm.RST:
                connection.reset()
            elif harm is Harm.FIN:
                connection.finish()
            elif harm is Harm.HANG:
                await self._hang(connection)
            else:
                self._deaths.add(asyncio.create_task(self._kill()))
            if harm is not Harm.HANG:
                await asyncio.sleep(CASE_S)  # the pump ends with its connection

        return strike

    async def _hang(self, connection: TappedConnection) -> None:
        """The connection stands still; its sender gives up and sends again; then it goes on after all."""
        connection.gate.clear()
        if connection.tap is self.taps["national"] or "relay" in connection.peer:
            await self.cs.done()
        else:
            for line in list(self.taps["cs"].connections):
                line.reset_client()
            before = self.plan.messages
            while self.plan.messages < before + 4:  # noqa: ASYNC110 - the new connection's first messages
                await asyncio.sleep(READ_S)
        connection.gate.set()

    async def _kill(self) -> None:
        """All that the world sees of `kill -9`: every line of the daemon ends at once; it says no more."""
        for tap in self.taps.values():
            tap.refusing = True
        for tap in self.taps.values():
            await tap.cut_all()
        await self._daemon.stop()
        for tap in self.taps.values():
            tap.refusing = False
        self._daemon = Daemon(self._config)
        await self._daemon.start()

    def judge(self) -> Verdict:
        """What the judge says of all cases together."""
        tables = copy_tables(self._ground.postgres.binary("psql"), self.dsn)
        journals = sorted((self.folder / "cs").glob("*.ndjson"))
        return judge(gather(journals, self.national_journal, tables, REGISTER))

    async def close(self) -> None:
        """Ends everything."""
        await self._stack.aclose()


def _opener(url: str) -> Callable[[], Any]:
    host, _, port = url.removeprefix("wss://").partition("/")[0].rpartition(":")
    return lambda: asyncio.open_connection(host, int(port))


def _database_hop(peer: str) -> str:
    door = peer.partition(" ")[0].removeprefix("jukinet_")
    return f"database ({door})" if door in ("notices", "relay") else ""


@dataclass
class Enumeration:
    """All cases, what they ended in, and what was never struck."""

    steps: list[Step] = field(default_factory=list)
    reference: str = ""
    done: dict[tuple[Step, Moment, Harm], bool] = field(default_factory=dict)
    missed: list[tuple[Step, Moment, Harm]] = field(default_factory=list)
    verdict: Verdict | None = None

    @property
    def sound(self) -> bool:
        """Whether every case was struck and ended in the same state, and the judge found nothing."""
        return (
            bool(self.done)
            and all(self.done.values())
            and not self.missed
            and bool(self.verdict and self.verdict.sound)
        )

    def table(self) -> list[str]:
        """Steps x harms, before and after: `=` same final state, `X` another, `?` never struck."""
        rows = [f"{'':>4} {'hop':<19} {'way':<10} {'message':<21} " + " ".join(f"{harm:<5}" for harm in Harm)]
        for number, step in enumerate(self.steps, start=1):
            cells = ("".join(self._mark(step, moment, harm) for moment in Moment) for harm in Harm)
            name = f"{number:>4} {step.hop:<19} {step.way:<10} {step.label:<21} "
            rows.append(name + " ".join(f"{cell:<5}" for cell in cells))
        return rows

    def _mark(self, step: Step, moment: Moment, harm: Harm) -> str:
        case = (step, moment, harm)
        if case in self.missed:
            return "?"
        return " " if case not in self.done else "=" if self.done[case] else "X"

    def figure(self) -> str:
        """The figure at the end."""
        same = sum(self.done.values())
        return (
            f"{len(self.steps)} steps, {len(self.done)} cases struck, {same} with the same final state,"
            f" {len(self.missed)} never struck"
        )


def cases(steps: list[Step], *, rotate: bool) -> Iterator[tuple[Step, Moment, Harm]]:
    """Every step, before and after, with every harm; or with one harm each, in turn."""
    harms = list(Harm)
    for number, step in enumerate(steps):
        for turn, moment in enumerate(Moment):
            for harm in (harms[(number + 2 * turn) % len(harms)],) if rotate else harms:
                yield step, moment, harm


async def enumerate_all(
    ground: Ground, name: str, *, rotate: bool, tell: Callable[[str], None]
) -> Enumeration:
    """Runs every case. Raises TimeoutError for one that does not end."""
    house, found = House(ground, name), Enumeration()
    with short_pauses():
        await house.open()
        try:
            found.steps = await house.clean()
            house.begin()
            found.reference = await house.notify()
            began = time.monotonic()
            for number, case in enumerate(cases(found.steps, rotate=rotate), start=1):
                await try_case(house, found, case)
                if number % 50 == 0:
                    tell(f"{number} 件 / cases, {time.monotonic() - began:.0f} s")
            found.verdict = await asyncio.to_thread(house.judge)
        finally:
            await house.close()
    return found


async def try_case(house: House, found: Enumeration, case: tuple[Step, Moment, Harm]) -> None:
    """Harms one step, again where it was not met, and notes whether the final state was the same."""
    for _ in range(TRIES):
        house.begin(*case)
        final = await house.notify()
        struck = house.plan.struck
        await house.clean()
        if struck or final != found.reference:
            found.done[case] = final == found.reference
            return
    found.missed.append(case)


@contextmanager
def short_pauses() -> Iterator[None]:
    """The pauses after a fault, for the time of an enumeration, too short to be waited for."""
    pauses = {"FIRST_PAUSE_S": 0.01, "LONGEST_PAUSE_S": 0.05}
    # The relay looks once more behind a parcel; later, and it would look within the next case.
    names = {relay: {**pauses, "GATHERS_S": 0.0}, municipality: pauses}
    before = [(module, name, vars(module)[name]) for module, own in names.items() for name in own]
    try:
        for module, name, _ in before:
            setattr(module, name, names[module][name])
        yield
    finally:
        for module, name, pause in before:
            setattr(module, name, pause)


def main(arguments: list[str] | None = None) -> int:
    """Runs the enumeration; gives 0 only if every case ended in the same final state."""
    parser = argparse.ArgumentParser(prog="cutpoints", description="一件の全手順を切る / cut at every step")
    parser.add_argument("--rotate", action="store_true", help="各手順に一つの害 / one harm a step, in turn")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    folder = Path(tempfile.mkdtemp(prefix="jukinet-cutpoints-"))
    with postgres() as server:
        ground = Ground(folder, server, new_pki(folder / "pki"))
        found = asyncio.run(enumerate_all(ground, "cutpoints", rotate=options.rotate, tell=print))
    print("\n".join(found.table()))
    if found.verdict:
        print(found.verdict.line())
    print(found.figure())
    shutil.rmtree(folder)
    return 0 if found.sound else 1


if __name__ == "__main__":
    sys.exit(main())

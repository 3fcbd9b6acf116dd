"""県: one register of a prefecture for a campaign: database, daemon, relay, national server, lines."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from judge.evidence import gather
from judge.findings import Verdict
from judge.tables import copy_tables
from judge.verdict import judge
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.line import Line, LineProfile
from jukinet_daemon.sim.municipality import Answered, MunicipalCs, Window
from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.migrate import migrate
from support.seal import ours, sealing_sections
from support.world import TRUST_DOMAIN, Pki, write_keyring

from .program import Program, poll

REGISTER = "juki"
JUKINETD = ("jukinet_daemon.cli.jukinetd",)
JUKINET_SIM = ("jukinet_daemon.cli.jukinet_sim",)
REST_S = 180.0

_CONFIG = """\
register = "{register}"
prefecture = "400009"
trust_domain = "{trust_domain}"
[database]
dsn = "{dsn}"
[tls]
certificate = "{tls.certificate}"
key = "{tls.key}"
ca = "{tls.ca}"
crl = "{tls.crl}"
[keys]
ring = "{ring}"
"""


@dataclass(frozen=True)
class Ground:
    """What a prefecture stands on: a folder, a PostgreSQL that may be killed, a PKI."""

    folder: Path
    postgres: EmbeddedPostgres
    pki: Pki


class Prefecture:
    """One register, each part a process of its own, each line one that can be harmed.

    `daemon`, `national`: the module and leading arguments that start them, where another is to be tried.
    `beside`: further processes of the daemon's program, each the sections of its configuration.
    """

    def __init__(
        self,
        ground: Ground,
        name: str,
        senders: Sequence[str],
        *,
        register: str = REGISTER,
        daemon: Sequence[str] = JUKINETD,
        national: Sequence[str] = JUKINET_SIM,
        beside: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.ground = ground
        self.register = register
        self.folder = ground.folder / name
        self.name = name
        self.postgres = ground.postgres
        self.senders = tuple(senders)
        self.lines = {code: _new_line(code) for code in senders}
        self.national_line = _new_line("national")
        self.ports: dict[str, int] = {}
        self._notices_port, self._national_port = free_port(), free_port()
        self._stack = AsyncExitStack()
        self._daemon, self._national = tuple(daemon), tuple(national)
        self._beside = beside

    async def open(self) -> None:
        """Makes the database, then starts everything but the senders. Raises ChildFault."""
        self.folder.mkdir(parents=True)
        self.journals.mkdir()
        await asyncio.to_thread(self.postgres.psql, "postgres", f"CREATE DATABASE {self.name}")
        await migrate(self.dsn, self.register)
        relay_port = await self._open_line(self.national_line, self._national_port)
        for code, line in self.lines.items():
            self.ports[code] = await self._open_line(line, self._notices_port)
        sealing = sealing_sections(self.folder)
        notices = f'[notices]\nlisten = "{self.notices}"\n'
        self.daemon = self._jukinetd("daemon", notices + sealing)
        self.relay = self._jukinetd("relay", f'[national]\nurl = "wss://127.0.0.1:{relay_port}/records"\n')
        self.national = Program(
            "national",
            self.folder,
            (
                *self._national,
                *("national", "--register", self.register, "--listen", f"127.0.0.1:{self._national_port}"),
                *("--pki", str(self.ground.pki.folder), "--trust-domain", TRUST_DOMAIN),
                *("--journal", str(self.national_journal)),
            ),
            notifies=False,
        )
        beside = (self._jukinetd(name, sections) for name, sections in self._beside.items())
        programs = (self.national, self.daemon, self.relay, *beside)
        for program in programs:
            self._stack.push_async_callback(program.stop)
        await asyncio.gather(*(program.start() for program in programs))

    def _jukinetd(self, name: str, door: str) -> Program:
        config = self.folder / f"{name}.toml"
        ring = self.folder / "keyring.toml"
        if not ring.exists():
            write_keyring(self.folder)
        head = _CONFIG.format(
            register=self.register,
            trust_domain=TRUST_DOMAIN,
            dsn=self.dsn,
            tls=self.ground.pki.files(Role.PREF, self.register),
            ring=ring,
        )
        config.write_text(head + door, "utf-8")
        return Program(name, self.folder, (*self._daemon, "--config", str(config)), notifies=True)

    async def _open_line(self, line: Line, port: int) -> int:
        self._stack.push_async_callback(line.stop)
        return await line.start("127.0.0.1", port)

    @property
    def dsn(self) -> str:
        """Where the file is."""
        return self.postgres.dsn(self.name)

    @property
    def notices(self) -> str:
        """The address of the notices door itself, behind the lines."""
        return f"127.0.0.1:{self._notices_port}"

    @property
    def journals(self) -> Path:
        """The folder of the senders' journals."""
        return self.folder / "cs"

    @property
    def national_journal(self) -> Path:
        """What the national server has written down."""
        return self.folder / "national.ndjson"

    def sql(self, statement: str) -> str:
        """What a statement of the owner gives, as psql prints it."""
        return self.postgres.psql(self.name, statement)

    async def cs(
        self, code: str, heard: Callable[[Answered], None] | None = None, **window: Any
    ) -> MunicipalCs:
        """A municipality's CS in this process, behind its line; it sends until the prefecture closes."""
        caller = self.ground.pki.caller(Role.CS, code, self.register)
        url = f"wss://127.0.0.1:{self.ports[code]}/notices"
        journal = Journal(self.journals / f"{code}.ndjson")
        self._stack.callback(journal.close)
        window = {"ledger_key": ours(self.register)} | window
        cs = MunicipalCs(Window(self.register, code, url, caller, **window), journal, heard or _unheard)
        task = asyncio.create_task(cs.run())
        self._stack.push_async_callback(_cancelled, task)
        return cs

    async def relayed(self) -> None:
        """Waits until no record waits for the national server any more. Raises TimeoutError."""
        waiting = "SELECT count(*) FROM outbox WHERE receipt_id IS NULL"
        await poll(lambda: self.sql(waiting) == "0", REST_S, "the last receipt")

    def judge(self, *, at_rest: bool = True) -> Verdict:
        """The judge's verdict on what is there now."""
        tables = copy_tables(self.postgres.binary("psql"), self.dsn)
        journals = sorted(self.journals.glob("*.ndjson"))
        return judge(gather(journals, self.national_journal, tables, self.register, at_rest=at_rest))

    async def close(self) -> None:
        """Ends everything and drops the database."""
        await self._stack.aclose()
        if self.postgres.running:
            drop = f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)"
            await asyncio.to_thread(self.postgres.psql, "postgres", drop)


def _new_line(name: str) -> Line:
    return Line(LineProfile(name, bits_per_second=1e9, latency_s=0.0))


def _unheard(_answer: Answered) -> None:
    pass


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

"""舞台: one PostgreSQL with fsync on, one PKI, and servers as processes, as the demo starts them.

Nothing here knows a special mode of the server: it gets a configuration file and says READY=1.
"""

import asyncio
import shutil
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from jukinet_daemon.keys import signing_key
from jukinet_daemon.outward import Caller
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.demo.children import Child, ChildFault, ReadySocket
from jukinet_daemon.sim.pki import make_ledger_key, make_pki, tls_files
from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.vault.keyring import new_keyring_text

TRUST_DOMAIN = "bench.example"
PREFECTURE = "400009"
SQL = Path(__file__).parent / "sql"

Say = Callable[[str], None]
Connection = asyncpg.Connection
_LOOK_S = 0.2

_CONFIG = """\
register = "{register}"
prefecture = "{prefecture}"
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

[ledger]
keys = ["{public}"]
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A jukinetd that is ready: its process, that of its relay, its notices door, how long to READY=1."""

    pid: int
    relay_pid: int
    host: str
    port: int
    start_s: float


class Stage:
    """Everything a measurement needs, in one folder that goes at the end."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.folder = folder
        self.say = say
        self.postgres = EmbeddedPostgres(folder / "postgres")
        self.senders = read_areas().senders
        self.databases: set[str] = set()
        self._callers: dict[tuple[str, str], Caller] = {}
        self._starts = 0
        self._public = make_ledger_key(folder / "ledger.pem")

    @property
    def _seal(self) -> str:
        return f'\n[seal]\nkey = "{self.folder / "ledger.pem"}"\n'

    @property
    def pki(self) -> Path:
        """Where the certificates are."""
        return self.folder / "pki"

    def caller(self, municipality: str, register: str = "juki") -> Caller:
        """A municipality's CS on its way to a register's server."""
        whom = municipality, register
        if whom not in self._callers:
            self._callers[whom] = self._new_caller(*whom)
        return self._callers[whom]

    def _new_caller(self, municipality: str, register: str) -> Caller:
        files = tls_files(self.pki, Role.CS, municipality)
        policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({register}), side=Side.SERVER)
        return Caller(client_context(files), policy, signing_key(files))

    async def psql(self, database: str, sql: str) -> str:
        """Runs a script as the owner of the databases."""
        return await asyncio.to_thread(self.postgres.psql, database, sql)

    async def connect(self, database: str) -> Connection:
        """A connection to look into a database with, as its owner."""
        return await asyncpg.connect(self.postgres.dsn(database))

    @asynccontextmanager
    async def copy(self, template: str, *names: str) -> AsyncIterator[None]:
        """Makes copies of a database and drops them at the end."""
        for name in names:
            await self.database(name, template)
        try:
            yield
        finally:
            for name in names:
                await self.drop(name)

    async def database(self, name: str, template: str | None = None, register: str = "juki") -> None:
        """Makes a register's database, migrated by jukinetctl, or as a copy of another."""
        source = f" TEMPLATE {template} STRATEGY file_copy" if template else ""
        await self.psql("postgres", f"CREATE DATABASE {name}{source}")
        self.databases.add(name)
        if template is None:
            child = Child(f"migrate-{name}", self.folder)
            config = self.config(f"migrate-{name}", name, "", register)
            await child.start("jukinet_daemon.cli.jukinetctl", "migrate", "--config", str(config), "--json")
            if await child.ended():
                raise ChildFault(f"cannot migrate: {child.log}")

    async def drop(self, name: str) -> None:
        """Takes a database away."""
        self.databases.remove(name)
        await self.psql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def server(
        self, database: str, national: str | None = None, *, apart: bool = False
    ) -> AsyncIterator[Server]:
        """Runs `jukinetd` on a database, with the relay where there is a national server to relay to.

        One process has every door and loop, as in the demo; `apart` gives relay and sealer one of their own.
        """
        port = free_port()
        doors = f'\n[health]\nlisten = "127.0.0.1:{free_port()}"\n\n[notices]\nlisten = "127.0.0.1:{port}"\n'
        doors += self._seal
        if national:
            doors += f'\n[national]\nurl = "{national}"\n'
        self._starts += 1
        config = self.config(f"jukinetd-{self._starts}", database, doors)
        async with AsyncExitStack() as stack:
            only = ("--only", "health", "--only", "notices") if apart else ()
            pid, start_s = await stack.enter_async_context(self.jukinetd(config, *only))
            relay = (pid, 0.0)
            if apart:
                relay = await stack.enter_async_context(
                    self.jukinetd(config, *("--only", "national", "--only", "seal"))
                )
            yield Server(pid, relay[0], "127.0.0.1", port, start_s)

    @asynccontextmanager
    async def jukinetd(self, config: Path, *options: str) -> AsyncIterator[tuple[int, float]]:
        """A process that has said READY=1; gives its id and the seconds it took."""
        name = f"{config.stem}{''.join(options).replace('--only', '-')}"
        child = Child(name, self.folder)
        ready = ReadySocket(self.folder / f"{name}.ready")
        begun = time.perf_counter()
        await child.start(
            "jukinet_daemon.cli.jukinetd",
            *("--config", str(config), *options),
            environment={"NOTIFY_SOCKET": str(ready.path)},
        )
        try:
            await ready.wait_ready(child)
            yield child.pid, time.perf_counter() - begun
        finally:
            await child.stop()

    @asynccontextmanager
    async def national(self) -> AsyncIterator[tuple[str, int]]:
        """Runs the simulated national server; gives its URL and process id."""
        self._starts += 1
        name = f"national-{self._starts}"
        child = Child(name, self.folder)
        await child.start(
            "jukinet_daemon.cli.jukinet_sim",
            *("national", "--register", "juki", "--pki", str(self.pki), "--trust-domain", TRUST_DOMAIN),
            *("--journal", str(self.folder / f"{name}.ndjson")),
        )
        try:
            yield str((await child.first_line())["url"]), child.pid
        finally:
            await child.stop()

    async def seal(self, database: str, leaves: int) -> float:
        """Seals the ledger of a database that was filled in; gives the seconds it took."""
        config = self.config(f"seal-{database}", database, self._seal)
        sealed = "SELECT coalesce(max(size), 0) FROM ledger_checkpoint"
        begun = time.perf_counter()
        async with self.jukinetd(config, "--only", "seal"):
            while int(await self.psql(database, sealed)) < leaves:  # noqa: ASYNC110 - another process seals
                await asyncio.sleep(_LOOK_S)
        return time.perf_counter() - begun

    def config(self, name: str, database: str, doors: str, register: str = "juki") -> Path:
        """Writes the configuration of a server: whose register, which database, which doors."""
        ring = self.folder / "keyring.toml"
        if not ring.exists():
            ring.touch(mode=0o600)
            ring.write_text(new_keyring_text(), "utf-8")
        path = self.folder / f"{name}.toml"
        head = _CONFIG.format(
            register=register,
            prefecture=PREFECTURE,
            trust_domain=TRUST_DOMAIN,
            dsn=self.postgres.dsn(database),
            tls=tls_files(self.pki, Role.PREF, register),
            ring=ring,
            public=b64encode(self._public).decode(),
        )
        path.write_text(head + doors, "utf-8")
        return path


@asynccontextmanager
async def open_stage(folder: Path, say: Say) -> AsyncIterator[Stage]:
    """Starts PostgreSQL and makes the PKI in an emptied folder; ends it all and removes the folder."""
    await asyncio.to_thread(_empty, folder)
    stage = Stage(folder, say)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        say("PostgreSQL を起動しています / starting PostgreSQL")
        await asyncio.to_thread(stage.postgres.start)
        stack.push_async_callback(asyncio.to_thread, stage.postgres.stop)
        await asyncio.to_thread(make_pki, stage.pki, TRUST_DOMAIN, stage.senders)
        yield stage


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

"""A small world of real parts for tests: PKI, databases, servers in this process, callers."""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from jukinet_daemon.config import Config
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.keys import signing_key
from jukinet_daemon.outward import Caller, Conversation, call
from jukinet_daemon.pki.issue import CertificateAuthority
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import TlsFiles, client_context, server_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.server.gate import Gate
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.sim.national import PATH as NATIONAL_PATH
from jukinet_daemon.sim.national import NationalServer, Office
from jukinet_daemon.sim.pki import make_pki, tls_files
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.vault.keyring import new_keyring_text
from jukinet_daemon.wire.envelope import PARCEL_TYPE, seal
from jukinet_daemon.wire.parcel import Parcel, write_parcel

TRUST_DOMAIN = "jukinet.test"
PREFECTURE = "400009"
FUKUOKA = "401307"
KITAKYUSHU = "401005"
REGISTERS = ("juki", "fuhyo")


@dataclass(frozen=True)
class Pki:
    """A PKI on disk and the CA that can issue more."""

    folder: Path
    authority: CertificateAuthority

    def files(self, role: Role, name: str) -> TlsFiles:
        return tls_files(self.folder, role, name)

    def caller(self, role: Role, name: str, register: str, files: TlsFiles | None = None) -> Caller:
        """Somebody who calls a register's server."""
        own = files or self.files(role, name)
        policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({register}), side=Side.SERVER)
        return Caller(client_context(own), policy, signing_key(own))


def new_pki(folder: Path) -> Pki:
    return Pki(folder, make_pki(folder, TRUST_DOMAIN, read_areas().senders))


@dataclass(frozen=True)
class House:
    """A server that runs in this process, its national server, and what they stand on."""

    register: str
    pki: Pki
    config: Config
    daemon: Daemon
    dsn: str
    national_journal: Path
    # The parcels of each municipality are numbered through all its lines.
    numbers: dict[str, Iterator[int]] = field(default_factory=lambda: defaultdict(lambda: count(1)))

    @property
    def notices_url(self) -> str:
        return f"wss://{self.daemon.addresses['notices']}/notices"

    @property
    def health_url(self) -> str:
        return f"http://{self.daemon.addresses['health']}"

    @asynccontextmanager
    async def line(self, municipality: str = FUKUOKA) -> AsyncIterator["CsLine"]:
        """An open conversation of a municipality with the server."""
        caller = self.pki.caller(Role.CS, municipality, self.register)
        async with call(self.notices_url, caller) as conversation:
            yield CsLine(self.register, municipality, caller, conversation, self.numbers[municipality])

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the register's database, seen from outside."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return [dict(row) for row in await connection.fetch(sql, *values)]
        finally:
            await connection.close()


class CsLine:
    """One municipality's end of a line."""

    def __init__(
        self,
        register: str,
        municipality: str,
        caller: Caller,
        line: Conversation,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self.register = register
        self.municipality = municipality
        self.caller = caller
        self.conversation = line
        self.number = 0
        self._numbers = numbers or count(1)

    def parcel(self, *notices: Any, **changes: Any) -> str:
        """A signed parcel of notices; `changes` overrides its sender, register or number."""
        self.number = next(self._numbers)
        fields: dict[str, Any] = {
            "register": self.register,
            "sender": self.municipality,
            "number": self.number,
        } | changes
        payload = write_parcel(Parcel(notices=notices, **fields), "2026-11-23T09:00:00+09:00")
        return seal(payload, PARCEL_TYPE, self.caller.key)

    async def tell(self, *notices: Any) -> list[Any]:
        """Sends one parcel and gives its answers."""
        reply = await self.exchange(self.parcel(*notices))
        return list(reply.answers)

    async def exchange(self, signed: str) -> Any:
        """Sends a signed text and gives the reply to it."""
        await self.conversation.send(signed)
        return (await self.conversation.receive()).reply


def config_for(register: str, pki: Pki, dsn: str, keyring: Path, **sections: Any) -> Config:
    """A configuration with a notices door and a health door on free ports."""
    files = pki.files(Role.PREF, register)
    table = {
        "register": register,
        "prefecture": PREFECTURE,
        "trust_domain": TRUST_DOMAIN,
        "database": {"dsn": dsn},
        "tls": {
            "certificate": files.certificate,
            "key": files.key,
            "ca": files.ca,
            "crl": files.crl,
        },
        "keys": {"ring": keyring},
        "notices": {"listen": "127.0.0.1:0"},
        "health": {"listen": "127.0.0.1:0"},
    }
    # The machine may be busy: a beat that is late is no fault, unless a test is about that.
    watch = {"patience_seconds": 60.0} | sections.pop("watch", {})
    return Config.model_validate(table | {"watch": watch} | sections)


@asynccontextmanager
async def national_server(register: str, pki: Pki, journal: Path) -> AsyncIterator[str]:
    """A national server in this process; gives its URL."""
    files = pki.files(Role.NATIONAL, register)
    policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({register}))
    server = NationalServer(Office(register, policy, signing_key(files)), journal)
    listener = Listener(server.application(), Gate("national", server_context(files)))
    address = await listener.open("127.0.0.1:0")
    try:
        yield f"wss://{address}{NATIONAL_PATH}"
    finally:
        await listener.close()
        server.close()


@contextmanager
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this test run alone."""
    folder = Path(tempfile.mkdtemp(prefix="jukinet-test-"))
    try:
        with EmbeddedPostgres(folder / "data") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_keyring(folder: Path) -> Path:
    path = folder / "keyring.toml"
    path.write_text(new_keyring_text())
    path.chmod(0o600)
    return path


async def until(condition: Any, seconds: float = 30.0) -> Any:
    """Waits for something another process or task brings about, looking again as its events come in."""
    async with asyncio.timeout(seconds):
        while not (value := await condition()):  # noqa: ASYNC110 - the event is another process's
            await asyncio.sleep(0.02)
        return value

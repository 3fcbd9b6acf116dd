"""舞台: starts a prefecture: PostgreSQL, PKI, two servers, two national servers; ends it in order."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from jukinet_daemon.ledger.checkpoint import Verifier, origin_of
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role, thumbprint
from jukinet_daemon.sim.demo.children import Child, ChildFault, ReadySocket
from jukinet_daemon.sim.demo.folder import emptied
from jukinet_daemon.sim.pki import make_ledger_key, make_pki, tls_files
from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.sim.world import REGISTERS, Site, World, save_world
from jukinet_daemon.vault.keyring import new_keyring_text

TRUST_DOMAIN = "jukinet.example"
PREFECTURE = "400009"

Say = Callable[[str], None]

_CONFIG = """\
# Written by the demo. Every key is explained in config/example.toml.
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

[notices]
listen = "{notices}"

[national]
url = "{national}"

[health]
listen = "{health}"

[control]
socket = "{control}"

[ledger]
keys = ["{public}"]

[seal]
key = "{seal}"

[rules]
offices = "{offices}"

[bridge]
listen = "{bridge.listen}"
peer = "https://{bridge.peer}/bridge"
pins = ["{bridge.pin}"]
"""
# 附票 alone: the operators' window.
_WINDOW = 'socket = "{socket}"\n'
# 橋の相手: each of the two and the only one it talks to.
_OTHER = {"juki": "fuhyo", "fuhyo": "juki"}


@dataclass(frozen=True, slots=True)
class _BridgeEnd:
    """One side of the bridge: its door, the other's, the other's certificate."""

    listen: str
    peer: str
    pin: str


class Stage:
    """Everything of the demo that runs, but for the municipalities."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder = folder
        self._say = say
        self._stack = AsyncExitStack()
        self._bridge_doors = {register: f"127.0.0.1:{free_port()}" for register in REGISTERS}
        self.postgres = EmbeddedPostgres(folder / "postgres")

    async def open(self, municipalities: tuple[str, ...]) -> World:
        """Starts it all in an emptied folder.

        Raises FolderFault, ChildFault or PostgresFault with what to look at.
        """
        self._stack.enter_context(emptied(self._folder))
        # The control sockets and keys are below; the folder is for the one who runs the demo.
        self._folder.chmod(0o755)
        self._say("PostgreSQL を起動しています / starting PostgreSQL")
        await asyncio.to_thread(self.postgres.start)
        self._stack.push_async_callback(asyncio.to_thread, self.postgres.stop)
        self._say("認証局と証明書を作っています / making the PKI")
        make_pki(self._folder / "pki", TRUST_DOMAIN, municipalities)
        sites = []
        for register in REGISTERS:
            self._say(f"{register}: データベースとサーバを起動しています / starting database and servers")
            sites.append(await self._open_site(register))
        world = World(self._folder, TRUST_DOMAIN, PREFECTURE, tuple(sites))
        save_world(world)
        return world

    async def close(self) -> None:
        """Stops what was started, the last first."""
        await self._stack.aclose()

    async def _open_site(self, register: str) -> Site:
        await asyncio.to_thread(self.postgres.psql, "postgres", f"CREATE DATABASE {register}")
        journal = self._folder / f"national-{register}.ndjson"
        national = await self._start_national(register, journal)
        public = make_ledger_key(self._folder / f"{register}-ledger.pem")
        site = Site(
            register=register,
            notices=f"wss://127.0.0.1:{free_port()}/notices",
            health=f"http://127.0.0.1:{free_port()}",
            control=str(self._folder / f"{register}.sock"),
            national=national,
            config=str(self._folder / f"{register}.toml"),
            dsn=self.postgres.dsn(register),
            national_journal=str(journal),
            ledger_key=Verifier(origin_of(TRUST_DOMAIN, register, 1), public).text,
        )
        self._write_config(site)
        await self._migrate(site)
        await self._start_server(site)
        return site

    def _write_config(self, site: Site) -> None:
        ring = self._folder / f"{site.register}-keyring.toml"
        ring.touch(mode=0o600)
        ring.write_text(new_keyring_text(), "utf-8")
        text = _CONFIG.format(
            register=site.register,
            prefecture=PREFECTURE,
            trust_domain=TRUST_DOMAIN,
            dsn=site.dsn,
            tls=tls_files(self._folder / "pki", Role.PREF, site.register),
            ring=ring,
            public=b64encode(Verifier.read(site.ledger_key).public).decode(),
            seal=self._folder / f"{site.register}-ledger.pem",
            notices=site.notices.removeprefix("wss://").removesuffix("/notices"),
            national=site.national,
            health=site.health.removeprefix("http://"),
            control=site.control,
            offices=_offices(self._folder),
            bridge=self._bridge_end(site.register),
        )
        if site.register == "fuhyo":
            text += _WINDOW.format(socket=self._folder / "fuhyo-bridge.sock")
        Path(site.config).write_text(text, "utf-8")

    def _bridge_end(self, register: str) -> _BridgeEnd:
        other = _OTHER[register]
        certificate = tls_files(self._folder / "pki", Role.PREF, other).certificate
        return _BridgeEnd(
            self._bridge_doors[register],
            self._bridge_doors[other],
            thumbprint(load_certificate(certificate)),
        )

    async def _start_national(self, register: str, journal: Path) -> str:
        child = Child(f"national-{register}", self._folder)
        self._stack.push_async_callback(child.stop)
        await child.start(
            "jukinet_daemon.cli.jukinet_sim",
            "national",
            *("--register", register, "--pki", str(self._folder / "pki")),
            *("--trust-domain", TRUST_DOMAIN, "--journal", str(journal)),
        )
        return str((await child.first_line())["url"])

    async def _migrate(self, site: Site) -> None:
        child = Child(f"migrate-{site.register}", self._folder)
        await child.start("jukinet_daemon.cli.jukinetctl", "migrate", "--config", site.config, "--json")
        if await child.ended():
            raise ChildFault(f"移行できません。{child.log} を見てください / cannot migrate")

    async def _start_server(self, site: Site) -> None:
        child = Child(f"jukinetd-{site.register}", self._folder)
        ready = ReadySocket(self._folder / f"{site.register}.ready")
        self._stack.push_async_callback(child.stop)
        await child.start(
            "jukinet_daemon.cli.jukinetd",
            *("--config", site.config),
            environment={"NOTIFY_SOCKET": str(ready.path)},
        )
        await ready.wait_ready(child)


def _offices(folder: Path) -> Path:
    """The offices of the demo: one, with one affair."""
    path = folder / "offices.csv"
    path.write_text(_OFFICES, "utf-8")
    return path


_OFFICES = """\
office,office_name,organ,affair,affair_name,basis,valid_from,valid_to
zeimu,総務部税務課,governor,prefectural-tax,県税の賦課徴収,J5-4-3,2026-06-14,
"""

"""模擬の世界: where everything of a running simulation is, as one value and one JSON file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from jukinet_daemon.keys import signing_key
from jukinet_daemon.ledger.checkpoint import Verifier
from jukinet_daemon.outward import Caller
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.sim.pki import tls_files

REGISTERS = ("juki", "fuhyo")


@dataclass(frozen=True, slots=True)
class Site:
    """One register's server and its national server."""

    register: str
    notices: str
    health: str
    control: str
    national: str
    config: str
    dsn: str
    national_journal: str
    ledger_key: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """A prefecture's two servers, their surroundings, and the folder they live in."""

    folder: Path
    trust_domain: str
    prefecture: str
    sites: tuple[Site, ...]

    @property
    def pki(self) -> Path:
        """Where the certificates are."""
        return self.folder / "pki"

    def site(self, register: str) -> Site:
        """The servers of a register."""
        return next(site for site in self.sites if site.register == register)

    def cs_journal(self, municipality: str) -> Path:
        """Where a municipality's CS writes down what it sends and what it is answered."""
        return self.folder / "cs" / f"{municipality}.ndjson"

    def ledger_key(self, register: str) -> Verifier | None:
        """What opens the checkpoints of a register's ledger, if it is sealed."""
        text = self.site(register).ledger_key
        return Verifier.read(text) if text else None

    def cs_caller(self, municipality: str, register: str) -> Caller:
        """A municipality's CS on its way to a register's server. Raises PkiFileError."""
        files = tls_files(self.pki, Role.CS, municipality)
        policy = DoorPolicy(self.trust_domain, Role.PREF, frozenset({register}), side=Side.SERVER)
        return Caller(client_context(files), policy, signing_key(files))


def world_file(folder: Path) -> Path:
    """Where the world of a folder is written."""
    return folder / "world.json"


def save_world(world: World) -> None:
    """Writes a world into its folder."""
    table = asdict(world) | {"folder": str(world.folder)}
    world_file(world.folder).write_text(json.dumps(table, indent=1), "utf-8")


def load_world(folder: Path) -> World:
    """Reads a world. Raises OSError when none runs or was kept there."""
    table = json.loads(world_file(folder).read_text("utf-8"))
    sites = tuple(Site(**site) for site in table["sites"])
    return World(Path(table["folder"]), table["trust_domain"], table["prefecture"], sites)

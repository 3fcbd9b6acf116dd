"""骨組み: what every door and loop of a process is built from, and what ends them in good order."""

import asyncio
import socket
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any

from jukinet_daemon.config import Config
from jukinet_daemon.credentials import Credentials, files_in, require_ours
from jukinet_daemon.daemon.start_checks import own_identity
from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.register import Register, Strictness
from jukinet_daemon.loops.trust import Line
from jukinet_daemon.ops.maintenance import MaintenanceDesk
from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.schemas import read_areas, read_bases, read_offices
from jukinet_daemon.server.entrance import PACE_S
from jukinet_daemon.server.gate import Gate
from jukinet_daemon.service.batch import House
from jukinet_daemon.service.clock import Clock, clock_of
from jukinet_daemon.service.crls import ListMemory
from jukinet_daemon.service.metrics import Metrics, from_zero
from jukinet_daemon.service.pulse import Pulse
from jukinet_daemon.service.refused import RefusedPeers
from jukinet_daemon.service.status import Expiry, Status
from jukinet_daemon.store.crls import KeptLists
from jukinet_daemon.store.maintenance import MaintenanceStore
from jukinet_daemon.store.pool import Database, open_database
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.keyring import read_keyring

# So many of those who were lately refused are told; the log has them all.
REFUSED_TOLD = 100

REGISTERS: dict[str, Register] = {"juki": JUKI, "fuhyo": FUHYO}


class Frame:
    """What the doors and loops of one process share. `stack` ends them, the last opened first.

    `addresses` says where the doors are; a task of `loops` that ends by itself has failed. `passed` has the
    sockets that systemd opened, by door. Where nothing is sealed or opened there is no `vault`.
    """

    vault: Vault
    status: Status
    status_database: Database
    credentials: Credentials
    list_memory: ListMemory
    pulse: Pulse | None = None

    def __init__(self, config: Config, passed: Mapping[str, socket.socket]) -> None:
        self.config = config
        self.passed = passed
        self.clock: Clock = clock_of(config.timezone)
        self.register = REGISTERS[config.register_]
        self.areas: Areas = read_areas(config.rules.areas)
        self.bases = read_bases(config.rules.bases)
        self.offices = read_offices(config.rules.offices, self.bases)
        if config.reads_ring:
            self.vault = Vault(read_keyring(config.keys.ring))
        self.metrics = Metrics()
        self.refused = RefusedPeers(self.metrics, self.clock)
        self.lines: list[Line] = []
        self.loops: list[asyncio.Task[None]] = []
        self.stack = AsyncExitStack()
        self.addresses: dict[str, str] = {}

    async def open_status(self) -> None:
        """Makes the status that doors report to. Raises StoreFault."""
        self.status_database = database = await self.database("status")
        self.status = Status(self.register, self.areas, database, self.metrics, self.clock)
        desk = MaintenanceDesk(self.register.name, MaintenanceStore(database), self.clock)
        self.status.parts["maintenance"] = desk.part
        self.status.peers = self._peers
        if self.config.reads_ring:
            self.status.keys = lambda: {
                "current": self.vault.ring.current,
                "versions": list(self.vault.ring.versions),
            }

    def house(self) -> House:
        """What notices are judged by here."""
        strictness = Strictness(self.config.rules.resident_code_check)
        return House(self.register, self.areas, strictness, self.clock, self.vault)

    async def database(self, door: str, size: int = 2) -> Database:
        """A pool of so many connections in the role of one door. Raises StoreFault."""
        database = await open_database(
            self.config.database.dsn,
            self.register.name,
            f"jukinet_{door}",
            durability=self.config.database.synchronous_commit,
            size=size,
        )
        self.stack.push_async_callback(database.close)
        return database

    async def read_credentials(self) -> None:
        """Reads our certificate and what peers are checked against. Raises PkiFileError, StoreFault."""
        tls = self.config.tls
        assert tls is not None  # noqa: S101 - the configuration's own rule
        self.list_memory = ListMemory(KeptLists(self.status_database))
        self.credentials = Credentials(files_in(tls), await self.list_memory.recall())
        require_ours(own_identity(self.config), tls.certificate, (self.credentials.own.certificate,))
        self.status.expiries, self.status.credentials = self._expiries, self._credential_faults

    def gate(self, door: str, pace_s: float = PACE_S) -> Gate:
        """The TLS entrance of a door, kept up to date with the files; a handshake begins in each `pace_s`."""
        self.count_refused(door)
        own = self.credentials.own
        gate = Gate(door, own.server, self.refused, own.until, pace_s)
        self.lines.append(gate)
        return gate

    def count_refused(self, door: str) -> None:
        """Counts from zero who is not admitted at a door."""
        from_zero(self.metrics.peers_refused, (door,), Refusal)

    def _peers(self) -> dict[str, list[Any]]:
        gates = [line for line in self.lines if isinstance(line, Gate)]
        inside = [
            {"door": gate.door, "peer": entry.uri, "address": entry.address}
            for gate in gates
            for entry in gate.inside
        ]
        return {"inside": inside, "refused": self.refused.look()[:REFUSED_TOLD]}

    def _expiries(self) -> tuple[Expiry, ...]:
        own = self.credentials.own
        ends = {"certificate": own.until, "crl": own.standing.next_update}
        return tuple(Expiry(name, moment) for name, moment in ends.items() if moment)

    def _credential_faults(self) -> dict[str, str | None]:
        return {half.value: fault for half, fault in self.credentials.faults.items()}

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Begins a loop; it is cancelled when the process stops."""
        task = asyncio.create_task(work, name=name)
        self.loops.append(task)
        self.stack.push_async_callback(cancelled, task)


async def cancelled(task: "asyncio.Task[None]") -> None:
    """Cancels a task and waits for its end, whatever it is."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

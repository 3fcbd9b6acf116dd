"""組立て: the composition root. One configuration becomes pools, doors and loops, and ends in good order."""

import asyncio
import signal
import ssl
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from jukinet_daemon.config import Config, National, NoticesDoor
from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.register import Register, Strictness
from jukinet_daemon.keys import signing_key
from jukinet_daemon.loops.crl import CrlLoop
from jukinet_daemon.loops.receive import ReceiveLoop
from jukinet_daemon.loops.relay import RelayLoop, Route
from jukinet_daemon.outward import Caller
from jukinet_daemon.pki.files import load_certificate, load_crl
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import TlsFiles, client_context, server_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sdnotify import keep_watchdog, notify, watchdog_interval
from jukinet_daemon.server.control import ControlDoor
from jukinet_daemon.server.health import HealthDoor
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.server.notices import Desk
from jukinet_daemon.server.notices import NoticesDoor as NoticesDoorHandler
from jukinet_daemon.service.batch import House
from jukinet_daemon.service.clock import Clock, clock_of
from jukinet_daemon.service.held import HeldDesk
from jukinet_daemon.service.lanes import Lanes
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.receive import Receiver
from jukinet_daemon.service.refuse import Refuser
from jukinet_daemon.service.relay import Packer
from jukinet_daemon.service.status import Expiry, Status
from jukinet_daemon.store.held import HeldNotices
from jukinet_daemon.store.inbox import Inbox
from jukinet_daemon.store.pool import Database, open_database
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.keyring import read_keyring

log = structlog.get_logger()

REGISTERS: dict[str, Register] = {"juki": JUKI, "fuhyo": FUHYO}
LANE_NOTICES = 1000
DRAIN_TIMEOUT_S = 30.0


class DutyFault(Exception):
    """A background duty ended by itself; the service stops and is started anew."""


class Daemon:
    """One running server: `start`, and `stop` when it is told to.

    `addresses` says where its doors are; a task of `loops` that ends by itself has failed.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._clock: Clock = clock_of(config.timezone)
        self._register = REGISTERS[config.register_]
        self._areas: Areas = read_areas(config.rules.areas)
        self._vault = Vault(read_keyring(config.keys.ring))
        self._metrics = Metrics()
        self._contexts: list[ssl.SSLContext] = []
        self._expiries: dict[str, datetime] = {}
        self.loops: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()
        self.addresses: dict[str, str] = {}

    async def start(self) -> None:
        """Opens what the configuration asks for, or nothing. Raises StoreFault, PkiFileError, OSError."""
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        log.info("ready", register=self._register.name, addresses=self.addresses)

    async def _open(self) -> None:
        config = self._config
        status = Status(
            self._register, self._areas, await self._database("status"), self._metrics, self._clock
        )
        status.expiries = lambda: tuple(Expiry(name, moment) for name, moment in self._expiries.items())
        self._status = status
        # What tells of the others opens first, so that it closes last and can tell of the stopping too.
        if config.health:
            await self._open_health(config.health.listen)
        if config.control:
            await self._open_control(config.control.socket)
        if config.notices:
            await self._open_notices(config.notices)
        if config.national:
            await self._open_relay(config.national)
        if self._contexts:
            self._begin(CrlLoop(self._tls_files(), self._contexts, self._crl_loaded).run(), "crl")
        if watchdog_interval():
            self._begin(keep_watchdog(), "watchdog")

    async def stop(self) -> None:
        """Takes nothing more, answers what was taken, then closes everything."""
        self._status.stopping = True
        log.info("stopping")
        await self._stack.aclose()
        log.info("stopped")

    async def _open_notices(self, settings: NoticesDoor) -> None:
        inbox = Inbox(await self._database("notices"), self._register.name, self._vault)
        lanes = Lanes(LANE_NOTICES)
        worker = asyncio.create_task(
            ReceiveLoop(lanes, Receiver(self._house(), inbox), self._metrics, settings.batch_notices).run(),
            name="receive",
        )
        self.loops.append(worker)
        self._stack.push_async_callback(_finish, lanes, worker)
        door = NoticesDoorHandler(self._desk(lanes, inbox), settings.parcels_in_flight)
        context = server_context(self._tls_files())
        self._contexts.append(context)
        listener = Listener(door.application(), context)
        self._stack.push_async_callback(listener.close)
        self.addresses["notices"] = await listener.open(settings.listen)
        self._stack.push_async_callback(_drain, listener, door)
        self._status.doors["notices"] = lambda: {
            "listen": self.addresses["notices"],
            "open": not self._status.stopping,
            "connections": door.connections,
        }

    def _house(self) -> House:
        strictness = Strictness(self._config.rules.resident_code_check)
        return House(self._register, self._areas, strictness, self._clock, self._vault)

    def _desk(self, lanes: Lanes, inbox: Inbox) -> Desk:
        policy = DoorPolicy(self._config.trust_domain, Role.CS, frozenset(self._areas.senders))
        return Desk(
            self._register.name,
            policy,
            signing_key(self._tls_files()),
            lanes,
            Refuser(self._register.name, inbox, self._clock),
            self._clock,
            self._metrics,
        )

    async def _open_relay(self, settings: National) -> None:
        files = self._tls_files()
        context = client_context(files)
        self._contexts.append(context)
        policy = DoorPolicy(
            self._config.trust_domain,
            Role.NATIONAL,
            frozenset({self._register.name}),
            frozenset(settings.pins) or None,
            Side.SERVER,
        )
        key = signing_key(files)
        route = Route(settings.url, Caller(context, policy, key), settings.parcel_notices)
        packer = Packer(self._register.name, self._config.prefecture, key, self._clock)
        database = await self._database("relay")
        relay = RelayLoop(database, self._vault, packer, route, self._metrics)
        self._status.relay = lambda: asdict(relay.state)
        self._begin(relay.run(), "relay")

    async def _open_health(self, address: str) -> None:
        listener = Listener(HealthDoor(self._status, self._metrics).application())
        self._stack.push_async_callback(listener.close)
        self.addresses["health"] = await listener.open(address)

    async def _open_control(self, path: Path) -> None:
        database = await self._database("control")
        held = HeldNotices(database, self._register.name, self._vault)
        inbox = Inbox(database, self._register.name, self._vault)
        control = ControlDoor(self._status, HeldDesk(self._house(), held, inbox))
        await control.open(path)
        self._stack.push_async_callback(control.close)
        self.addresses["control"] = str(path)

    async def _database(self, door: str) -> Database:
        database = await open_database(
            self._config.database.dsn,
            self._register.name,
            f"jukinet_{door}",
            durability=self._config.database.synchronous_commit,
        )
        self._stack.push_async_callback(database.close)
        return database

    def _tls_files(self) -> TlsFiles:
        tls = self._config.tls
        assert tls is not None  # noqa: S101 - the configuration's own rule
        files = TlsFiles(tls.certificate, tls.key, tls.ca, tls.crl)
        self._expiries["certificate"] = load_certificate(tls.certificate).not_valid_after_utc
        self._crl_loaded(load_crl(tls.crl).next_update_utc)
        return files

    def _crl_loaded(self, next_update: datetime | None) -> None:
        if next_update:
            self._expiries["crl"] = next_update

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self.loops.append(task)
        self._stack.push_async_callback(_cancel, task)


async def _drain(listener: Listener, door: NoticesDoorHandler) -> None:
    listener.stop_accepting()
    if not await door.drain(DRAIN_TIMEOUT_S):
        log.error("drain_timed_out")


async def _finish(lanes: Lanes, worker: "asyncio.Task[None]") -> None:
    await lanes.stop()
    await asyncio.wait({worker}, timeout=DRAIN_TIMEOUT_S)
    await _cancel(worker)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def serve(config: Config) -> None:
    """Runs a server until SIGTERM or SIGINT, or until one of its duties fails, which is raised."""
    daemon = Daemon(config)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await daemon.start()
    notify("READY=1")
    waiting = asyncio.create_task(told.wait())
    done, _ = await asyncio.wait({waiting, *daemon.loops}, return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    await daemon.stop()
    waiting.cancel()
    for task in done - {waiting}:
        # A traceback may carry a personal value: the fault is told by its name.
        fault = None if task.cancelled() else task.exception()
        raise DutyFault(f"{task.get_name()}: {type(fault).__name__ if fault else 'ended'}")

"""起動と停止: opens what the configuration asks for, runs until it is told to stop or a duty fails."""

import asyncio
import signal
import socket
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import structlog

from jukinet_daemon.config import Config
from jukinet_daemon.daemon.bridge import open_bridge
from jukinet_daemon.daemon.frame import Frame, cancelled
from jukinet_daemon.daemon.host import open_control, open_health
from jukinet_daemon.daemon.notices import open_notices
from jukinet_daemon.daemon.presence import begin_presence
from jukinet_daemon.daemon.pulse import begin_pulse
from jukinet_daemon.daemon.relay import open_relay
from jukinet_daemon.daemon.seal import open_seal
from jukinet_daemon.daemon.watch import add_watch
from jukinet_daemon.listenfds import PassedSocketFault, take_passed
from jukinet_daemon.logs import tell_what_trips
from jukinet_daemon.loops.keyring import KeyringLoop
from jukinet_daemon.loops.trust import TrustLoop
from jukinet_daemon.sdnotify import keep_watchdog, notify, watchdog_interval

log = structlog.get_logger()


class DutyFault(Exception):
    """A background duty ended by itself; the service stops and is started anew."""


class Daemon:
    """One running server: `start`, and `stop` when it is told to.

    Takes the configuration, the sections of it that this process opens (all, if None), and sockets that
    listen already, by door. `addresses` says where its doors are; a task of `loops` that ends by itself has
    failed; `trust` keeps what peers are checked against up to date.
    """

    trust: TrustLoop

    def __init__(
        self,
        config: Config,
        only: Collection[str] | None = None,
        passed: Mapping[str, socket.socket] = MappingProxyType({}),
    ) -> None:
        self._whole = config
        self._frame = Frame(config if only is None else config.only(only), passed)
        self.addresses = self._frame.addresses
        self.loops = self._frame.loops

    async def start(self) -> None:
        """Opens what the configuration asks for, or nothing. Raises StoreFault, PkiFileError, OSError."""
        try:
            await self._open()
        except BaseException:
            await self._frame.stack.aclose()
            raise
        log.info("ready", register=self._frame.register.name, addresses=self.addresses)

    async def _open(self) -> None:
        frame, config = self._frame, self._frame.config
        if strange := set(frame.passed) - set(config.duties):
            raise PassedSocketFault(f"sockets were passed for doors not opened here: {', '.join(strange)}")
        await frame.open_status()
        if config.speaks_tls:
            await frame.read_credentials()
        add_watch(frame)
        await begin_pulse(frame)
        await self._open_doors()
        if frame.lines:
            self.trust = TrustLoop(frame.credentials, frame.lines, frame.clock, frame.list_memory)
            frame.begin(self.trust.run(), "trust")
        presence = begin_presence(frame, self._whole)
        if config.reads_ring:
            frame.begin(KeyringLoop(config.keys.ring, frame.vault, presence.tell_now).run(), "keyring")
        if watchdog_interval():
            frame.begin(keep_watchdog(), "watchdog")

    async def _open_doors(self) -> None:
        frame, config = self._frame, self._frame.config
        # What tells of the others opens first, so that it closes last and can tell of the stopping too.
        if config.health:
            await open_health(frame, config.health.listen)
        if config.control:
            await open_control(frame, config.control.socket)
        if config.notices:
            await open_notices(frame, config.notices)
        if config.national:
            await open_relay(frame, config.national)
        if config.bridge:
            await open_bridge(frame, config.bridge)
        if config.seal:
            await open_seal(frame, config.seal)

    async def stop(self) -> None:
        """Takes nothing more, answers what was taken, then closes everything."""
        self._frame.status.stopping = True
        log.info("stopping")
        await self._frame.stack.aclose()
        log.info("stopped")


async def _started(daemon: Daemon, told: "asyncio.Task[Any]") -> bool:
    """Whether a server is up; False where it was told to stop before: a database may never answer."""
    starting = asyncio.create_task(daemon.start())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    if told.done() and not starting.done():
        await cancelled(starting)
        return False
    await starting
    return True


async def serve(config: Config, only: Collection[str] | None = None) -> None:
    """Runs a server, or some sections of it, until SIGTERM or SIGINT, or until a duty fails: raised."""
    asyncio.get_running_loop().set_exception_handler(tell_what_trips)
    daemon = Daemon(config, only, take_passed())
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    waiting = asyncio.create_task(told.wait())
    if not await _started(daemon, waiting):
        log.info("stopped")
        return
    notify("READY=1")
    done, _ = await asyncio.wait({waiting, *daemon.loops}, return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    await daemon.stop()
    waiting.cancel()
    for task in done - {waiting}:
        # A traceback may carry a personal value: the fault is told by its name.
        fault = None if task.cancelled() else task.exception()
        raise DutyFault(f"{task.get_name()}: {type(fault).__name__ if fault else 'ended'}")

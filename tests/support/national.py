"""National servers that do not do what they should, and a look at what they were told."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from jukinet_daemon.config import National
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.keys import signing_key
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import TlsFiles, server_context
from jukinet_daemon.pki.trust import DoorPolicy
from jukinet_daemon.server.gate import Gate
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.sim.journal import read_journal
from jukinet_daemon.sim.national import PATH, NationalServer, Office
from jukinet_daemon.wire.envelope import VerifyingKey
from support.world import TRUST_DOMAIN, House, Pki


class FallingNational(NationalServer):
    """Takes the first parcel, writes it down, and falls silent before its receipt."""

    fallen = False

    def _reply(self, signed: str, key: VerifyingKey) -> str:
        reply = super()._reply(signed, key)
        if not self.fallen:
            self.fallen = True
            raise ConnectionResetError
        return reply


class Ear:
    """A server that takes every call and only listens."""

    def __init__(self) -> None:
        self.calls = 0
        self.heard: list[Any] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get(PATH, self._listen)
        return application

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        self.calls += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.heard.append(message.data)
        return socket


@asynccontextmanager
async def serving(
    application: web.Application, files: TlsFiles, address: str = "127.0.0.1:0"
) -> AsyncIterator[str]:
    """Serves an application with a certificate; gives where the relay finds it."""
    listener = Listener(application, Gate("national", server_context(files)))
    try:
        yield f"wss://{await listener.open(address)}{PATH}"
    finally:
        await listener.close()


@asynccontextmanager
async def national(
    pki: Pki,
    journal: Path,
    address: str = "127.0.0.1:0",
    kind: Callable[[Office, Path], NationalServer] = NationalServer,
) -> AsyncIterator[str]:
    """A 全国サーバ of some kind at an address; gives its URL."""
    async with national_of(pki.files(Role.NATIONAL, "juki"), journal, address, kind) as url:
        yield url


@asynccontextmanager
async def national_of(
    files: TlsFiles,
    journal: Path,
    address: str = "127.0.0.1:0",
    kind: Callable[[Office, Path], NationalServer] = NationalServer,
    register: str = "juki",
) -> AsyncIterator[str]:
    """A 全国サーバ with certain files; gives its URL."""
    policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({register}))
    server = kind(Office(register, policy, signing_key(files)), journal)
    try:
        async with serving(server.application(), files, address) as url:
            yield url
    finally:
        server.close()


@asynccontextmanager
async def relay_of(house: House, **route: Any) -> AsyncIterator[Daemon]:
    """A process of its own kind that only relays what a house took in."""
    settings = {"notices": None, "national": National.model_validate(route)}
    daemon = Daemon(house.config.model_copy(update=settings))
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.stop()


def taken(journal: Path) -> list[str]:
    """The notices a national server has written down, in its order."""
    return [entry["record"]["id"] for entry in read_journal(journal)]


async def relayed(house: House) -> bool:
    """Whether every record has its receipt."""
    rows = await house.rows("SELECT count(*) FROM outbox WHERE receipt_id IS NULL")
    return bool(rows[0]["count"] == 0)

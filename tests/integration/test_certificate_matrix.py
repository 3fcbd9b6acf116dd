"""Every bad certificate at every door: none comes in, each is refused once in the log with its own reason."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from conftest import HouseMaker
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.pki.files import write_crl
from jukinet_daemon.pki.issue import make_crl, make_issuing, make_root
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.pki import fill_pki
from support.bad_certificates import BAD, SERVER, Bad, Kit, Shown, present, shown, sound
from support.bridge import bridged
from support.estate import DAY, Estate, validity
from support.national import relay_of
from support.world import FUKUOKA, TRUST_DOMAIN, House, Pki, until

Events = list[Any]


@dataclass(frozen=True)
class Door:
    """A door that is open, the one who would be right at it, and where its CRL stands."""

    name: str
    address: str
    kit: Kit
    daemon: Daemon
    crl: Path

    def publish(self, *serials: int, until: datetime | None = None) -> None:
        """A newer CRL, which the server takes up at once."""
        now = datetime.now(UTC)
        since = now - timedelta(seconds=1) if until is None else until - timedelta(milliseconds=1)
        crl = make_crl(
            self.kit.issuing, dict.fromkeys(serials, now), since, until or now + DAY, 100 + len(serials)
        )
        write_crl(self.crl, crl)
        self.daemon.trust.look()


@asynccontextmanager
async def notices_door(register: str, open_house: HouseMaker, _dsn: Any, folder: Path) -> AsyncIterator[Door]:
    house, estate = await estate_house(register, open_house, folder)
    kit = Kit(estate.issuing, estate.root, "cs", FUKUOKA)
    yield Door("notices", house.daemon.addresses["notices"], kit, house.daemon, folder / "estate" / "ca.crl")


@asynccontextmanager
async def bridge_door(
    register: str, _house: HouseMaker, new_database: Callable[[str], str], folder: Path
) -> AsyncIterator[Door]:
    root = make_root("root", validity(3000))
    issuing = make_issuing(root, "issuing", validity(2000))
    fill_pki(folder / "pki", root, issuing, (TRUST_DOMAIN, (FUKUOKA,)))
    pki = Pki(folder / "pki", issuing)
    dsns = {name: new_database(name) for name in ("juki", "fuhyo")}
    async with bridged(pki, dsns, folder) as world:
        daemon = world.houses[register].daemon
        other = "fuhyo" if register == "juki" else "juki"
        kit = Kit(issuing, root, "pref", other)
        yield Door("bridge", daemon.addresses["bridge"], kit, daemon, pki.folder / "issuing.crl")


async def estate_house(register: str, open_house: HouseMaker, folder: Path) -> tuple[House, Estate]:
    estate = Estate(folder / "estate")
    own = estate.peer(Role.PREF, register)
    tls = {"certificate": own.certificate, "key": own.key, "ca": own.ca, "crl": own.crl}
    return await open_house(register, national=False, tls=tls), estate


# A door that comes later joins here by a line.
DOORS = {
    "notices juki": (notices_door, "juki"),
    "notices fuhyo": (notices_door, "fuhyo"),
    "bridge juki": (bridge_door, "juki"),
    "bridge fuhyo": (bridge_door, "fuhyo"),
}


@asynccontextmanager
async def at(name: str, *parts: Any) -> AsyncIterator[Door]:
    opener, register = DOORS[name]
    async with opener(register, *parts) as door:
        yield door


async def knock(door: Door, what: Shown, folder: Path) -> bytes:
    """The first line of what a door answers to somebody who checks nothing and asks for everything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    present(context, what, folder)
    host, _, port = door.address.rpartition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    except (ssl.SSLError, ConnectionError):
        return b""
    try:
        writer.write(b"GET /anything HTTP/1.1\r\nHost: x\r\n\r\n")
        return await reader.readline()
    except (ssl.SSLError, ConnectionError):
        return b""
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


def refusals(events: Events) -> list[tuple[str, str]]:
    """What was said of peers: event and reason."""
    return [(e["event"], str(e.get("reason"))) for e in events if e["log_level"] in ("warning", "error")]


async def refused(door: Door, what: Shown, folder: Path) -> Any:
    """What the log says of one knock, once it is answered: it must be one refusal."""
    with capture_logs() as events:
        answer = await knock(door, what, folder)

        async def told() -> bool:
            return bool(refusals(events))

        await until(told)
    assert b" 403 " in answer or answer == b"", answer
    return refusals(events)


def expected(bad: Bad, kit: Kit, *, pinned: bool = False) -> str:
    """The reason at a door: the usage depends on the side; a pin speaks before the kind of key."""
    if pinned and bad.reason == "key-not-p256":
        return "not-pinned"
    side = "server" if SERVER in kit.usage else "client"
    return bad.reason.replace("missing-usage", f"missing-{side}-usage")


@pytest.mark.parametrize("name", DOORS)
async def test_no_bad_certificate_comes_in(
    name: str, open_house: HouseMaker, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    async with at(name, open_house, new_database, tmp_path) as door:
        found = {bad.what: await refused(door, bad.make(door.kit), tmp_path) for bad in BAD}
        found["none at all"] = await refused(door, Shown(), tmp_path)
        wanted = {
            bad.what: [("peer_refused", expected(bad, door.kit, pinned=door.name == "bridge"))] for bad in BAD
        }
        assert found == wanted | {"none at all": [("peer_refused", "no-certificate")]}


@pytest.mark.parametrize("name", DOORS)
async def test_a_revoked_certificate_and_a_stale_list(
    name: str, open_house: HouseMaker, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    async with at(name, open_house, new_database, tmp_path) as door:
        leaf = sound(door.kit)
        certificate = leaf.certificate()
        what = shown(certificate, leaf.key, door.kit.issuing.chain)
        if door.name == "notices":
            assert b" 404 " in await knock(door, what, tmp_path)
        else:
            assert await refused(door, what, tmp_path) == [("peer_refused", "not-pinned")]
        door.publish(certificate.serial_number)
        assert await refused(door, what, tmp_path) == [("peer_refused", "revoked")]
        door.publish(1, 2, until=datetime.now(UTC))
        assert await refused(door, sound(door.kit).shown(), tmp_path) == [("peer_refused", "crl-expired")]


def impostor(what: Shown, folder: Path) -> ssl.SSLContext:
    """The context of somebody who poses as the national server and asks nobody for anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    present(context, what, folder)
    return context


async def test_the_relay_tells_no_impostor_anything(open_house: HouseMaker, tmp_path: Path) -> None:
    house, estate = await estate_house("juki", open_house, tmp_path)
    kit = Kit(estate.issuing, estate.root, "national", "juki", (SERVER,))
    heard: list[bytes] = []
    found = {}
    for bad in BAD:
        context = impostor(bad.make(kit), tmp_path)
        async with listening(context, heard) as url:
            found[bad.what] = await turned_away(house, url)
    assert found == {bad.what: {("peer_refused", expected(bad, kit))} for bad in BAD}
    assert not [line for line in heard if b"notices" in line]


@asynccontextmanager
async def listening(context: ssl.SSLContext, heard: list[bytes]) -> AsyncIterator[str]:
    """A WebSocket of an impostor: it takes whatever it is told."""

    async def listen(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        heard.extend([message.data async for message in socket])
        return socket

    application = web.Application()
    application.router.add_get("/records", listen)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield f"wss://127.0.0.1:{port}/records"
    finally:
        await runner.cleanup()


async def turned_away(house: House, url: str) -> set[tuple[str, str]]:
    """What the relay says of the one it found there."""
    with capture_logs() as events:

        async def told() -> bool:
            return bool(refusals(events))

        async with relay_of(house, url=url):
            await until(told)
    return set(refusals(events))

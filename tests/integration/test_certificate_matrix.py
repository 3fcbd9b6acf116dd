"""Every bad certificate at every door: none comes in, each is refused once in the log with its own reason."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from conftest import HouseMaker
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.outward import call
from jukinet_daemon.pki.files import write_crl
from jukinet_daemon.pki.issue import make_crl
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.national import PATH as RECORDS
from support.bad_certificates import BAD, SERVER, Bad, Kit, Shown, present, shown, sound
from support.bridge import bridged
from support.estate import DAY, Estate
from support.impostor import Posing, impostor, listening
from support.kits import bridge_pki, kit_of
from support.national import relay_of, relayed
from support.notices import fuhyo_change, juki_change
from support.world import FUKUOKA, CsLine, House, until

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
        revoked, dates = dict.fromkeys(serials, now), (since, until or now + DAY)
        authorities = (self.kit.issuing, self.kit.free, self.kit.root)
        write_crl(self.crl, *(make_crl(ca, revoked, *dates, 100 + len(serials)) for ca in authorities))
        self.daemon.trust.look()


@asynccontextmanager
async def notices_door(register: str, open_house: HouseMaker, _dsn: Any, folder: Path) -> AsyncIterator[Door]:
    house, estate = await estate_house(register, open_house, folder)
    kit = kit_of(estate, "cs", FUKUOKA)
    yield Door("notices", house.daemon.addresses["notices"], kit, house.daemon, folder / "estate" / "ca.crl")


@asynccontextmanager
async def bridge_door(
    register: str, _house: HouseMaker, new_database: Callable[[str], str], folder: Path
) -> AsyncIterator[Door]:
    pki, kit = bridge_pki(folder / "pki")
    dsns = {name: new_database(name) for name in ("juki", "fuhyo")}
    async with bridged(pki, dsns, folder) as world:
        daemon = world.houses[register].daemon
        kit = replace(kit, name="fuhyo" if register == "juki" else "juki")
        yield Door("bridge", daemon.addresses["bridge"], kit, daemon, pki.folder / "peers.crl")


async def estate_house(register: str, open_house: HouseMaker, folder: Path) -> tuple[House, Estate]:
    estate = Estate(folder / "estate")
    estate.issuing_beside(None)
    estate.trust_all()
    estate.publish()
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


NOBODY = ("peer_refused", "no-certificate")


async def refused(door: Door, what: Shown, folder: Path) -> Any:
    """What the log says of one knock: all of it, for it is followed by one whose line is known."""
    with capture_logs() as events:
        answer = await knock(door, what, folder)
        assert await knock(door, Shown(), folder) == b""

        async def told() -> bool:
            return refusals(events).count(NOBODY) == (1 if what.chain else 2)

        await until(told)
    assert b" 403 " in answer or answer == b"", answer
    *said, last = refusals(events)
    assert last == NOBODY
    return said


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


@pytest.mark.parametrize("register", ["juki", "fuhyo"])
async def test_the_relay_tells_no_impostor_anything(
    open_house: HouseMaker, tmp_path: Path, register: str
) -> None:
    house, estate = await estate_house(register, open_house, tmp_path)
    kit = kit_of(estate, "national", register, (SERVER,))
    await something_to_tell(house, estate)
    found = {}
    for bad in BAD:
        async with listening(impostor(bad.make(kit), tmp_path), RECORDS) as posing:
            found[bad.what] = await turned_away(house, posing)
            assert posing.heard == []
    assert found == {bad.what: ("peer_refused", expected(bad, kit)) for bad in BAD}
    # Whoever is right there hears it at once: there was something to tell.
    async with (
        listening(impostor(sound(kit).shown(), tmp_path), RECORDS) as right,
        relay_of(house, url=right.url),
    ):

        async def told() -> bool:
            return bool(right.heard)

        await until(told)


async def something_to_tell(house: House, estate: Estate) -> None:
    caller = estate.caller(estate.peer(Role.CS, FUKUOKA), house.register)
    async with call(house.notices_url, caller) as conversation:
        line = CsLine(house.register, FUKUOKA, caller, conversation)
        (answer,) = await line.tell(juki_change() if house.register == "juki" else fuhyo_change())
    assert answer.outcome == "ACCEPTED"
    assert not await relayed(house)


async def turned_away(house: House, posing: Posing) -> tuple[str, str]:
    """What the relay says of the one it found there, once for each of its calls."""
    with capture_logs() as events:

        async def called_twice() -> bool:
            return posing.calls >= 2 and len(refusals(events)) >= 2

        async with relay_of(house, url=posing.url):
            await until(called_twice)
    (said,) = set(refusals(events))
    # The last call may have been cut off by the end of the relay.
    assert posing.calls - 1 <= len(refusals(events)) <= posing.calls
    return said

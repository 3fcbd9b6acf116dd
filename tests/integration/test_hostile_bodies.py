"""Every case of a request at the bridge door: one status, one log event; the next question is answered."""

import asyncio

import pytest

from cases.bodies import BODIES, Asked
from cases.case import told
from cases.people import ADDRESS
from jukinet_daemon.keys import signing_key
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from jukinet_daemon.wire.envelope import seal
from support.bridge import Bridged, emigrate
from support.raw import everything, statuses_in
from support.watch import watching


async def test_every_question_that_is_none(bridge_world: Bridged, caplog: pytest.LogCaptureFixture) -> None:
    """All in one world, for two servers are dear; what differs is told by its number."""
    found = {}
    for name, case in BODIES.items():
        with watching(caplog) as watch:
            statuses = await put(bridge_world, case.what)
            event = await watch.one()
        assert watch.says_nothing_of([ADDRESS, "99999"])
        found[name] = (statuses, told(event))
    assert found == {name: ([case.answer], case.logged) for name, case in BODIES.items()}
    (person,) = await emigrate(bridge_world)
    (line,) = await bridge_world.numbers(person["resident_code"])
    assert line["individual_number"] == person["individual_number"]


async def put(world: Bridged, asked: Asked) -> list[str]:
    """The statuses of all that the door says to the other server, which it admits."""
    files = world.pki.files(Role.PREF, "fuhyo")
    body = seal(asked.body, asked.signed_as, signing_key(files)).encode() if asked.signed_as else asked.body
    length = len(body) if asked.length is None else asked.length
    announced = [f"Content-Length: {length}"] if length >= 0 else []
    head = "\r\n".join(
        (asked.line, "Host: prefecture", *announced, *asked.headers, "Connection: close", "", "")
    )
    host, _, port = world.juki.daemon.addresses["bridge"].rpartition(":")
    reader, writer = await asyncio.open_connection(
        host, int(port), ssl=client_context(files), server_hostname="prefecture"
    )
    try:
        writer.write(head.encode() + body)
        async with asyncio.timeout(60.0):
            return statuses_in(await everything(reader))
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)

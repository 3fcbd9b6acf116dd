"""The line of the bridge while certificates change: nobody's question is cut, and nobody lost is asked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jukinet_daemon.credentials import Credentials
from jukinet_daemon.outward_http import Address, Inquirer
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role, thumbprint
from jukinet_daemon.pki.tls import TlsFiles
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.server.bridge import PATH, BridgeDesk, BridgeDoor
from jukinet_daemon.server.gate import Gate, Inside
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.service.bridge_case import PeerUnreachable
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.refused import RefusedPeers
from jukinet_daemon.wire.bridge import ANSWER_TYPE, ASK_TYPE
from jukinet_daemon.wire.envelope import VerifyingKey
from support.estate import Estate, replace_files
from support.store import CLOCK
from support.world import TRUST_DOMAIN, until


@dataclass
class Answering:
    """A server that says whose question it has, and answers when it is let."""

    listener: Listener
    gate: Gate
    address: str
    asked_by: list[str] = field(default_factory=list)
    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, _signed: str, peer: VerifyingKey) -> bytes:
        self.asked_by.append(peer.thumbprint)
        await self.let.wait()
        return b"{}"

    async def asked(self, times: int) -> None:
        async def look() -> bool:
            return len(self.asked_by) >= times

        await until(look)


@dataclass
class Line:
    """Somebody who asks, and the server that is asked, each with files that may change."""

    estate: Estate
    asker_files: TlsFiles
    server_files: TlsFiles
    server: Answering
    asker: Inquirer
    credentials: Credentials

    def put(self) -> "asyncio.Task[bytes]":
        """Puts a question."""

        async def ask() -> bytes:
            return (await self.asker.exchange(b"{}", ASK_TYPE, ANSWER_TYPE)).payload

        return asyncio.create_task(ask())

    def look(self) -> None:
        """What happens every half minute."""
        now = datetime.now().astimezone()
        if self.credentials.refresh(now):
            self.asker.renew(self.credentials.own)
        self.asker.sweep(self.credentials.own.standing, now)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    estate = Estate(tmp_path / "estate")
    server_files, asker_files = estate.peer(Role.PREF, "juki"), estate.peer(Role.PREF, "fuhyo")
    server = await _answering(Credentials(server_files))
    credentials = Credentials(asker_files)
    policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({"juki"}), side=Side.SERVER)
    asker = Inquirer(Address(f"https://{server.address}{PATH}", policy), credentials)
    yield Line(estate, asker_files, server_files, server, asker, credentials)
    await asker.close()
    server.let.set()
    await server.listener.close()


async def _answering(credentials: Credentials) -> Answering:
    refused = RefusedPeers(Metrics(), CLOCK)
    policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({"fuhyo"}), side=Side.CLIENT)

    async def answer(signed: str, peer: VerifyingKey) -> bytes:
        return await server.answer(signed, peer)

    async def note(_reason: str, _peer: str | None) -> None:
        raise AssertionError("nobody is refused here")

    door = BridgeDoor(BridgeDesk(policy, answer, ANSWER_TYPE, credentials, note, refused))
    gate = Gate("bridge", credentials.own.server, refused)
    listener = Listener(door.application(), gate)
    server = Answering(listener, gate, await listener.open("127.0.0.1:0"))
    return server


def _of(files: TlsFiles) -> str:
    return thumbprint(load_certificate(files.certificate))


async def test_a_renewal_cuts_no_question_under_way(line: Line) -> None:
    before = _of(line.asker_files)
    first = line.put()
    await line.server.asked(1)
    replace_files(line.asker_files, line.estate.peer(Role.PREF, "fuhyo"))
    line.look()
    second = line.put()
    await line.server.asked(2)
    line.server.let.set()
    assert [await first, await second] == [b"{}", b"{}"]
    assert line.server.asked_by == [before, _of(line.asker_files)]


async def test_two_questions_at_once_after_a_renewal_leave_no_connection_behind(line: Line) -> None:
    line.server.let.set()
    assert await line.put() == b"{}"
    replace_files(line.asker_files, line.estate.peer(Role.PREF, "fuhyo"))
    line.look()
    assert await asyncio.gather(*(line.put() for _ in range(4))) == [b"{}"] * 4
    await line.asker.close()

    async def nobody_inside() -> bool:
        return not list(line.server.gate.inside)

    await until(nobody_inside, 3)


async def test_only_what_the_credentials_took_up_is_used(line: Line) -> None:
    """Files that are half replaced, or that a refresh refused, count for nothing."""
    line.server.let.set()
    line.asker_files.key.write_text("half a key")
    assert await line.put() == b"{}"
    assert line.server.asked_by == [line.credentials.own.key.thumbprint]


async def test_a_question_to_a_peer_that_is_revoked_meanwhile_ends_at_once(line: Line) -> None:
    waiting = line.put()
    await line.server.asked(1)
    line.estate.revoke(line.server_files)
    line.look()
    with pytest.raises(PeerUnreachable):
        await asyncio.wait_for(waiting, 10)
    line.server.let.set()
    with pytest.raises(PeerUnreachable, match="Certificate"):
        await line.put()
    assert len(line.server.asked_by) == 1


async def test_a_peer_lost_by_time_alone_is_not_asked_on_a_connection_that_stands(line: Line) -> None:
    async def inside() -> Inside:
        line.server.let.set()
        assert await line.put() == b"{}"
        return line.server.gate.inside[-1]

    standing, until_then = line.credentials.own.standing, Credentials(line.server_files).own.until
    before = await inside()
    line.asker.sweep(standing, until_then)
    assert await inside() is before
    line.asker.sweep(standing, until_then + timedelta(seconds=1))
    assert await inside() is not before

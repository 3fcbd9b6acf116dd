"""A house on a PKI of its own, whose certificates, CAs and CRLs change while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jukinet_daemon.outward import Caller, PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import TlsFiles
from support.estate import Estate
from support.notices import juki_change
from support.world import FUKUOKA, KITAKYUSHU, CsLine, House

Events = list[Any]


@dataclass
class Place:
    """A house that stands on a PKI of its own, and two municipalities' files."""

    house: House
    estate: Estate
    server: TlsFiles
    fukuoka: TlsFiles
    kitakyushu: TlsFiles

    @asynccontextmanager
    async def line(self, who: TlsFiles | Caller, municipality: str = FUKUOKA) -> AsyncIterator[CsLine]:
        caller = self.estate.caller(who) if isinstance(who, TlsFiles) else who
        async with call(self.house.notices_url, caller) as conversation:
            yield CsLine("juki", municipality, caller, conversation)

    async def let_in(self, who: TlsFiles | Caller, municipality: str = FUKUOKA) -> bool:
        """Whether a municipality gets through the door and is answered."""
        try:
            async with self.line(who, municipality) as line:
                return await answered(line)
        except PeerFault:
            return False

    def look(self, at: datetime | None = None) -> None:
        """What happens every half minute; `at` is what the clock says."""
        trust = self.house.daemon.trust
        before = trust._clock
        if at:
            trust._clock = lambda: at
        trust.look()
        trust._clock = before


async def answered(line: CsLine) -> bool:
    (answer,) = await line.tell(juki_change(area=AREA_OF[line.municipality]))
    return bool(answer.outcome == "ACCEPTED")


async def lost(line: CsLine) -> bool:
    return line.conversation.lost.is_set()


AREA_OF = {FUKUOKA: "401315", KITAKYUSHU: "401013"}


async def place_of(open_house: Any, estate: Estate) -> Place:
    """Opens a house on a PKI of its own."""
    server = estate.peer(Role.PREF, "juki")
    tls = {"certificate": server.certificate, "key": server.key, "ca": server.ca, "crl": server.crl}
    house = await open_house("juki", national=False, tls=tls)
    cs = [estate.peer(Role.CS, code) for code in (FUKUOKA, KITAKYUSHU)]
    return Place(house, estate, server, *cs)


def of(events: Events, name: str) -> Events:
    """The log events of a name."""
    return [event for event in events if event["event"] == name]

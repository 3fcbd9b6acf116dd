"""良い相手: municipalities that send steadily, and one after another that connect anew; each is timed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from campaign.prefecture import REGISTER, Prefecture
from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.municipality import Answered, MunicipalCs
from support.notices import juki_change

PAUSE_S = 0.25
NEWCOMER_PAUSE_S = 0.5


@dataclass
class Times:
    """Seconds, in the order they were measured: of acknowledgements, and of newcomers to be let in."""

    acknowledged: list[float] = field(default_factory=list)
    let_in: list[float] = field(default_factory=list)
    kept_out: int = 0


class Good:
    """Good peers; `times` is where what they measure now goes."""

    def __init__(self, prefecture: Prefecture, newcomer: str) -> None:
        self._prefecture = prefecture
        self._newcomer = newcomer
        self._posted: dict[str, float] = {}
        self._offices: list[MunicipalCs] = []
        self.times = Times()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Opens every line and sends until the context ends, then waits for the last answers."""
        for code in self._prefecture.senders:
            self._offices.append(await self._prefecture.cs(code, self._heard, parcel_notices=1))
        working = [
            asyncio.create_task(self._send(place, code))
            for place, code in enumerate(self._prefecture.senders)
        ]
        working.append(asyncio.create_task(self._come_anew()))
        try:
            yield
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
        for office in self._offices:
            await office.done()

    async def _send(self, place: int, code: str) -> None:
        """One notice at each tick, whether or not the last was answered: a stall is felt by all it delays."""
        due = time.monotonic() + PAUSE_S * place / len(self._offices)
        while True:
            due += PAUSE_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            notice: dict[str, Any] = juki_change(area=code)
            self._posted[notice["id"]] = time.monotonic()
            self._offices[place].post([notice])

    def _heard(self, answer: Answered) -> None:
        self.times.acknowledged.append(time.monotonic() - self._posted.pop(answer.notice["id"]))

    async def _come_anew(self) -> None:
        caller = self._prefecture.ground.pki.caller(Role.CS, self._newcomer, REGISTER)
        url = f"wss://{self._prefecture.notices}/notices"
        while True:
            began = time.monotonic()
            try:
                async with call(url, caller):
                    self.times.let_in.append(time.monotonic() - began)
            except PeerFault:
                self.times.kept_out += 1
            await asyncio.sleep(NEWCOMER_PAUSE_S)

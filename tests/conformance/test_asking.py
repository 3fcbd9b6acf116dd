"""欠番: our own CS, and CS with planted errors, asked for parcels that the line swallowed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jukinet_daemon.keys import signing_key
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import server_context
from jukinet_daemon.pki.trust import DoorPolicy
from jukinet_daemon.server.gate import Gate
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.sim.asked import Asked
from jukinet_daemon.sim.conformance.asking import PATH, Asking, Case, load_cases
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.municipality import MunicipalCs, Window
from jukinet_daemon.sim.national import Office
from support.notices import juki_change
from support.tally import tally
from support.world import FUKUOKA, TRUST_DOMAIN, Pki

CASES = load_cases()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jukinet_daemon.sim.municipality.FIRST_PAUSE_S", 0.01)


@asynccontextmanager
async def asking(pki: Pki, tmp_path: Path) -> AsyncIterator[Asking]:
    """A server that asks, and a CS that sends it one notice after another."""
    files = pki.files(Role.PREF, "juki")
    policy = DoorPolicy(TRUST_DOMAIN, Role.CS, frozenset({FUKUOKA}))
    server = Asking(Office("juki", policy, signing_key(files)))
    listener = Listener(server.application(), Gate("notices", server_context(files)))
    url = f"wss://{await listener.open('127.0.0.1:0')}{PATH}"
    journal = Journal(tmp_path / "cs.ndjson")
    cs = MunicipalCs(
        Window("juki", FUKUOKA, url, pki.caller(Role.CS, FUKUOKA, "juki")), journal, lambda _: None
    )

    async def work() -> None:
        while True:
            cs.post([juki_change()])
            await cs.done()

    tasks = [asyncio.create_task(cs.run()), asyncio.create_task(work())]
    try:
        yield server
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.close()
        journal.close()


async def test_our_own_cs_passes_every_case(pki: Pki, tmp_path: Path) -> None:
    async with asking(pki, tmp_path) as server:
        for case in CASES:
            wrong = await server.put(case, 60)
            tally("a CS asked for parcels, juki", not wrong)
            assert (case.name, wrong) == (case.name, [])


def named(part: str) -> Case:
    return next(case for case in CASES if part in case.name)


def deaf(_self: Asked, _missing: Iterable[list[int]]) -> None:
    """Hears of nothing that is missing."""


def forgetful(self: Asked, missing: Iterable[list[int]]) -> None:
    """Hears of the same range as if it were a new one."""
    self._heard.clear()
    self._found.clear()
    _hear(self, missing)


def careless(self: Asked, missing: Iterable[list[int]]) -> None:
    """Sends another parcel under the number."""
    _hear(self, missing)
    self._waiting = type(self._waiting)(
        (n, p.replace(b'"sent_at":"2', b'"sent_at":"3')) for n, p in self._waiting
    )


_hear = Asked.hear


@pytest.mark.parametrize(
    ("plant", "case", "complaint"),
    [
        (deaf, "a parcel that the line swallowed", "was asked for and did not come"),
        (forgetful, "in every reply", "came more than once on a connection"),
        (careless, "a parcel that the line swallowed", "came again with another payload"),
    ],
)
async def test_a_planted_error_is_found(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: object, case: str, complaint: str
) -> None:
    monkeypatch.setattr(Asked, "hear", plant)
    async with asking(pki, tmp_path) as server:
        wrong = await server.put(named(case), 3 if plant is deaf else 60)
    assert any(complaint in problem for problem in wrong), wrong

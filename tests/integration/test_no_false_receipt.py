"""偽の受領を出さない: while no standby can have a record, nobody is told that it is kept.

Two naive receivers stand beside the true one and are caught by the same trial.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from jukinet_daemon.config import Config
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store import inbox as store_inbox
from jukinet_daemon.store import outbox as store_outbox
from jukinet_daemon.store.inbox import Committed, Inbox
from jukinet_daemon.store.migrate import migrate
from support.national import national, relayed, taken
from support.notices import departure, juki_change
from support.standby import END_SESSION, END_STATEMENT, ended, name_standby, waiting_for_standby
from support.store import session
from support.world import FUKUOKA, CsLine, House, Pki, config_for, until, write_keyring

_numbers = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "data") as server:
        server.psql("postgres", "CREATE DATABASE model")
        asyncio.run(migrate(server.dsn("model"), "juki"))
        yield server


@dataclass
class Scene:
    """A register whose database can be made to wait for nobody; what was acknowledged meanwhile."""

    config: Config
    pki: Pki
    owner: asyncpg.Connection
    acknowledged: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator["Worker"]:
        """A server on the register; several may run at once."""
        daemon = Daemon(self.config)
        await daemon.start()
        try:
            yield Worker(self, daemon)
        finally:
            await ended(self.owner, END_STATEMENT, daemon.stop())


@dataclass(frozen=True)
class Worker:
    """One server of a scene."""

    scene: Scene
    daemon: Daemon

    @asynccontextmanager
    async def line(self) -> AsyncIterator[CsLine]:
        caller = self.scene.pki.caller(Role.CS, FUKUOKA, "juki")
        async with call(f"wss://{self.daemon.addresses['notices']}/notices", caller) as conversation:
            yield CsLine("juki", FUKUOKA, caller, conversation)

    async def tell(self, *notices: Any, how: str = END_STATEMENT) -> list[str]:
        """Sends on a new line; the outcomes, however often a wait must be ended for one to come."""
        async with self.line() as line:
            try:
                answers = await ended(self.scene.owner, how, line.tell(*notices))
            except PeerFault:
                return []
        outcomes = [answer.outcome for answer in answers]
        self.scene.acknowledged += [outcome for outcome in outcomes if outcome != "LATER"]
        return outcomes


@pytest.fixture
async def scene(server: EmbeddedPostgres, pki: Pki, tmp_path: Path) -> AsyncIterator[Scene]:
    name = f"juki_{next(_numbers)}"
    server.psql("postgres", f"CREATE DATABASE {name} TEMPLATE model")
    dsn = server.dsn(name)
    config = config_for(
        "juki", pki, dsn, write_keyring(tmp_path), control={"socket": tmp_path / "control.sock"}
    )
    # What the tests themselves write waits for nobody.
    async with session(dsn, synchronous_commit="local") as owner:
        yield Scene(config, pki, owner)
        await name_standby(owner, "")


async def unanswered(scene: Scene, worker: Worker, notices: list[Any]) -> None:
    """The sender gives up waiting; the rows are here by then, and only here."""
    async with worker.line() as line:
        waiting = asyncio.create_task(line.tell(*notices))
        await waiting_for_standby(scene.owner, "jukinet_notices")
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def cancelled(_scene: Scene, worker: Worker, notices: list[Any]) -> None:
    """An administrator cancels what waits: success, says the database, with a warning."""
    await worker.tell(*notices, how=END_STATEMENT)


async def session_ended(_scene: Scene, worker: Worker, notices: list[Any]) -> None:
    await worker.tell(*notices, how=END_SESSION)


async def statement_timed_out(scene: Scene, _worker: Worker, notices: list[Any]) -> None:
    """The server ends the wait by itself, since some administrator limited statements."""
    database = await scene.owner.fetchval("SELECT current_database()")
    await scene.owner.execute(f"ALTER DATABASE {database} SET statement_timeout = '300ms'")
    async with scene.worker() as limited, limited.line() as line:
        answers = await ended(scene.owner, END_STATEMENT, line.tell(*notices), sparing="commit_parcels")
        scene.acknowledged += [a.outcome for a in answers if a.outcome != "LATER"]
    await scene.owner.execute(f"ALTER DATABASE {database} RESET statement_timeout")


async def client_timed_out(scene: Scene, worker: Worker, notices: list[Any]) -> None:
    """Our own patience ends: asyncpg asks the server to cancel."""
    patient = asyncpg.Connection.fetchval

    async def impatient(self: Any, *values: Any, timeout: float | None = None, **more: Any) -> Any:
        return await patient(self, *values, timeout=0.5, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncpg.Connection, "fetchval", impatient)
        async with worker.line() as line:
            answers = await ended(scene.owner, END_STATEMENT, line.tell(*notices), sparing="commit_parcels")
    scene.acknowledged += [answer.outcome for answer in answers if answer.outcome != "LATER"]


Way = Callable[[Scene, Worker, list[Any]], Coroutine[Any, Any, None]]
WAYS: tuple[Way, ...] = (unanswered, cancelled, session_ended, statement_timed_out, client_timed_out)


async def trial(scene: Scene, way: Way, notices: list[Any]) -> list[str]:
    """First delivery in some way, then retries by everybody who may; gives what was acknowledged: nothing."""
    async with scene.worker() as worker:
        await name_standby(scene.owner, "nobody")
        await way(scene, worker, notices)
        await worker.tell(*notices)
        async with scene.worker() as other:
            await other.tell(*notices)
        await worker.tell(*notices)
    async with scene.worker() as restarted:
        await restarted.tell(*notices)
        await restarted.tell(*reversed(notices))
    return scene.acknowledged


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_nobody_is_told_what_no_standby_has(scene: Scene, way: Way) -> None:
    notices = [juki_change(), juki_change()]
    assert await trial(scene, way, notices) == []
    # Each is there, and one of each: what was committed here stays, and no repeat has made another.
    assert await scene.owner.fetchval("SELECT count(*) FROM inbox") == 2
    await name_standby(scene.owner, "")
    async with scene.worker() as worker:
        assert await worker.tell(*notices) == ["ACCEPTED"] * 2
    counts = [await scene.owner.fetchval(f"SELECT count(*) FROM {t}") for t in ("inbox", "history", "outbox")]
    assert counts == [2, 2, 2]


async def test_teeth_a_receiver_that_overlooks_the_warning(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_inbox, "vouched", lambda _connection: nullcontext())
    assert await trial(scene, cancelled, [juki_change()]) != []


async def test_teeth_a_receiver_that_answers_a_repeat_from_its_row(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_commit = Inbox.commit

    async def naive(self: Inbox, parcels: Any, entries: Any, repeats: Any) -> list[Committed]:
        return await true_commit(self, parcels, entries, repeats) if entries else []

    monkeypatch.setattr(Inbox, "commit", naive)
    assert await trial(scene, session_ended, [juki_change()]) != []


async def _settle(scene: Scene, notice_id: str, verb: str) -> int:
    socket = scene.config.control
    assert socket is not None
    connector = aiohttp.UnixConnector(str(socket.socket))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.post(f"http://jukinet/held/{notice_id}/{verb}") as answer,
    ):
        return answer.status


@pytest.mark.parametrize("verb", ["release?apply=true", "reject?apply=true&reason=withdrawn"])
async def test_an_operator_is_not_told_what_no_standby_has(scene: Scene, verb: str) -> None:
    notice = departure() if verb.startswith("reject") else juki_change(change="deletion", cause="death")
    async with scene.worker() as worker:
        assert await worker.tell(notice) == ["HELD"]
        await name_standby(scene.owner, "nobody")
        status = await ended(scene.owner, END_STATEMENT, _settle(scene, notice["id"], verb))
        assert status == 503


async def test_nothing_goes_to_the_national_server_that_no_standby_has(
    scene: Scene, pki: Pki, tmp_path: Path
) -> None:
    """The wait for the announcement is cancelled again and again: the parcel is not sent, the relay lives."""
    journal = tmp_path / "national.ndjson"
    notice = juki_change()
    async with scene.worker() as worker:
        await worker.tell(notice)
        await name_standby(scene.owner, "nobody")
        async with national(pki, journal) as url, _relay(scene, url) as relay:
            for _ in range(3):
                for pid in await waiting_for_standby(scene.owner, "jukinet_relay"):
                    await scene.owner.execute(END_STATEMENT, pid)
            assert taken(journal) == []
            await name_standby(scene.owner, "")
            house = House("juki", pki, scene.config, relay, scene.config.database.dsn, journal)
            await until(lambda: relayed(house), 120)
            assert taken(journal) == [notice["id"]]


async def test_a_receipt_that_no_standby_has_closes_nothing_for_certain(
    scene: Scene, pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The close is not vouched for, so the relay says so and does not count it; the receipt stays here."""
    notice = juki_change()
    true_close = store_outbox.Outbox.close_with

    async def close_without_standby(self: Any, *values: Any) -> None:
        await name_standby(scene.owner, "nobody")
        await ended(scene.owner, END_STATEMENT, true_close(self, *values))

    monkeypatch.setattr(store_outbox.Outbox, "close_with", close_without_standby)
    async with scene.worker() as worker:
        await worker.tell(notice)
        async with national(pki, tmp_path / "n.ndjson") as url, _relay(scene, url) as relay:

            async def told() -> bool:
                told_of = relay._frame.status.relay
                return told_of is not None and "warning" in str(told_of()["fault"])

            await until(told, 60)
            assert relay._frame.metrics.relayed.labels("accepted")._value.get() == 0
            await name_standby(scene.owner, "")


@asynccontextmanager
async def _relay(scene: Scene, url: str) -> AsyncIterator[Daemon]:
    table = scene.config.model_dump(by_alias=True) | {"notices": None, "control": None}
    daemon = Daemon(Config.model_validate(table | {"national": {"url": url}}))
    await daemon.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(daemon.stop)
        yield daemon

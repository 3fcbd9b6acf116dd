"""証人: a CS carries the checkpoint; who was put back, forked or robbed of its key is found out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.cli import jukinetctl
from jukinet_daemon.config import Config
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.ledger.checkpoint import Verifier, open_checkpoint
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.journal import Journal, read_journal
from jukinet_daemon.sim.municipality import MunicipalCs, Window
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.notices import juki_change
from support.seal import KEY, NAME, OURS, ledger_sections
from support.wellness import metrics_of, problem, report_of
from support.world import FUKUOKA, KITAKYUSHU, House, Pki, config_for, until, write_keyring

_names = count(1)
# A round that read the conflicts before there was one may still sign once; who has its turn saw it end.
A_ROUND_UNDER_WAY_ENDS = "SELECT pg_advisory_xact_lock(hashtext('jukinet ledger seal'))"


@pytest.fixture
def databases(
    pg: EmbeddedPostgres, new_database: Callable[[str], str]
) -> Iterator[Callable[[str | None], str]]:
    """A fresh database, or a copy of one as it stands; nobody may be connected to that."""
    made: list[str] = []

    def make(of: str | None) -> str:
        if of is None:
            return new_database("juki")
        name = f"copy_{next(_names)}_{id(made)}"
        pg.psql("postgres", f"CREATE DATABASE {name} TEMPLATE {of.split('/')[3].split('?')[0]}")
        made.append(name)
        return pg.dsn(name)

    yield make
    for name in made:
        pg.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class Prefecture:
    """A sealing server on one database or another, and CS that keep their journals between."""

    def __init__(self, pki: Pki, folder: Path) -> None:
        self.pki, self.folder = pki, folder
        self.ring = write_keyring(folder)

    def config(self, dsn: str) -> Config:
        control = {"socket": self.folder / f"{next(_names)}.sock"}
        sections = ledger_sections(self.folder)
        return config_for("juki", self.pki, dsn, self.ring, control=control, **sections)

    @asynccontextmanager
    async def server(self, dsn: str) -> AsyncIterator[House]:
        config = self.config(dsn)
        daemon = Daemon(config)
        await daemon.start()
        try:
            yield House("juki", self.pki, config, daemon, dsn, self.folder / "national.ndjson")
        finally:
            await daemon.stop()

    @asynccontextmanager
    async def cs(
        self, house: House, code: str = FUKUOKA, key: Verifier | None = OURS
    ) -> AsyncIterator["Office"]:
        journal = Journal(self.folder / f"{code}.ndjson")
        caller = self.pki.caller(Role.CS, code, "juki")
        window = Window("juki", code, house.notices_url, caller, ledger_key=key)
        numbers = [entry["parcel"] for entry in read_journal(journal.path) if entry["event"] == "parcel"]
        cs = MunicipalCs(window, journal, lambda _answered: None, max(numbers, default=0))
        task = asyncio.create_task(cs.run())
        try:
            yield Office(cs, code)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            journal.close()


class Office:
    """A CS, and what it is given to send."""

    def __init__(self, cs: MunicipalCs, code: str) -> None:
        self.cs, self.code = cs, code
        self.area = {FUKUOKA: "401315", KITAKYUSHU: "401013"}[code]

    async def send(self, notices: int = 1) -> None:
        self.cs.post([juki_change(area=self.area) for _ in range(notices)])
        await asyncio.wait_for(self.cs.done(), 30)

    async def carries_news(self, house: House) -> Tree:
        """Sends until it holds a checkpoint over a leaf that is yet to be written; gives its tree."""
        leaves = (await house.rows("SELECT count(*) AS leaves FROM ledger"))[0]["leaves"]

        async def held() -> Tree | None:
            await self.send()
            note = self.cs.witness.note
            tree = open_checkpoint(note, [OURS]) if note else None
            return tree if tree and tree.size > leaves else None

        tree: Tree = await until(held, 60)
        return tree


@pytest.fixture
def prefecture(pki: Pki, tmp_path: Path) -> Prefecture:
    return Prefecture(pki, tmp_path)


async def test_a_cs_carries_the_checkpoint_and_brings_it_back(
    prefecture: Prefecture, databases: Callable[[str | None], str]
) -> None:
    async with prefecture.server(databases(None)) as house, prefecture.cs(house) as office:
        for _ in range(3):
            size = (await office.carries_news(house)).size

        async def witnessed() -> dict[str, Any] | None:
            await office.send()
            ledger: dict[str, Any] = (await report_of(house))["ledger"]
            return ledger if ledger["witnessed"] >= size else None

        ledger = await until(witnessed, 30)
        assert ledger["witnesses"] == 1
        assert ledger["origin"] == NAME.origin(1)
        assert ledger["conflicts"] == []
        joined = "SELECT w.*, p.sender AS by FROM ledger_witness w JOIN parcel p ON digest = parcel_digest"
        (row,) = await house.rows(joined)
        assert row["sender"] == row["by"] == FUKUOKA
        assert open_checkpoint(row["note"], [OURS]).size == row["size"]
    journal = read_journal(prefecture.folder / f"{FUKUOKA}.ndjson")
    held = [entry["note"] for entry in journal if entry["event"] == "checkpoint"]
    assert len(held) > 2
    async with prefecture.server(house.dsn) as house, prefecture.cs(house) as office:
        assert office.cs.witness.note == held[-1], "it outlives its program"
        await office.carries_news(house)
        assert office.cs.witness.refused is None


async def test_a_cs_that_knows_nothing_of_checkpoints_is_served(
    prefecture: Prefecture, databases: Callable[[str | None], str]
) -> None:
    async with prefecture.server(databases(None)) as house, prefecture.cs(house, key=None) as office:
        await office.send(20)
        await until(lambda: _sealed(house, 20))
        await office.send(20)
        assert office.cs.witness.note is None
        assert (await report_of(house))["ledger"]["witnesses"] == 0


async def _sealed(house: House, size: int) -> bool:
    return bool((await report_of(house))["ledger"]["size"] >= size)


async def test_a_database_put_back_is_noticed_at_the_first_parcel_and_begun_anew_by_an_operator(
    prefecture: Prefecture, databases: Callable[[str | None], str], capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = databases(None)
    async with prefecture.server(dsn) as house, prefecture.cs(house) as office:
        await office.carries_news(house)
    older = databases(dsn)
    async with prefecture.server(dsn) as house, prefecture.cs(house) as office:
        carried = await office.carries_news(house)
    async with prefecture.server(older) as house:
        assert (await report_of(house))["ledger"]["conflicts"] == []
        async with prefecture.cs(house) as office:
            await office.send()
            report = await problem(house, "a witness holds a checkpoint that this ledger does not have")
            row = report["degraded"]["witness"]
            assert (row["ok"], row["seconds_left"]) == (False, 0.0)
            (conflict,) = report["ledger"]["conflicts"]
            assert conflict["sender"] == FUKUOKA
            assert conflict["size"] == carried.size
            assert "jukinet_ledger_conflicts 1.0" in await metrics_of(house)
            await house.rows(A_ROUND_UNDER_WAY_ENDS)
            stopped = (await report_of(house))["ledger"]["size"]
            await office.send(5)
            assert office.cs.witness.refused is None, "a log in doubt is not handed out"
            told = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%checkpoint_conflict%'")
            assert len(told) == 1
            assert (await report_of(house))["ledger"]["size"] == stopped
        dry = await _restart(prefecture, house, capsys)
        done = await _restart(prefecture, house, capsys, "--apply")
        assert (dry["applied"], done["applied"]) == (False, True)
        assert dry | {"applied": True} == done
        assert done["new"]["origin"] == NAME.origin(2)
        leaves = (await house.rows("SELECT count(*) AS leaves FROM ledger"))[0]["leaves"]
        await until(lambda: _sealed(house, leaves))
        async with prefecture.cs(house) as office:
            await office.send(3)
            assert open_checkpoint(office.cs.witness.note or "", [OURS]) == carried, (
                "nobody told it of the new"
            )
        async with prefecture.cs(house, key=Verifier.read(done["new"]["verifiers"][0])) as office:
            assert office.cs.witness.note is None
            await until(lambda: _holds(office))
        assert (await report_of(house))["ledger"]["conflicts"] == []


async def _holds(office: Office) -> bool:
    await office.send()
    return office.cs.witness.note is not None


async def _restart(
    prefecture: Prefecture, house: House, capsys: pytest.CaptureFixture[str], *more: str
) -> dict[str, Any]:
    path = _config_file(prefecture, house)
    arguments = ["ledger", "restart", "--config", str(path), "--reason", "復元の訓練", "--json", *more]
    assert await asyncio.to_thread(jukinetctl.main, arguments) == 0
    # The server writes its log to the same place.
    out = capsys.readouterr().out
    answer: dict[str, Any] = json.JSONDecoder().raw_decode(out, out.index('{\n "old"'))[0]
    return answer


def _config_file(prefecture: Prefecture, house: House) -> Path:
    config = house.config
    assert config.control
    path = prefecture.folder / "asks.toml"
    path.write_text(
        f'register = "juki"\nprefecture = "400009"\ntrust_domain = "{config.trust_domain}"\n'
        f'[database]\ndsn = "{config.database.dsn}"\n[keys]\nring = "{config.keys.ring}"\n'
        f'[control]\nsocket = "{config.control.socket}"\n',
        "utf-8",
    )
    return path


async def test_two_histories_are_noticed(
    prefecture: Prefecture, databases: Callable[[str | None], str]
) -> None:
    """Two servers on copies of one database, each believed by a CS; then one hears the other's CS."""
    dsn = databases(None)
    async with prefecture.server(dsn) as house, prefecture.cs(house) as office:
        await office.carries_news(house)
    other = databases(dsn)
    async with prefecture.server(dsn) as one, prefecture.server(other) as two:
        async with prefecture.cs(one) as believer, prefecture.cs(two, KITAKYUSHU) as deceived:
            false = await deceived.carries_news(two)
            await believer.carries_news(one)
        assert (await report_of(one))["problems"] == (await report_of(two))["problems"] == []
        async with prefecture.cs(one, KITAKYUSHU) as deceived:
            await deceived.send()
            report = await problem(one, "a witness holds a checkpoint that this ledger does not have")
        (conflict,) = report["ledger"]["conflicts"]
        assert conflict["sender"] == KITAKYUSHU
        assert conflict["size"] == false.size


@pytest.mark.parametrize("note", ["", "nonsense", KEY.sealed("elsewhere/pref/juki", Tree(9, bytes(32)))])
async def test_what_our_key_did_not_sign_stops_nothing(
    prefecture: Prefecture, databases: Callable[[str | None], str], note: str
) -> None:
    async with prefecture.server(databases(None)) as house, house.line() as line:
        await line.tell(juki_change())
        await until(lambda: _sealed(house, 1))
        for _ in range(3):
            reply = await line.exchange(line.parcel(juki_change(), checkpoint=note))
            assert [answer.outcome for answer in reply.answers] == ["ACCEPTED"]
        await until(lambda: _sealed(house, 4))
        assert (await report_of(house))["ledger"]["conflicts"] == []


async def test_a_witness_that_cannot_be_kept_silences_no_other(
    prefecture: Prefecture, databases: Callable[[str | None], str]
) -> None:
    """Whatever the database says against one of them: here that its checkpoint may not be written."""
    async with prefecture.server(databases(None)) as house, house.line() as tripping:
        await tripping.tell(juki_change())
        await until(lambda: _sealed(house, 1))
        await house.rows(f"ALTER TABLE ledger_witness ADD CHECK (sender <> '{FUKUOKA}')")
        (sealed,) = await house.rows("SELECT note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1")
        await tripping.exchange(tripping.parcel(juki_change(), checkpoint=sealed["note"]))
        async with prefecture.cs(house, KITAKYUSHU) as other:
            first = await other.carries_news(house)
            second = await other.carries_news(house)
        assert second.size > first.size

        async def kept() -> bool:
            rows = await house.rows("SELECT sender, size FROM ledger_witness")
            return [row["sender"] for row in rows] == [KITAKYUSHU] and rows[0]["size"] >= first.size

        await until(kept)


async def test_a_checkpoint_by_a_stolen_key_is_noticed(
    prefecture: Prefecture, databases: Callable[[str | None], str]
) -> None:
    async with prefecture.server(databases(None)) as house, house.line() as line:
        await line.tell(juki_change())
        await until(lambda: _sealed(house, 1))
        forged = KEY.sealed(NAME.origin(1), Tree(1, bytes(32)))
        await line.exchange(line.parcel(juki_change(), checkpoint=forged))
        await problem(house, "a witness holds a checkpoint that this ledger does not have")

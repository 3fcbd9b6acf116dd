"""縮退: what still works when something is away. Each row of docs/operator/degraded.md is a test here."""

import asyncio
import shutil
from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import HouseMaker
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.domain.service_hours import ServiceHours
from jukinet_daemon.service.degraded import DEPENDENCIES
from jukinet_daemon.service.pulse import Pulse
from jukinet_daemon.service.status import Expiry
from jukinet_daemon.sim.national import NUMBERS_PATH
from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.faults import UnsafeDatabase
from jukinet_daemon.store.migrate import migrate
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.store.processes import Processes
from support.bridge import Bridged, bridge_national, bridged, emigrate, shown_overseas
from support.notices import individual_number, juki_change, resident_code
from support.seal import ledger_sections
from support.stall import house_on
from support.standby import name_standby
from support.store import session
from support.wellness import outcome, problem, report_of, well
from support.world import REGISTERS, House, Pki, postgres, until

DOCUMENT = Path(__file__).parents[2] / "docs" / "operator" / "degraded.md"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def mortal() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL whose settings a test may change, and that it may kill."""
    with postgres() as server:
        yield server


@asynccontextmanager
async def setting(server: EmbeddedPostgres, name: str, value: str) -> AsyncIterator[None]:
    """A setting of the running server, changed for a while."""
    async with session(server.dsn(), default_transaction_read_only="off") as owner:
        await owner.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        await owner.execute("SELECT pg_reload_conf()")
        yield
        await owner.execute(f"ALTER SYSTEM RESET {name}")
        await owner.execute("SELECT pg_reload_conf()")


async def test_national(mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path) -> None:
    async with house_on(mortal, pki, tmp_path, national={"url": "wss://127.0.0.1:9/records"}) as house:
        report = await problem(house, "the relay has no line")
        assert report["degraded"]["national"]["ok"] is False
        assert await outcome(house) == "ACCEPTED"
        assert (await report_of(house))["outbox"]["records"] == 1


async def test_database(mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path) -> None:
    async with house_on(mortal, pki, tmp_path) as house:
        assert (await report_of(house))["degraded"]["database"] == _standing("database", ok=True)
        await asyncio.to_thread(mortal.kill)
        report = await problem(house, "the database commits nothing")
        assert report["degraded"]["database"] == _standing("database", ok=False)
        assert await outcome(house) == "LATER"
        await asyncio.to_thread(mortal.start)
        await well(house)
        assert await outcome(house) == "ACCEPTED"


async def test_a_database_that_answers_and_commits_nothing(
    mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path
) -> None:
    """A question is no proof: only a commit is. Health says so in the time it promises."""
    async with house_on(mortal, pki, tmp_path, watch={"patience_seconds": 1.4}) as house:
        async with session(mortal.dsn()) as owner:
            await name_standby(owner, "nobody")
            report = await problem(house, "the database commits nothing")
            assert report["database"]["ok"] is True
            assert report["degraded"]["database"]["ok"] is False
            await name_standby(owner, "")
        await well(house)


WRITES_WAL = """
CREATE TABLE noise (n int);
CREATE FUNCTION noise() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN INSERT INTO noise VALUES (1); RETURN new; END $$;
CREATE TRIGGER noise BEFORE INSERT ON process FOR EACH ROW EXECUTE FUNCTION noise();
"""


async def test_what_a_process_tells_waits_for_no_standby(mortal: EmbeddedPostgres) -> None:
    """Its table is not in the WAL; what a commit tidies in passing may be."""
    mortal.psql("postgres", "CREATE DATABASE told")
    await migrate(mortal.dsn("told"), "juki")
    database = await open_database(mortal.dsn("told"), "juki", "jukinet_status")
    async with session(mortal.dsn("told")) as owner:
        await owner.execute(WRITES_WAL)
        await name_standby(owner, "nobody")
        try:
            async with asyncio.timeout(20):
                await Processes(database, "health", "here").tell({}, "")
        finally:
            await name_standby(owner, "")
    await database.close()


async def test_read_only(mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path) -> None:
    async with house_on(mortal, pki, tmp_path) as house:
        async with setting(mortal, "default_transaction_read_only", "on"):
            report = await problem(house, "the database is read-only")
            assert report["degraded"]["read_only"] == _standing("read_only", ok=False)
            assert await outcome(house) == "LATER"
        await well(house)
        assert await outcome(house) == "ACCEPTED"


async def test_disk(open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    house = await open_house("juki", national=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1000, 951, 49))
    report = await problem(house, "the disk is nearly full")
    assert report["degraded"]["disk"]["ok"] is False
    assert await outcome(house) == "ACCEPTED"
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1000, 949, 51))
    assert (await well(house))["degraded"]["disk"]["ok"] is True


@pytest.mark.parametrize("days", [400, -400])
async def test_clock(open_house: HouseMaker, days: int) -> None:
    house = await open_house("juki", national=False)
    pulse = house.daemon._frame.pulse
    assert pulse is not None
    right = pulse.clock
    pulse.clock = lambda: right() + timedelta(days=days)
    # A beat that was under way looked at the clock before.
    await problem(house, "the clock jumped")
    report = await problem(house, "the clocks differ")
    assert report["degraded"]["clock"] == _standing("clock", ok=False)
    assert report["pulse"]["clock"]["jumped_seconds"] == pytest.approx(days * 86400, abs=60)
    assert await outcome(house) == "ACCEPTED"
    pulse.clock = right
    # Setting it right is a jump back of as much; that it was wrong is shown for the hour all the same.
    report = await until(lambda: _agreed(house))
    assert any("the clock jumped" in text for text in report["problems"])
    assert report["degraded"]["clock"] == _standing("clock", ok=False)
    assert abs(report["pulse"]["clock"]["jumped_seconds"]) == pytest.approx(abs(days) * 86400, abs=60)
    _an_hour_on(pulse)
    await problem(house, "the clocks differ")
    await until(lambda: _forgotten(house))


async def _forgotten(house: House) -> bool:
    return bool((await report_of(house))["pulse"]["clock"]["jumped_seconds"] == 0)


async def _agreed(house: House) -> dict[str, Any] | None:
    """The report, once the clock is beside the database's again."""
    report = await report_of(house)
    return None if any("the clocks differ" in text for text in report["problems"]) else report


def _an_hour_on(pulse: Pulse) -> None:
    """An hour passes at once, by either clock of the process; that of the database stays behind."""
    wall, monotonic = pulse.clock, pulse._monotonic
    pulse.clock, pulse._monotonic = lambda: wall() + timedelta(hours=1), lambda: monotonic() + 3600


@pytest.mark.parametrize("name", ["certificate", "crl"])
async def test_expiries(open_house: HouseMaker, name: str) -> None:
    house = await open_house("juki", national=False)
    frame = house.daemon._frame
    ends = {expiry.name: expiry.not_after for expiry in frame.status.expiries()}
    left = (await report_of(house))["degraded"][name]["seconds_left"]
    assert left == pytest.approx((ends[name] - frame.clock()).total_seconds(), abs=86400)
    ended = Expiry(name, frame.clock() - timedelta(days=1))
    frame.status.expiries = lambda: (ended,)
    report = await problem(house, "expires soon")
    assert report["degraded"][name] == _standing(name, ok=False)


async def test_witness(open_house: HouseMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unsealed = await open_house("juki", national=False)
    assert (await report_of(unsealed))["degraded"]["witness"] == _standing("witness", ok=False)
    sections = ledger_sections(tmp_path)
    sections["ledger"]["patience_minutes"] = 0.001
    house = await open_house("juki", national=False, **sections)
    assert (await report_of(house))["degraded"]["witness"] == _standing("witness", ok=True)
    monkeypatch.setattr(ServiceHours, "between", lambda _hours, start, end: (end - start).total_seconds())
    async with house.line() as line:
        notice = juki_change()
        reply = await line.exchange(line.parcel(notice))
        report = await problem(house, "no witness has returned a newer checkpoint")
        assert report["degraded"]["witness"] == _standing("witness", ok=False)
        assert await outcome(house) == "ACCEPTED"
        # At night and on holidays nobody is there to witness, and that is no problem.
        monkeypatch.setattr(ServiceHours, "between", lambda _hours, _start, _end: 0.0)
        row = (await well(house))["degraded"]["witness"]
        assert (row["ok"], row["seconds_left"]) == (True, pytest.approx(0.06))
        monkeypatch.setattr(ServiceHours, "between", lambda _hours, start, end: (end - start).total_seconds())

        async def witnessed() -> bool:
            nonlocal reply
            note = reply.checkpoint.note if reply.checkpoint else None
            # The same again adds no leaf.
            reply = await line.exchange(line.parcel(notice, checkpoint=note))
            return bool((await report_of(house))["degraded"]["witness"] == _standing("witness", ok=True))

        await until(witnessed, 60)
        await well(house)


async def test_bridge(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    fuhyo, juki = bridge_world.fuhyo, bridge_world.juki
    assert (await report_of(fuhyo))["degraded"]["bridge"] == _standing("bridge", ok=True)
    await juki.daemon.stop()
    case = (await bridge_world.open_case())["case"]
    assert await bridge_world.ask(case, person["resident_code"]) == {"outcomes": {"B500": 1}}
    report = await report_of(fuhyo)
    assert report["degraded"]["bridge"] == _standing("bridge", ok=False)
    assert "cannot be asked" in report["doors"]["bridge"]["peer_fault"]
    await bridge_world.tell("fuhyo", shown_overseas(resident_code()))
    again = Daemon(juki.config)
    await again.start()
    try:
        (line,) = await bridge_world.numbers(person["resident_code"])
        assert line["individual_number"] == person["individual_number"]
        assert (await report_of(fuhyo))["degraded"]["bridge"] == _standing("bridge", ok=True)
    finally:
        await again.stop()


async def test_bridge_national(new_database: Callable[[str], str], pki: Pki, tmp_path: Path) -> None:
    address, elsewhere = f"127.0.0.1:{free_port()}", {resident_code(): individual_number()}
    (person,) = elsewhere
    dsns = {register: new_database(register) for register in REGISTERS}
    async with bridged(pki, dsns, tmp_path, national=f"https://{address}{NUMBERS_PATH}") as world:
        await world.tell("fuhyo", shown_overseas(person))
        assert (await report_of(world.fuhyo))["degraded"]["bridge_national"] == _standing(
            "bridge_national", ok=True
        )
        case = (await world.open_case())["case"]
        assert await world.ask(case, person) == {"outcomes": {"B500": 1}}
        report = await report_of(world.fuhyo)
        assert report["degraded"]["bridge_national"] == _standing("bridge_national", ok=False)
        assert report["degraded"]["bridge"] == _standing("bridge", ok=True)
        async with bridge_national(pki, tmp_path, elsewhere, address):
            (line,) = await world.numbers(person)
        assert line["individual_number"] == elsewhere[person]
        assert (await report_of(world.fuhyo))["degraded"]["bridge_national"] == _standing(
            "bridge_national", ok=True
        )


def _standing(name: str, *, ok: bool) -> dict[str, Any]:
    case = next(one for one in DEPENDENCIES if one.name == name)
    return {"ok": ok, "works": case.works, "stops": case.stops, "seconds_left": None if ok else 0.0}


def test_the_document_has_these_rows() -> None:
    rows = [line.split(" | ") for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `")]
    told = [(cells[0].strip("|` "), cells[1], cells[2]) for cells in rows if len(cells) == 4]
    assert told == [(one.name, one.works, one.stops) for one in DEPENDENCIES]


async def test_a_setting_changed_under_way_is_named(
    mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path
) -> None:
    async with house_on(mortal, pki, tmp_path) as house:
        for name, value in (("full_page_writes", "off"), ("fsync", "off"), ("synchronous_commit", "local")):
            async with setting(mortal, name, value):
                report = await problem(house, "unsafe database setting")
                assert any(name in text for text in report["problems"])
            await well(house)


@pytest.mark.parametrize("whose", ["DATABASE house", "ROLE postgres", "ROLE postgres IN DATABASE house"])
async def test_what_new_sessions_would_get_is_named(
    mortal: EmbeddedPostgres, pki: Pki, tmp_path: Path, whose: str
) -> None:
    """The sessions that are open keep what they have, so health looks at what the next would be given."""
    async with house_on(mortal, pki, tmp_path) as house, session(mortal.dsn()) as owner:
        await owner.execute(f"ALTER {whose} SET synchronous_commit = off")
        report = await problem(house, "unsafe database setting")
        assert any("synchronous_commit is off, below on" in text for text in report["problems"])
        await owner.execute(f"ALTER {whose} RESET synchronous_commit")
        await well(house)


async def test_a_later_connection_to_an_unsafe_server_is_refused(mortal: EmbeddedPostgres) -> None:
    """After a failover the same DSN leads elsewhere: it is looked at each time, not only at the start."""
    await migrate(mortal.dsn(), "juki")
    database = await open_database(mortal.dsn(), "juki", "jukinet_status")
    try:
        async with setting(mortal, "fsync", "off"):
            await database.pool.expire_connections()
            with pytest.raises(UnsafeDatabase, match="fsync is off"):
                await until(lambda: _expired(database), 60)
            with pytest.raises(UnsafeDatabase, match="fsync is off"):
                await database.connect()
    finally:
        await database.close()


async def _expired(database: Any) -> bool:
    await database.fetch("ping")
    await database.pool.expire_connections()
    return False

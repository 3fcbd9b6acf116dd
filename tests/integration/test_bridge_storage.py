"""The temporary storage: held for minutes, delivered once, then not a byte of it is left; evidence first."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from jukinet_daemon.keys import signing_key, verifying_key
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.service.bridge_case import leaf
from jukinet_daemon.service.bridge_confirm import Confirmer
from jukinet_daemon.service.bridge_erase import Eraser
from jukinet_daemon.service.bridge_open import OpenCases
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.bridge_request import CaseRow, Opening, RequestStore, Settling
from jukinet_daemon.store.migrate import migrate
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.wire.bridge import CONFIRM_TYPE, Case, read_confirmation, write_ask
from jukinet_daemon.wire.envelope import digest_of, seal
from support.bridge import BURN, Bridged, bridged, emigrate, opened_request
from support.store import CLOCK, VAULT, holding, session
from support.wellness import problem, report_of
from support.world import REGISTERS, Pki, postgres, until

HELD = "SELECT sealed FROM bridge_held"


async def test_not_a_byte_of_a_held_number_is_left_in_the_whole_database(pki: Pki, tmp_path: Path) -> None:
    """Held, the server ends without delivering; the next one erases before it opens its door."""
    with postgres() as server:
        dsns = await _databases(server)
        async with bridged(pki, dsns, tmp_path) as world:
            (person,) = await emigrate(world)
            case = (await world.open_case())["case"]
            await world.ask(case, person["resident_code"])
            (row,) = await world.fuhyo.rows(HELD)
        # a clean stop writes what was only in memory: now it is on disk, once, and not in the log
        server.stop()
        assert [path.parent.name == "pg_wal" for path in _holding(server, row["sealed"])] == [False]
        server.start()
        async with bridged(pki, await _databases(server, make=False), tmp_path) as world:
            assert await world.fuhyo.rows(HELD) == []
            (leaf,) = await world.leaves("fuhyo", "bridge_erased")
            assert (leaf["case"], leaf["why"]) == (case, "restarted")
        server.stop()
        assert _holding(server, row["sealed"]) == []


def test_plain_deletion_would_have_left_it() -> None:
    """The teeth of the test above: what DELETE and VACUUM leave behind in a page."""
    with postgres() as server:
        server.psql("postgres", "CREATE TABLE t (a int, s bytea)")
        server.psql("postgres", "INSERT INTO t VALUES (1, 'other'), (2, 'other'), (3, 'secretsecret')")
        server.psql("postgres", "DELETE FROM t WHERE a = 3")
        server.psql("postgres", "VACUUM t")
        server.stop()
        tables = [path for path in _holding(server, b"secretsecret") if path.parent.name != "pg_wal"]
        assert tables != []


async def test_a_crash_of_the_database_empties_the_storage(pki: Pki, tmp_path: Path) -> None:
    with postgres() as server:
        dsns = await _databases(server)
        async with bridged(pki, dsns, tmp_path) as world:
            (person,) = await emigrate(world)
            case = (await world.open_case())["case"]
            await world.ask(case, person["resident_code"])
            assert len(await world.fuhyo.rows(HELD)) == 1
            server.kill()
            server.start()
            assert server.psql("fuhyo", "SELECT count(*) FROM bridge_held") == "0"


_SHIFT = """UPDATE bridge_case SET opened_at = opened_at + $2::text::interval,
    expires_at = expires_at + $2::text::interval WHERE case_id = $1::uuid"""


@pytest.mark.parametrize(
    ("shift", "why"),
    [
        ("-2 h", "expired"),
        (
            "1 h",
            "clock_set_back",
        ),
    ],
)
async def test_what_is_over_is_erased_by_itself(bridge_world: Bridged, shift: str, why: str) -> None:
    first, second = await emigrate(bridge_world, 2)
    over, goes_on = [(await bridge_world.open_case())["case"] for _ in range(2)]
    await bridge_world.ask(over, first["resident_code"])
    await bridge_world.ask(goes_on, second["resident_code"])
    async with session(bridge_world.fuhyo.dsn) as owner:
        await owner.execute(_SHIFT, over, shift)

    async def erased() -> list[dict[str, Any]]:
        return await bridge_world.leaves("fuhyo", "bridge_erased")

    (leaf,) = await until(erased, seconds=60)
    assert (leaf["case"], leaf["why"]) == (over, why)
    assert "problem" in await bridge_world.ask(over, first["resident_code"], first=2)
    # nobody else's case was touched
    (line,) = await bridge_world.deliver(goes_on)
    assert line["individual_number"] == second["individual_number"]


async def test_a_clock_that_nobody_sets_ends_a_case_too(
    new_database: Callable[[str], str],
) -> None:
    now = 0.0
    open_cases = OpenCases(600, lambda: now)
    database = await open_database(new_database("fuhyo"), "fuhyo", "jukinet_bridge")
    try:
        eraser = Eraser(RequestStore(database, VAULT), open_cases, CLOCK, Metrics())
        case = Case("0" * 8 + "-0000-0000-0000-" + "0" * 12, "a", "b", "c", "d", "e", "")
        open_cases.add(case)
        assert (await eraser.sweep(), open_cases.find(case.id)) == (0, case)
        now = 600.0
        assert open_cases.find(case.id) is None
        assert (await eraser.sweep(), len(open_cases)) == (1, 0)
    finally:
        await database.close()


_STUCK = """CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'stuck' USING ERRCODE = 'data_corrupted'; END $$;
CREATE TRIGGER stuck BEFORE UPDATE ON bridge_case
FOR EACH ROW WHEN (old.case_id = '{}') EXECUTE FUNCTION stuck();"""


async def test_a_case_that_cannot_be_erased_keeps_none_of_the_others(bridge_world: Bridged) -> None:
    people = await emigrate(bridge_world, 3)
    cases = [(await bridge_world.open_case())["case"] for _ in people]
    for case, person in zip(cases, people, strict=True):
        await bridge_world.ask(case, person["resident_code"])
    stuck, *others = sorted(cases)

    async def erased(wanted: list[str]) -> bool:
        leaves = await bridge_world.leaves("fuhyo", "bridge_erased")
        return sorted(leaf["case"] for leaf in leaves) == wanted

    async with session(bridge_world.fuhyo.dsn) as owner:
        async with owner.transaction():
            for case in cases:
                await owner.execute(_SHIFT, case, "-2 h")
            await owner.execute(_STUCK.format(stuck))
        await until(lambda: erased(others), seconds=60)
        report = await problem(bridge_world.fuhyo, "held numbers cannot be erased")
        assert report["doors"]["bridge"]["unerased_seconds"] >= 0
        await owner.execute("DROP TRIGGER stuck ON bridge_case")
        await until(lambda: erased(sorted(cases)), seconds=60)
    assert (await report_of(bridge_world.fuhyo))["doors"]["bridge"]["unerased_seconds"] is None


async def test_a_cut_off_erasure_is_taken_up_by_the_sweep(
    new_database: Callable[[str], str],
) -> None:
    """As a delivery whose taker goes away: its case is erased at once, not only when its time is over."""
    dsn, now = new_database("fuhyo"), [0.0]
    database = await open_database(dsn, "fuhyo", "jukinet_bridge")
    try:
        store, open_cases = RequestStore(database, VAULT), OpenCases(600, lambda: now[0])
        eraser = Eraser(store, open_cases, CLOCK, Metrics(), lambda: now[0])
        case = await _holding_one(store, "1" * 12, open_cases.run)
        async with session(dsn) as watcher:

            async def waits() -> bool:
                return bool(await watcher.fetch("SELECT FROM pg_locks WHERE NOT granted"))

            async with holding(dsn, "LOCK TABLE bridge_held"):
                cut = asyncio.create_task(eraser.erase(case, "taken"))
                await until(waits)
                cut.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await cut
            now[0] = 7.0
            assert [eraser.overdue_seconds, await eraser.sweep(), eraser.overdue_seconds] == [7.0, 1, None]
            assert await watcher.fetchval("SELECT count(*) FROM bridge_held") == 0
    finally:
        await database.close()


async def test_a_delivery_whose_taker_left_before_it_began_is_erased_at_once(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case())["case"]
    await bridge_world.ask(case, person["resident_code"])
    async with session(bridge_world.fuhyo.dsn) as watcher:

        async def waits() -> bool:
            return bool(await watcher.fetch("SELECT FROM pg_locks WHERE NOT granted"))

        async with holding(bridge_world.fuhyo.dsn, "SELECT FROM bridge_case FOR UPDATE"):
            taking = asyncio.create_task(bridge_world.deliver(case))
            await until(waits)
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking

        async def erased() -> list[str]:
            return [leaf["why"] for leaf in await bridge_world.leaves("fuhyo", "bridge_erased")]

        assert await until(erased, 20) == ["broken_off"]
        assert await watcher.fetchval("SELECT count(*) FROM bridge_held") == 0


async def test_a_delivery_that_cannot_be_whole_breaks_off(bridge_world: Bridged) -> None:
    """As after a crash of the database, which empties what was held: the file has begun when it shows."""
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case())["case"]
    await bridge_world.ask(case, person["resident_code"])
    async with session(bridge_world.fuhyo.dsn) as owner:
        await owner.execute("TRUNCATE bridge_held")
    async with asyncio.timeout(60):
        with pytest.raises(aiohttp.ClientError):
            await bridge_world.deliver(case)
    assert [leaf["why"] for leaf in await bridge_world.leaves("fuhyo", "bridge_erased")] == ["broken_off"]
    assert "problem" in await bridge_world.window("POST", f"/bridge/cases/{case}/delivered")
    assert await bridge_world.leaves("fuhyo", "bridge_delivered") == []


async def test_who_reads_what_is_held_while_another_case_is_erased_misses_nothing(
    new_database: Callable[[str], str],
) -> None:
    """Erasing writes the table anew; who waited for that must see the new rows, not an empty table."""
    dsn = new_database("fuhyo")
    database = await open_database(dsn, "fuhyo", "jukinet_bridge")
    store = RequestStore(database, VAULT)
    erase = """SELECT bridge_erase(
        $1, ROW(repeat('x', 32)::bytea, ''::bytea, '{"event": "bridge_erased"}')::ledger_row
    )"""
    try:
        over, goes_on = [await _holding_one(store, number) for number in ("1" * 12, "2" * 12)]
        async with session(dsn) as eraser, session(dsn) as watcher, asyncio.TaskGroup() as group:

            async def reader_waits() -> bool:
                return bool(await watcher.fetch("SELECT FROM pg_locks WHERE NOT granted"))

            async with eraser.transaction():
                assert await eraser.fetchval(erase, over) == 1
                reading = group.create_task(store.lines(goes_on, 0, 10))
                await until(reader_waits, seconds=60)
        assert [line.number for line in reading.result()] == ["2" * 12]
    finally:
        await database.close()


async def _holding_one(store: RequestStore, number: str, run: str | None = None) -> str:
    """A case with one number held; gives its id."""
    case, request = str(uuid4()), str(uuid4())
    row = CaseRow(case, "a", "b", "c", "d", "e", None, run or str(uuid4()))
    await store.open_case(row, 600, leaf("fuhyo", "bridge_test"))
    opening = Opening(request, case, 1, "juki", None, b"", None, leaf("fuhyo", "bridge_test"))
    await store.open_requests(case, [opening])
    await store.settle(case, [Settling(request, 1, "B100", number, leaf("fuhyo", "bridge_test"))])
    return case


@pytest.mark.parametrize("register", REGISTERS)
async def test_where_the_evidence_cannot_be_written_nothing_is_answered(
    bridge_world: Bridged, register: str
) -> None:
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case())["case"]
    async with session(bridge_world.houses[register].dsn) as owner:
        await owner.execute("ALTER TABLE ledger ADD CONSTRAINT broken CHECK (false) NOT VALID")
    said = await bridge_world.ask(case, person["resident_code"])
    assert said.get("outcomes", {}).get("B100", 0) == 0
    assert ("problem" in said) == (register == "fuhyo")
    assert await bridge_world.fuhyo.rows(HELD) == []
    assert await bridge_world.juki.rows("SELECT FROM bridge_answer") == []


async def test_who_comes_back_between_the_question_and_the_answer_is_refused(bridge_world: Bridged) -> None:
    """The answer is decided on a person's version and burnt only on that version."""
    (person,) = await emigrate(bridge_world)
    opened = await opened_request(bridge_world, person["resident_code"])
    request, case = opened.ask.requests[0], opened.ask.case
    async with session(bridge_world.juki.dsn, role="jukinet_bridge") as bridge:
        stale = await bridge.fetchval(BURN, request.id, case.id, "B100", person["resident_code"], 1)
        assert stale == ["moved"]
        right = await bridge.fetchval(BURN, request.id, case.id, "B100", person["resident_code"], 2)
        again = await bridge.fetchval(BURN, request.id, case.id, "B100", person["resident_code"], 2)
    assert (right, again) == (["done"], ["burnt"])


class Ending(RequestStore):
    """A store whose case ends between the look and the confirmation."""

    dsn: str
    ends: str

    async def confirm(self, ids: Sequence[str], leaves: Sequence[Leaf]) -> bool:
        async with session(self.dsn) as owner:
            await owner.execute(self.ends)
        return await super().confirm(ids, leaves)


ENDS = {
    "erased": "UPDATE bridge_case SET state = 'erased', ended_at = now()",
    "taken": "UPDATE bridge_case SET state = 'taken', ended_at = now()",
    "over": "UPDATE bridge_case SET opened_at = opened_at - interval '1 day', expires_at = opened_at",
    "confirmed": "UPDATE bridge_request SET confirmed = true",
    "settled": "UPDATE bridge_request SET code = 'B500'",
}


@pytest.mark.parametrize("ends", ENDS)
async def test_what_ends_while_it_is_called_back_is_not_confirmed(bridge_world: Bridged, ends: str) -> None:
    (person,) = await emigrate(bridge_world)
    opened = await opened_request(bridge_world, person["resident_code"])
    database = await open_database(bridge_world.fuhyo.dsn, "fuhyo", "jukinet_bridge")
    files = bridge_world.pki.files(Role.PREF, "juki")
    signed = seal(write_ask(opened.ask, "2026-11-24T09:00:00Z"), CONFIRM_TYPE, signing_key(files))
    peer = verifying_key(load_certificate(files.certificate))
    try:
        store = Ending(database, VAULT)
        store.dsn, store.ends = bridge_world.fuhyo.dsn, ENDS[ends]
        told = await Confirmer(store, CLOCK, Metrics()).answer(signed, peer)
    finally:
        await database.close()
    assert list(read_confirmation(told, digest_of(signed)).values()) == ["B330"]
    assert await bridge_world.leaves("fuhyo", "bridge_confirmed") == []
    (evidence,) = await bridge_world.leaves("fuhyo", "bridge_unconfirmed")
    assert evidence["code"] == "B330"


async def test_two_askers_of_one_request_at_once_burn_it_once(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    request = "11111111-1111-1111-1111-111111111111"

    async def burn() -> str:
        async with session(bridge_world.juki.dsn, role="jukinet_bridge") as bridge:
            return str((await bridge.fetchval(BURN, request, request, "B100", person["resident_code"], 2))[0])

    assert sorted(await asyncio.gather(*(burn() for _ in range(8)))) == ["burnt"] * 7 + ["done"]


async def _databases(server: EmbeddedPostgres, *, make: bool = True) -> dict[str, str]:
    for register in REGISTERS if make else ():
        server.psql("postgres", f"CREATE DATABASE {register}")
        await migrate(server.dsn(register), register)
    return {register: server.dsn(register) for register in REGISTERS}


def _holding(server: EmbeddedPostgres, data: bytes) -> list[Path]:
    """Every file below the data folder that has these bytes in it."""
    files = (path for path in (server.folder / "pgdata").rglob("*") if path.is_file())
    return [path for path in files if data in path.read_bytes()]

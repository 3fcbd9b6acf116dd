"""What a batch costs does not grow with what is in it, nor a look-up with what is in the file."""

import asyncio
import json
import sys
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count, groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from jukinet_daemon.schemas import schemas_folder
from jukinet_daemon.service import batch
from jukinet_daemon.service.batch import Item, Planner, items_of
from jukinet_daemon.service.receive import Receiver
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.inbox import Inbox, Known
from jukinet_daemon.store.migrate import migrate
from jukinet_daemon.store.queries import load_queries
from jukinet_daemon.unhurried import PIECE
from support.notices import juki_change
from support.plans import plan_of
from support.store import Bench, arrival, bench, outcomes, session
from support.turns import counted

PEOPLE = 20_000
CLOSED = PEOPLE - 20
DAY = date(2026, 11, 20)
FILL = f"""
INSERT INTO person SELECT n, 1, 1, '{{}}', 0, true FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO person_key SELECT 'code', lpad(n::text, 11, '0'), n FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO inbox SELECT md5(n::text)::uuid, '401307', n, '', 'ACCEPTED', 'A100', repeat('x', 200)
    FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO history (person_id, version, notice_id, area, is_foreign, change, cause, event_date,
    resident_code, date_of_birth, address, name_gaiji, address_gaiji, notified_on)
    SELECT n, 1, md5(n::text)::uuid, '401315', false, 'entry', 'birth', '20261101', lpad(n::text, 11, '0'),
    '20261101', '福岡県福岡市東区', 0, 0, '2026-11-01' FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO receipt (parcel_digest, signed) VALUES ('', '');
INSERT INTO outbox (notice_id, person_id, version, receipt_id, received_on)
    SELECT md5(n::text)::uuid, n, 1, CASE WHEN n <= {CLOSED} THEN 1 END,
    CASE WHEN n <= {CLOSED} THEN date '2020-01-01' + n / 20 END
    FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO held (notice_id, person_id, others, code, sender, tied, sealed, notified_on)
    SELECT md5(n::text)::uuid, n, '{{}}', 'H210', '401307', '{{}}', '', '2026-11-01'
    FROM generate_series(1, {PEOPLE} / 4) AS n;
INSERT INTO parcel SELECT n, lpad((n % 60)::text, 6, '4'), n, '', '', '', now() - n * interval '1 minute'
    FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO ledger (hash, salt, payload)
    SELECT sha256(n::text::bytea), '', '' FROM generate_series(1, {PEOPLE}) AS n;
ANALYZE;
"""
VALUES: dict[str, tuple[Any, ...]] = {
    "find_known": (["00000000-0000-0000-0000-000000000001"] * 2, ["code"], ["00000000001"]),
    "find_outgoing": (200,),
    "find_origins": ([PEOPLE - 1, PEOPLE],),
    "last_parcels": (["444401", "444402"],),
    "outbox_waiting": (),
    "outbox_refused": (),
    "close_outbox": (1, [1, 2], [None, "N310"], [DAY, DAY]),
    "relayed_of_day": (date(2021, 1, 3),),
    "heard_of_sender": ("444401", datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=5)),
    "find_new_numbers": (["444401", "444402"], [0, 0], 100, 10_000),
    "find_history": ("code", "00000000001"),
    "find_states": ([1, 2],),
    "find_held_notice": ("00000000-0000-0000-0000-000000000001",),
}
INDEXES = {
    "find_known": {"inbox_pkey"},
    "find_outgoing": {"outbox_waiting", "history_pkey"},
    "find_origins": {"outbox_waiting", "inbox_pkey", "parcel_pkey"},
    "last_parcels": {"parcel_by_sender"},
    "outbox_waiting": {"outbox_waiting"},
    "outbox_refused": {"outbox_refused"},
    "close_outbox": {"outbox_waiting"},
    "relayed_of_day": {"outbox_by_day", "history_pkey"},
    "heard_of_sender": {"parcel_by_sender"},
    "find_new_numbers": {"parcel_by_number"},
    "find_history": {"person_key_pkey", "history_pkey"},
    "find_states": {"person_pkey"},
    "find_held_notice": {"held_pkey"},
}
_PEOPLE = "JOIN person_key AS k ON k.kind = wanted.kind AND k.value = wanted.value"
_SAME = "JOIN inbox AS i ON i.notice_id = asked.id AND i.fingerprint = asked.content"
_UNDER = "FROM parcel AS p WHERE p.sender = whose AND p.number = wanted"
# What a routine itself looks up: its file, the words as they stand there, a statement with them, its indexes.
INSIDE = (
    (
        "0083_read.sql",
        _PEOPLE,
        f"""SELECT p.stays FROM unnest(ARRAY['code'], ARRAY['00000000001']) AS wanted (kind, value) {_PEOPLE}
        JOIN person AS p ON p.person_id = k.person_id""",
        {"person_key_pkey", "person_pkey"},
    ),
    (
        "0083_read.sql",
        _SAME,
        f"SELECT FROM unnest(ARRAY[md5('7')::uuid], ARRAY[''::bytea]) AS asked (id, content) {_SAME}",
        {"inbox_pkey"},
    ),
    (
        "0083_read.sql",
        _UNDER,
        "SELECT count(*) FROM parcel AS p WHERE p.sender = '444401' AND p.number = 7",
        {"parcel_by_number"},
    ),
    (
        "0003_commit.sql",
        "WHERE person_id = p.person_id AND version = d.expected",
        "UPDATE person SET version = 2 WHERE person_id = 7 AND version = 1",
        {"person_pkey"},
    ),
    (
        "0003_commit.sql",
        "WHERE notice_id = ANY (repeats)",
        "UPDATE inbox SET redelivered = 1 WHERE notice_id = ANY (ARRAY[md5('7')::uuid, md5('8')::uuid])",
        {"inbox_pkey"},
    ),
)
# Python functions called and bytes allocated at the peak for a notice: read, decided, made ready to commit.
MOST_CALLS, MOST_BYTES = 170, 9_000
MOST_TURNS = 3
_numbers = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server on which nobody else takes a transaction number."""
    quiet = {"autovacuum": "off"}
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "data", quiet) as server:
        for name in ("model", "filled"):
            server.psql("postgres", f"CREATE DATABASE {name}")
            asyncio.run(migrate(server.dsn(name), "juki"))
        server.psql("filled", FILL)
        yield server


@pytest.fixture
async def desk(server: EmbeddedPostgres) -> AsyncIterator[Bench]:
    name = f"juki_{next(_numbers)}"
    server.psql("postgres", f"CREATE DATABASE {name} TEMPLATE model")
    async with bench(server.dsn(name), size=1) as opened:
        # The first batch also takes blocks of numbers and learns the row types.
        assert outcomes(await opened.receive(juki_change(), juki_change())) == ["ACCEPTED"] * 2
        yield opened


async def _transactions(server: EmbeddedPostgres) -> int:
    async with session(server.dsn("model")) as owner:
        taken: int = await owner.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    return taken


@pytest.mark.parametrize("notices", [1, 40])
async def test_a_batch_takes_a_transaction_a_notice_and_two(
    server: EmbeddedPostgres, desk: Bench, notices: int
) -> None:
    parcel = [juki_change() for _ in range(notices)]
    before = await _transactions(server)
    assert outcomes(await desk.receive(*parcel)) == ["ACCEPTED"] * notices
    accepted = await _transactions(server)
    assert outcomes(await desk.receive(*parcel)) == ["REPEATED"] * notices
    assert accepted - before == notices + 2
    assert await _transactions(server) - accepted == 2


async def test_the_statements_of_a_batch_do_not_grow_with_it(desk: Bench) -> None:
    async def statements(notices: int) -> list[str]:
        sent: list[str] = []
        async with desk.database.pool.acquire() as connection:
            connection.add_query_logger(lambda query: sent.append(query.query))
        await desk.receive(*(juki_change() for _ in range(notices)))
        return sent

    few, many = await statements(1), await statements(100)
    names = ("find_known", "commit_batch")
    assert [name for name in names if desk.database.queries[name] in many] == list(names)
    assert len(many) <= len(few)


@pytest.mark.parametrize("name", INDEXES)
async def test_a_look_up_goes_by_its_index(server: EmbeddedPostgres, name: str) -> None:
    query = load_queries("juki")[name]
    async with session(server.dsn("filled")) as owner:
        known_values = (await (await owner.prepare(query)).explain(*VALUES[name]))[0]
    any_values = json.loads(server.psql("filled", f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {query}"))[0]
    for way in (known_values["Plan"], any_values["Plan"]):
        steps = list(_steps(way))
        assert {step["Index Name"] for step in steps if "Index Name" in step} == INDEXES[name]
        assert [step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"] == []


@pytest.mark.parametrize("name", ["find_late_leaves", "find_new_leaves"])
@pytest.mark.parametrize("gaps", [0, 3])
def test_the_sealer_never_reads_the_whole_ledger(server: EmbeddedPostgres, name: str, gaps: int) -> None:
    query = load_queries("juki")[name].replace("$1", "1").replace("$2", "2000")
    fill = f"""
        BEGIN;
        INSERT INTO ledger_log (log_id, origin) VALUES (1, 'here');
        INSERT INTO ledger_gap SELECT 1, int8range(n * 100, n * 100 + 2) FROM generate_series(1, {gaps}) AS n;
        EXPLAIN (FORMAT JSON) {query};
        ROLLBACK"""
    steps = list(_steps(json.loads(server.psql("filled", fill))[0]["Plan"]))
    ways = {
        (step["Node Type"], step.get("Index Name")) for step in steps if step.get("Relation Name") == "ledger"
    }
    assert ways == {("Index Scan", "ledger_pkey")}


@pytest.mark.parametrize(("file", "words", "statement", "indexes"), INSIDE)
def test_what_a_routine_looks_up_it_finds_by_key(
    server: EmbeddedPostgres, file: str, words: str, statement: str, indexes: set[str]
) -> None:
    assert words in (schemas_folder() / "postgres" / "migrations" / file).read_text("utf-8")
    steps = list(_steps(json.loads(server.psql("filled", f"EXPLAIN (FORMAT JSON) {statement}"))[0]["Plan"]))
    assert {step["Index Name"] for step in steps if "Index Name" in step} == indexes
    assert [step for step in steps if step["Node Type"] == "Seq Scan"] == []


def test_a_look_up_without_an_index_would_be_seen(server: EmbeddedPostgres) -> None:
    way = json.loads(server.psql("filled", "EXPLAIN (FORMAT JSON) SELECT 1 FROM inbox WHERE code = 'A1'"))
    assert [step["Relation Name"] for step in _steps(way[0]["Plan"]) if step["Node Type"] == "Seq Scan"]


async def test_a_batch_waits_for_the_database_a_fixed_number_of_times(
    server: EmbeddedPostgres, desk: Bench, tmp_path: Path
) -> None:
    name = await desk.database.pool.fetchval("SELECT current_database()")
    async with counted(server.dsn(name), tmp_path) as (dsn, turns), bench(dsn, size=1) as near:
        # The first of each kind also learns the types.
        for parcel in [[juki_change(), juki_change()]] * 2:
            await near.receive(*parcel)
        waits: dict[str, list[int]] = {"ACCEPTED": [], "REPEATED": []}
        for notices in (1, 5, 100):
            parcel = [juki_change() for _ in range(notices)]
            for outcome, turned in waits.items():
                before = turns.count
                assert outcomes(await near.receive(*parcel)) == [outcome] * notices
                turned.append(turns.count - before)
    assert len(set(waits["ACCEPTED"])) == len(set(waits["REPEATED"])) == 1
    assert 0 < waits["ACCEPTED"][0] <= MOST_TURNS
    # Where something repeats, its content is compared.
    assert waits["REPEATED"][0] <= MOST_TURNS + 1


async def test_nobody_waits_for_more_than_a_piece_of_a_large_parcel(
    desk: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two turns of somebody else no step takes more notices than a piece."""
    turn = 0
    taken: Counter[tuple[str, int]] = Counter()

    def watched(owner: Any, name: str) -> None:
        step = getattr(owner, name)

        def taking(*arguments: Any) -> Any:
            taken[name, turn] += 1
            return step(*arguments)

        monkeypatch.setattr(owner, name, taking)

    async def somebody_else() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    for owner, name in ((batch, "_item"), (Planner, "add"), (Inbox, "_row")):
        watched(owner, name)
    other = asyncio.create_task(somebody_else())
    sent = await desk.receive(*(juki_change() for _ in range(500)))
    other.cancel()
    assert outcomes(sent) == ["ACCEPTED"] * 500
    assert {name for name, _ in taken} == {"_item", "add", "_row"}
    assert taken.total() == 3 * 500
    assert max(taken.values()) <= PIECE


async def test_large_batches_think_one_after_another(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the database works on one while another is read and decided; taking turns, they would meet there."""
    thought: list[int] = []
    add = Planner.add

    def told(planner: Planner, item: Item) -> None:
        thought.append(item.arrival.parcel.number)
        add(planner, item)

    monkeypatch.setattr(Planner, "add", told)
    receiver = Receiver(desk.house, desk.inbox)
    parcels = [arrival(*(juki_change() for _ in range(64))) for _ in range(2)]
    answers = await asyncio.gather(*(receiver.receive([parcel]) for parcel in parcels))
    assert [outcomes(answer) for (answer,) in answers] == [["ACCEPTED"] * 64] * 2
    assert sorted(len(list(run)) for _, run in groupby(thought)) == [64, 64]


async def test_small_parcels_are_thought_of_beside_large_ones(desk: Bench) -> None:
    receiver = Receiver(desk.house, desk.inbox)
    large, small = arrival(*(juki_change() for _ in range(64))), [arrival(juki_change()) for _ in range(30)]
    async with receiver._turn([large]), asyncio.timeout(10):
        told = await receiver.receive(small)
    assert [outcomes(answers) for answers in told] == [["ACCEPTED"]] * 30


def _thought(desk: Bench, notices: int) -> Callable[[], None]:
    """All that Python does for a parcel between its coming and its commit, the database left out."""
    came = arrival(*(juki_change() for _ in range(notices)))

    def think() -> None:
        made = plan_of(items_of([came], [1], desk.house), Known({}, {}), count(1), desk.house)
        assert len([desk.inbox._row(entry) for _, entry, _ in made.entries]) == notices

    think()
    return think


def _calls(work: Callable[[], None]) -> int:
    calls = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


async def test_a_notice_takes_a_bounded_number_of_calls(desk: Bench) -> None:
    few, many = (_calls(_thought(desk, notices)) for notices in (50, 100))
    each = (many - few) / 50
    assert 20 < each <= MOST_CALLS
    assert many <= MOST_CALLS * 100


async def test_a_notice_takes_a_bounded_piece_of_memory(desk: Bench) -> None:
    think = _thought(desk, 100)
    tracemalloc.start()
    try:
        think()
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 100 * 500 < peak <= 100 * MOST_BYTES


def _steps(way: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield way
    for part in way.get("Plans", []):
        yield from _steps(part)

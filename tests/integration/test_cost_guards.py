"""What a batch costs does not grow with what is in it, nor a look-up with what is in the file."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.migrate import migrate
from jukinet_daemon.store.queries import load_queries
from support.notices import juki_change
from support.store import Bench, bench, outcomes, session

PEOPLE = 20_000
CLOSED = PEOPLE - 20
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
INSERT INTO outbox (notice_id, person_id, version, receipt_id)
    SELECT md5(n::text)::uuid, n, 1, CASE WHEN n <= {CLOSED} THEN 1 END
    FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO parcel SELECT n, lpad((n % 60)::text, 6, '4'), n, '', '', '', now() - n * interval '1 minute'
    FROM generate_series(1, {PEOPLE}) AS n;
ANALYZE;
"""
VALUES: dict[str, tuple[Any, ...]] = {
    "find_answers": (["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"],),
    "find_people": (["code"] * 3, ["00000000001", "00000000002", "99999999999"]),
    "find_outgoing": (200,),
    "last_parcels": (["444401", "444402"],),
    "outbox_waiting": (),
    "outbox_refused": (),
}
INDEXES = {
    "find_answers": {"inbox_pkey"},
    "find_people": {"person_key_pkey", "person_pkey"},
    "find_outgoing": {"outbox_waiting", "history_pkey"},
    "last_parcels": {"parcel_by_sender"},
    "outbox_waiting": {"outbox_waiting"},
    "outbox_refused": {"outbox_refused"},
}
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
    names = ("find_answers", "find_people", "commit_batch")
    assert [name for name in names if desk.database.queries[name] in many] == list(names)
    assert len(many) <= len(few)


@pytest.mark.parametrize("name", INDEXES)
async def test_a_look_up_goes_by_its_index(server: EmbeddedPostgres, name: str) -> None:
    query = load_queries("juki")[name]
    async with session(server.dsn("filled")) as owner:
        known_values = (await (await owner.prepare(query)).explain(*VALUES[name]))[0]
    any_values = json.loads(server.psql("filled", f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {query}"))[0]
    for plan in (known_values["Plan"], any_values["Plan"]):
        steps = list(_steps(plan))
        assert {step["Index Name"] for step in steps if "Index Name" in step} == INDEXES[name]
        assert [step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"] == []


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _steps(part)

"""The schema: the sum of the migrations, the queries and row types that stand on it, and migrating itself."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import fields

import asyncpg
import pytest

from dump_schemas import dump, dump_path
from jukinet_daemon.domain.dates import is_date_text
from jukinet_daemon.schemas import schemas_folder
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.inbox import InboxRow, ParcelRow
from jukinet_daemon.store.migrate import migrate, migrations_of, schema_version_of
from jukinet_daemon.store.queries import load_queries
from jukinet_daemon.store.rows import HISTORY_ROW
from support.store import session
from support.world import REGISTERS, postgres

MIGRATIONS = sorted(path.name for path in (schemas_folder() / "postgres" / "migrations").iterdir())
NOTICES, RELAY, STATUS, HISTORY = "jukinet_notices", "jukinet_relay", "jukinet_status", "jukinet_history"
CONTROL, WATCH, BRIDGE, KEYS = "jukinet_control", "jukinet_watch", "jukinet_bridge", "jukinet_keys"
SEAL, AUDIT = "jukinet_seal", "jukinet_audit"
EVERY_ROLE = (NOTICES, RELAY, STATUS, HISTORY, CONTROL, WATCH, BRIDGE, KEYS, SEAL, AUDIT)
ROLES_OF = {
    "lock_seal": (SEAL,),
    "current_log": (SEAL, WATCH, AUDIT, CONTROL),
    "begin_log": (SEAL,),
    "newest_checkpoint": (SEAL, WATCH, AUDIT, CONTROL),
    "find_checkpoint": (WATCH, AUDIT),
    "find_conflicts": (SEAL, STATUS, WATCH, AUDIT, CONTROL),
    "find_ledger_gaps": (SEAL, AUDIT),
    "find_late_leaves": (SEAL,),
    "find_new_leaves": (SEAL,),
    "store_runs": (SEAL,),
    "clear_ledger_gaps": (SEAL,),
    "store_ledger_gaps": (SEAL,),
    "store_nodes": (SEAL,),
    "store_checkpoint": (SEAL,),
    "find_nodes": (WATCH, AUDIT),
    "find_placed": (WATCH, AUDIT),
    "find_witnesses": (WATCH,),
    "store_witness": (WATCH,),
    "store_conflict": (WATCH,),
    "ledger_state": (STATUS,),
    "restart_log": (CONTROL,),
    "audit_checkpoints": (AUDIT,),
    "audit_leaves": (AUDIT,),
    "audit_rest": (AUDIT,),
    "audit_holes": (AUDIT,),
    "all_witnesses": (AUDIT,),
    "find_receipt": (AUDIT,),
    "find_leaf": (AUDIT,),
    "find_place": (AUDIT,),
    "find_known": (NOTICES, CONTROL),
    "find_same": (NOTICES,),
    "take_person_numbers": (NOTICES, CONTROL),
    "take_parcel_numbers": (NOTICES,),
    "commit_batch": (NOTICES,),
    "lock_relay": (RELAY,),
    "take_relay_number": (RELAY,),
    "find_outgoing": (RELAY,),
    "find_origins": (RELAY,),
    "store_receipt": (RELAY,),
    "close_outbox": (RELAY,),
    "add_leaf": (RELAY, CONTROL, WATCH, KEYS),
    "database_settings": EVERY_ROLE,
    "has_schema": EVERY_ROLE,
    "schema_version": EVERY_ROLE,
    "ping": (STATUS,),
    "database_clock": (STATUS,),
    "maintenance_now": (STATUS, CONTROL),
    "begin_maintenance": (CONTROL,),
    "end_maintenance": (CONTROL,),
    "kept_crls": (STATUS,),
    "keep_crl": (STATUS,),
    "pulse_state": (STATUS,),
    "pulse_write": (STATUS, WATCH),
    "session_defaults": (STATUS,),
    "outbox_waiting": (STATUS,),
    "outbox_refused": (STATUS,),
    "held_waiting": (STATUS,),
    "tell_process": (STATUS,),
    "forget_process": (STATUS,),
    "other_processes": (STATUS,),
    "last_parcels": (STATUS, WATCH),
    "heard_of_sender": (STATUS, WATCH),
    "lock_numbers": (WATCH, CONTROL),
    "find_numberings": (WATCH, CONTROL),
    "find_gaps": (WATCH, CONTROL, STATUS),
    "find_new_numbers": (WATCH,),
    "find_leaps": (STATUS, CONTROL),
    "find_late_numbers": (WATCH,),
    "find_parcels_of_number": (WATCH,),
    "store_numbering": (WATCH, CONTROL),
    "clear_gaps": (WATCH, CONTROL),
    "store_gaps": (WATCH, CONTROL),
    "store_reuse": (WATCH,),
    "find_reuses": (STATUS, CONTROL),
    "settle_reuses": (CONTROL,),
    "count_day": (WATCH,),
    "day_without_summary": (WATCH,),
    "has_unsummarised": (STATUS, CONTROL),
    "store_comparison": (RELAY, WATCH),
    "relayed_of_day": (RELAY,),
    "compared_with": (RELAY,),
    "find_comparisons": (STATUS, WATCH),
    "find_history": (HISTORY,),
    "find_held": (CONTROL,),
    "find_held_notice": (CONTROL,),
    "find_held_of": (CONTROL,),
    "find_states": (CONTROL,),
    "mark_held": (CONTROL,),
    "settle_held": (CONTROL,),
    "trace_notice": (CONTROL,),
    "note_leaves": (BRIDGE,),
    "lock_keys": (KEYS,),
    "end_key": (KEYS,),
    "living_processes": (KEYS,),
    "count_sealed_held": (KEYS,),
    "find_stale_held": (KEYS,),
    "reseal_held": (KEYS,),
    "count_sealed_parcel": (KEYS,),
    "find_stale_parcel": (KEYS,),
    "reseal_parcel": (KEYS,),
    "find_without_summary": (KEYS,),
    "enter_summary": (KEYS,),
}
# Each side of the bridge has queries of its own.
BRIDGE_QUERIES = {
    "juki": ("find_last_stays", "burn_requests", "give_numbers"),
    "fuhyo": (
        *("find_entries", "open_case", "open_requests", "find_asked", "confirm_requests", "settle_requests"),
        *("deliver_case", "find_lines", "find_due_cases", "erase_case", "find_cases"),
    ),
}
# Numbers that residents share, where numbers are kept.
SHARED_NUMBER_QUERIES = {
    "juki": {
        "look_for_shared_numbers": (WATCH,),
        "find_shared_numbers": (WATCH, STATUS),
        "shared_number_looked_at": (STATUS,),
    },
    "fuhyo": {},
}
# What each register alone has sealed.
KEY_QUERIES = {
    "juki": ("count_sealed_history", "find_stale_history", "reseal_history"),
    "fuhyo": ("count_sealed_bridge_held", "find_stale_bridge_held", "reseal_bridge_held"),
}


def roles_of(register: str) -> dict[str, tuple[str, ...]]:
    bridge = dict.fromkeys(BRIDGE_QUERIES[register], (BRIDGE,))
    keys = dict.fromkeys(KEY_QUERIES[register], (KEYS,))
    return ROLES_OF | SHARED_NUMBER_QUERIES[register] | bridge | keys


# Row types that are inserted whole, by position, and the table that takes each.
TABLES_OF = {
    "summarised_parcel": "parcel",
    "person_row": "person",
    "key_row": "person_key",
    "history_row": "history",
    "departure_row": "departure",
}

Maker = Callable[[str], str]


@pytest.fixture(params=REGISTERS)
def register(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def owner(new_database: Maker, register: str) -> AsyncIterator[asyncpg.Connection]:
    async with session(new_database(register)) as connection:
        yield connection


@pytest.fixture
def empty_database(pg: EmbeddedPostgres) -> str:
    pg.psql("postgres", "DROP DATABASE IF EXISTS unmigrated WITH (FORCE)")
    pg.psql("postgres", "CREATE DATABASE unmigrated")
    return pg.dsn("unmigrated")


def test_the_schema_file_is_the_sum_of_the_migrations(pg: EmbeddedPostgres, register: str) -> None:
    assert dump_path(register).read_text("utf-8") == dump(pg, f"template_{register}", register), (
        "run `make schemas`"
    )


@pytest.mark.parametrize("name", MIGRATIONS)
def test_a_migration_is_named_and_headed(name: str) -> None:
    assert re.fullmatch(r"[0-9]{4}_[a-z_]+(\.(juki|fuhyo))?\.sql", name)
    head = (schemas_folder() / "postgres" / "migrations" / name).read_text("utf-8").splitlines()[0]
    assert re.fullmatch(r"-- (pre|post): [0-9]+\.[0-9]+\.[0-9]+", head)


def test_no_two_migrations_of_a_register_have_one_number(register: str) -> None:
    versions = [step.version for step in migrations_of(register)]
    assert versions == sorted(set(versions))


async def test_migrating_again_does_nothing(new_database: Maker, register: str) -> None:
    assert await migrate(new_database(register), register) == []


async def test_a_database_of_the_other_register_is_refused(new_database: Maker) -> None:
    with pytest.raises(StoreFault, match="keeps the register juki, not fuhyo"):
        await migrate(new_database("juki"), "fuhyo")


async def test_a_newer_schema_is_refused(new_database: Maker) -> None:
    dsn = new_database("juki")
    async with session(dsn) as owner:
        await owner.execute("INSERT INTO schema_migration VALUES (9999, 'of_tomorrow', 'juki')")
    with pytest.raises(StoreFault, match="newer"):
        await migrate(dsn, "juki")


async def test_a_refused_migration_leaves_nothing(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [*migrations_of("juki"), migrations_of("juki")[0]]
    monkeypatch.setattr("jukinet_daemon.store.migrate.migrations_of", lambda _: broken)
    with pytest.raises(StoreFault, match="42710"):
        await migrate(empty_database, "juki")
    async with session(empty_database) as owner:
        assert await owner.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


async def test_two_migrations_of_a_database_at_once(empty_database: str, register: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database, register) for _ in range(2)))
    assert sorted(map(len, applied)) == [0, len(migrations_of(register))]


async def test_two_registers_migrate_at_once_on_a_new_server() -> None:
    with postgres() as server:
        server.psql("postgres", "CREATE DATABASE juki")
        server.psql("postgres", "CREATE DATABASE fuhyo")
        applied = await asyncio.gather(*(migrate(server.dsn(name), name) for name in REGISTERS))
    assert [steps[-1].version for steps in applied] == [schema_version_of(name) for name in REGISTERS]


async def test_an_owner_who_may_not_create_roles_can_migrate(
    pg: EmbeddedPostgres, empty_database: str
) -> None:
    exists = pg.psql("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'plain_owner'") == "1"
    if not exists:
        pg.psql("postgres", "CREATE ROLE plain_owner LOGIN")
    pg.psql("postgres", "ALTER DATABASE unmigrated OWNER TO plain_owner")
    assert await migrate(pg.dsn("unmigrated", "plain_owner"), "juki") == list(migrations_of("juki"))


def test_every_query_has_its_roles(register: str) -> None:
    assert set(load_queries(register)) == set(roles_of(register))


async def test_every_query_is_right_in_the_roles_that_use_it(new_database: Maker, register: str) -> None:
    """EXPLAIN checks syntax, names and the rights of the role, and runs nothing."""
    dsn = new_database(register)
    queries = load_queries(register)
    for role in EVERY_ROLE:
        async with session(dsn, role=role) as connection:
            for name in (name for name, roles in roles_of(register).items() if role in roles):
                blanks = [None for _ in (await connection.prepare(queries[name])).get_parameters()]
                if name == "commit_batch":
                    assert await connection.fetchval(queries[name], [], [], []) == []
                else:
                    await connection.fetch("EXPLAIN " + queries[name], *blanks)


async def test_history_row_is_as_the_database_has_it(owner: asyncpg.Connection, register: str) -> None:
    assert await _columns(owner, "history_row") == HISTORY_ROW[register]


async def test_rows_made_of_dataclasses_are_as_the_database_has_them(owner: asyncpg.Connection) -> None:
    assert await _columns(owner, "summarised_parcel") == tuple(field.name for field in fields(ParcelRow))
    assert await _columns(owner, "inbox_row") == tuple(field.name for field in fields(InboxRow))


@pytest.mark.parametrize("row_type", TABLES_OF)
async def test_a_row_fits_its_table_by_position(owner: asyncpg.Connection, row_type: str) -> None:
    wanted = await _columns(owner, row_type)
    assert (await _columns(owner, TABLES_OF[row_type]))[: len(wanted)] == wanted


async def test_the_file_and_the_wire_take_the_same_dates(owner: asyncpg.Connection) -> None:
    letters = "0123A49"
    texts = [f"2026{a}{b}{c}{d}" for a in letters for b in letters for c in letters for d in letters]
    taken = await owner.fetch(
        "SELECT t FROM unnest($1::text[]) AS t WHERE pg_input_is_valid(t, 'date_text')", texts
    )
    assert [row["t"] for row in taken] == [text for text in texts if is_date_text(text)]


async def _columns(connection: asyncpg.Connection, relation: str) -> tuple[str, ...]:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
        relation,
    )
    return tuple(row["attname"] for row in rows)

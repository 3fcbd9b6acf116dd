"""One role a door: what each may do, to the last right, and attempts at what it may not."""

import json
from collections.abc import Callable, Iterator

import asyncpg
import pytest

from dump_roles import PATH as ROLES_PATH
from dump_roles import roles_document
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.migrate import migrate
from support.store import session
from support.world import REGISTERS

NOTICES, RELAY, STATUS, HISTORY, CONTROL, WATCH, BRIDGE, KEYS, SEAL, AUDIT = ROLES = (
    "jukinet_notices", "jukinet_relay", "jukinet_status", "jukinet_history", "jukinet_control",
    "jukinet_watch", "jukinet_bridge", "jukinet_keys", "jukinet_seal", "jukinet_audit",
)  # fmt: skip

LEDGER = ("log", "checkpoint", "run", "gap", "node", "witness", "conflict")
# Rights on whole tables; those on single columns stand in COLUMN_RIGHTS.
TABLE_RIGHTS = {
    BRIDGE: {"schema_migration": {"SELECT"}},
    NOTICES: {
        "ended_key": {"SELECT"},
        "parcel": {"INSERT"},
        "inbox": {"INSERT"},
        "person": {"INSERT"},
        "person_key": {"INSERT"},
        "departure": {"INSERT"},
        "history": {"INSERT"},
        "outbox": {"INSERT"},
        "ledger": {"INSERT"},
        "closing": {"SELECT"},
        "schema_migration": {"SELECT"},
    },
    RELAY: {
        "outgoing": {"SELECT"},
        "outgoing_origin": {"SELECT"},
        "relayed_of_day": {"SELECT"},
        "comparison": {"INSERT"},
        "receipt": {"INSERT"},
        "schema_migration": {"SELECT"},
    },
    STATUS: {
        "process": {"SELECT"},
        "kept_crl": {"SELECT"},
        "maintenance": {"SELECT"},
        "numbering": {"SELECT"},
        "number_gap": {"SELECT"},
        "number_reuse": {"SELECT"},
        "comparison": {"SELECT"},
        "ledger_log": {"SELECT"},
        "ledger_conflict": {"SELECT"},
        "schema_migration": {"SELECT"},
    },
    WATCH: {
        "ledger_log": {"SELECT"},
        "ledger_checkpoint": {"SELECT"},
        "ledger_run": {"SELECT"},
        "ledger_node": {"SELECT"},
        "ledger_witness": {"INSERT", "SELECT"},
        "ledger_conflict": {"INSERT", "SELECT"},
        "numbering": {"INSERT", "SELECT"},
        "number_gap": {"DELETE", "INSERT", "SELECT"},
        "number_reuse": {"INSERT", "SELECT"},
        "comparison": {"INSERT", "SELECT"},
        "schema_migration": {"SELECT"},
    },
    CONTROL: {
        "held": {"SELECT", "DELETE"},
        "settlement": {"SELECT", "INSERT"},
        "person": {"INSERT", "SELECT"},
        "person_key": {"DELETE", "INSERT", "SELECT"},
        "departure": {"INSERT"},
        "history": {"INSERT"},
        "maintenance": {"SELECT", "INSERT", "UPDATE", "DELETE"},
        "numbering": {"INSERT", "SELECT"},
        "number_gap": {"DELETE", "INSERT", "SELECT"},
        "number_reuse": {"SELECT"},
        "ledger_log": {"INSERT", "SELECT"},
        "ledger_checkpoint": {"SELECT"},
        "ledger_conflict": {"SELECT"},
        "schema_migration": {"SELECT"},
    },
    HISTORY: {"person_key": {"SELECT"}, "history": {"SELECT"}, "schema_migration": {"SELECT"}},
    KEYS: {"schema_migration": {"SELECT"}},
    SEAL: {
        "ledger_log": {"INSERT", "SELECT"},
        "ledger_checkpoint": {"INSERT", "SELECT"},
        "ledger_run": {"INSERT"},
        "ledger_node": {"INSERT"},
        "ledger_gap": {"DELETE", "INSERT", "SELECT"},
        "ledger_conflict": {"SELECT"},
        "schema_migration": {"SELECT"},
    },
    AUDIT: {
        **{f"ledger_{name}": {"SELECT"} for name in LEDGER},
        "ledger": {"SELECT"},
        "schema_migration": {"SELECT"},
    },
}
LEAF = {f"INSERT ledger.{name}" for name in ("hash", "salt", "payload")}
WAITING = {f"INSERT outbox.{name}" for name in ("notice_id", "person_id", "version")}
COLUMN_RIGHTS: dict[str, set[str]] = {
    BRIDGE: set(),
    SEAL: {"SELECT ledger.entry_id", "SELECT ledger.hash"},
    AUDIT: {
        "SELECT inbox.notice_id",
        "SELECT inbox.parcel_id",
        "SELECT inbox.answer",
        "SELECT parcel.parcel_id",
        "SELECT parcel.received_at",
    },
    KEYS: {
        *LEAF,
        "UPDATE history.individual_number",
        "UPDATE history.individual_number_index",
        "UPDATE history.previous_number",
        "UPDATE held.sealed",
        "UPDATE parcel.sealed",
        *(f"UPDATE parcel.{name}" for name in ("fingerprint", "notice_ids", "kinds")),
        "SELECT parcel.kinds",
        "SELECT history.person_id",
        "SELECT history.version",
        "SELECT history.individual_number",
        "SELECT history.individual_number_index",
        "SELECT history.previous_number",
        "SELECT held.notice_id",
        "SELECT held.sealed",
        "SELECT parcel.parcel_id",
        "SELECT parcel.sealed",
        "UPDATE bridge_held.sealed",
        "SELECT bridge_held.case_id",
        "SELECT bridge_held.place",
        "SELECT bridge_held.sealed",
        "SELECT process.name",
        "SELECT process.host",
        "SELECT process.told_at",
        "SELECT process.report",
    },
    NOTICES: {
        *(f"INSERT held.{name}" for name in ("notice_id", "person_id", "others", "code", "sender", "tied")),
        *(f"INSERT held.{name}" for name in ("sealed", "notified_on")),
        *(f"SELECT inbox.{name}" for name in ("notice_id", "sender", "answer", "redelivered")),
        *(f"SELECT person.{name}" for name in ("person_id", "version")),
        "UPDATE person.current",
        "UPDATE person.stays",
        "UPDATE person.version",
        "UPDATE person.waiting",
        "UPDATE person.coded",
        "UPDATE inbox.redelivered",
        "UPDATE closing.batches",
    },
    RELAY: {
        *LEAF,
        "UPDATE outbox.receipt_id",
        "UPDATE outbox.refused",
        "UPDATE outbox.received_on",
        *(f"SELECT comparison.{column}" for column in ("comparison_id", "peer", "day", "differing")),
        "SELECT comparison.compared_at",
        "SELECT outbox.outbox_id",
        "SELECT outbox.receipt_id",
        "SELECT receipt.receipt_id",
    },
    STATUS: {
        *(f"INSERT process.{name}" for name in ("name", "host", "report", "metrics")),
        *(f"UPDATE process.{name}" for name in ("told_at", "report", "metrics")),
        *(f"INSERT kept_crl.{name}" for name in ("authority", "number", "issued_at", "list")),
        *(f"UPDATE kept_crl.{name}" for name in ("number", "issued_at", "list", "taken_at")),
        "SELECT outbox.outbox_id",
        "SELECT outbox.entered_at",
        "SELECT outbox.receipt_id",
        "SELECT outbox.refused",
        "SELECT inbox.notice_id",
        "SELECT inbox.outcome",
        "SELECT inbox.code",
        "SELECT parcel.sender",
        "SELECT parcel.number",
        "SELECT parcel.received_at",
        "SELECT parcel.kinds",
        "SELECT held.notice_id",
        "SELECT held.held_at",
        "SELECT ledger.entry_id",
        "SELECT ledger.recorded_at",
        *(f"SELECT ledger_checkpoint.{name}" for name in ("log_id", "size", "seen", "sealed_at")),
        *(f"SELECT ledger_witness.{name}" for name in ("log_id", "size")),
    },
    HISTORY: set(),
    WATCH: {
        *LEAF,
        "SELECT ledger.entry_id",
        "SELECT ledger.hash",
        *(
            f"UPDATE ledger_witness.{name}"
            for name in ("log_id", "size", "note", "parcel_digest", "witnessed_at")
        ),
        "SELECT inbox.notice_id",
        "SELECT inbox.sender",
        "SELECT inbox.parcel_id",
        "SELECT inbox.outcome",
        *(f"SELECT parcel.{name}" for name in ("parcel_id", "sender", "number", "digest", "received_at")),
        *(f"SELECT parcel.{name}" for name in ("notice_ids", "kinds")),
        "UPDATE numbering.highest",
    },
    CONTROL: {
        *LEAF,
        *WAITING,
        *(f"SELECT inbox.{name}" for name in ("notice_id", "sender", "parcel_id", "outcome", "code")),
        *(f"SELECT inbox.{name}" for name in ("answer", "redelivered")),
        *(
            f"SELECT parcel.{name}"
            for name in ("parcel_id", "sender", "number", "digest", "thumbprint", "received_at")
        ),
        "SELECT parcel.kinds",
        *(f"SELECT outbox.{name}" for name in ("notice_id", "outbox_id", "entered_at", "receipt_id")),
        "SELECT outbox.refused",
        *(f"SELECT receipt.{name}" for name in ("receipt_id", "parcel_digest", "received_at")),
        "UPDATE numbering.highest",
        "UPDATE number_reuse.settled_at",
        "UPDATE person.current",
        "UPDATE person.stays",
        "UPDATE person.version",
        "UPDATE person.waiting",
        "UPDATE person.coded",
        "UPDATE held.code",
        "SELECT history.person_id",
        "SELECT history.resident_code",
        "SELECT history.previous_code",
        "SELECT history.area",
        "SELECT history.record_key",
    },
}
# What no door may remove a row of.
KEPT = (
    "history", "ledger", "parcel", "receipt", "departure", "held", "person_key", "inbox", "person", "outbox",
)  # fmt: skip
FORBIDDEN = [
    *((role, f"UPDATE {table} SET {column} = {column}") for role in ROLES for table, column in (
        ("history", "name"), ("ledger", "payload"), ("parcel", "sealed"), ("inbox", "answer"),
        ("inbox", "fingerprint"), ("inbox", "outcome"), ("person_key", "person_id"), ("held", "sealed"),
        ("receipt", "signed"), ("outbox", "notice_id"), ("schema_migration", "version"),
    ) if (role, f"{table}.{column}") not in ((KEYS, "parcel.sealed"), (KEYS, "held.sealed"))),
    *((role, f"DELETE FROM {table}") for role in ROLES for table in KEPT
      if (role, table) not in ((CONTROL, "held"), (CONTROL, "person_key"))),
    *((role, f"TRUNCATE {table} CASCADE") for role in ROLES for table in KEPT),
    *((role, "CREATE TABLE loot ()") for role in ROLES),
    *((role, "ALTER TABLE history ADD COLUMN more text") for role in ROLES),
    *((role, "DROP PROCEDURE commit_batch") for role in ROLES),
    *((role, f"SELECT {what} FROM {table}{where}") for role in ROLES for table in ("inbox", "parcel")
      for what, where in (("fingerprint", ""), ("", " WHERE fingerprint = ''"))),
    *((role, f"INSERT INTO ledger ({column}) OVERRIDING SYSTEM VALUE VALUES (NULL)")
      for role in ROLES if role != NOTICES
      for column in ("entry_id", "recorded_at")),
    *((role, f"INSERT INTO outbox ({column}) VALUES (NULL)") for role in ROLES if role != NOTICES
      for column in ("receipt_id", "refused", "received_on")),
    (NOTICES, "SELECT value FROM person_key"),
    (NOTICES, "SELECT stays FROM person"),
    (NOTICES, "SELECT name FROM history"),
    (NOTICES, "SELECT sealed FROM held"),
    (NOTICES, "SELECT sealed FROM parcel"),
    (NOTICES, "SELECT signed FROM receipt"),
    (NOTICES, "SELECT payload FROM ledger"),
    (NOTICES, "SELECT name FROM outgoing"),
    (RELAY, "SELECT name FROM history"),
    (RELAY, "SELECT signed FROM receipt"),
    (RELAY, "SELECT payload FROM ledger"),
    (STATUS, "SELECT name FROM outgoing"),
    (RELAY, "INSERT INTO history SELECT * FROM history"),
    (RELAY, "INSERT INTO outbox (notice_id, person_id, version) VALUES (gen_random_uuid(), 1, 1)"),
    (RELAY, "SELECT answer FROM inbox"),
    (RELAY, "SELECT value FROM person_key"),
    (RELAY, "CALL commit_batch('{}', '{}', '{}', '{}')"),
    (RELAY, "SELECT nextval('person_number')"),
    (STATUS, "SELECT name FROM history"),
    (STATUS, "SELECT person_id FROM person"),
    (STATUS, "SELECT value FROM person_key"),
    (STATUS, "SELECT answer FROM inbox"),
    (STATUS, "SELECT sealed FROM held"),
    (STATUS, "SELECT payload FROM ledger"),
    (STATUS, "INSERT INTO ledger (hash, salt, payload) VALUES ('', '', '')"),
    (STATUS, "CALL commit_batch('{}', '{}', '{}', '{}')"),
    *((role, "SELECT keep_until FROM retention") for role in ROLES),
    (HISTORY, "INSERT INTO history SELECT * FROM history"),
    (HISTORY, "SELECT person_id FROM person"),
    (HISTORY, "SELECT sealed FROM held"),
    (HISTORY, "SELECT sealed FROM parcel"),
    (HISTORY, "SELECT answer FROM inbox"),
    (CONTROL, "SELECT name FROM history"),
    (CONTROL, "SELECT sealed FROM parcel"),
    (CONTROL, "SELECT payload FROM ledger"),
    (CONTROL, "UPDATE settlement SET operator = 'another'"),
    (CONTROL, "DELETE FROM settlement"),
    (STATUS, "SELECT operator FROM settlement"),
    (CONTROL, "INSERT INTO held (notice_id) VALUES (gen_random_uuid())"),
    (BRIDGE, "SELECT name FROM history"),
    (BRIDGE, "SELECT value FROM person_key"),
    (BRIDGE, "SELECT person_id FROM person"),
    (BRIDGE, "INSERT INTO ledger (hash, salt, payload) VALUES ('', '', '')"),
    (BRIDGE, "SELECT payload FROM ledger"),
    (BRIDGE, "CALL commit_batch('{}', '{}', '{}', '{}')"),
    (WATCH, "SELECT answer FROM inbox"),
    (WATCH, "SELECT name FROM history"),
    (WATCH, "SELECT sealed FROM held"),
    (WATCH, "SELECT sealed FROM parcel"),
    (WATCH, "SELECT * FROM parcel"),
    (WATCH, "SELECT thumbprint FROM parcel"),
    (WATCH, "UPDATE parcel SET kinds = kinds"),
    (WATCH, "INSERT INTO parcel SELECT * FROM parcel"),
    (WATCH, "CALL commit_batch('{}', '{}', '{}', '{}')"),
    (HISTORY, "CALL commit_batch('{}', '{}', '{}', '{}')"),
    (KEYS, "SELECT name FROM history"),
    (KEYS, "SELECT person_id FROM person"),
    (KEYS, "SELECT answer FROM inbox"),
    (KEYS, "SELECT payload FROM ledger"),
    (KEYS, "INSERT INTO parcel SELECT * FROM parcel"),
]  # fmt: skip


@pytest.fixture(scope="module", params=REGISTERS)
def dsn(pg: EmbeddedPostgres, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"roles_{request.param}"
    pg.psql("postgres", f"CREATE DATABASE {name} TEMPLATE template_{request.param}")
    yield pg.dsn(name)
    pg.psql("postgres", f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def juki(new_database: Callable[[str], str]) -> str:
    return new_database("juki")


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_not_do(dsn: str, role: str) -> None:
    async with session(dsn, role=role) as connection:
        for _, sql in (attempt for attempt in FORBIDDEN if attempt[0] == role):
            try:
                await connection.execute(sql)
            except asyncpg.InsufficientPrivilegeError:
                continue
            pytest.fail(f"{role} may {sql}")


async def test_the_table_of_rights_is_up_to_date(pg: EmbeddedPostgres) -> None:
    databases = {register: f"template_{register}" for register in REGISTERS}
    assert ROLES_PATH.read_text("utf-8") == roles_document(pg, databases), "run `make schemas`"


async def test_a_right_that_is_no_longer_granted_is_taken_back(new_database: Callable[[str], str]) -> None:
    dsn = new_database("juki")
    async with session(dsn) as owner:
        await owner.execute("GRANT SELECT ON history TO jukinet_relay")
        await migrate(dsn, "juki")
        assert not await owner.fetchval("SELECT has_table_privilege('jukinet_relay', 'history', 'SELECT')")


async def test_the_notices_role_cannot_read_back_a_sealed_number(juki: str) -> None:
    async with session(juki, role=NOTICES) as connection:
        for column in ("individual_number", "previous_number", "individual_number_index"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SELECT {column} FROM history")


async def test_the_relay_sees_a_sealed_number_only_while_it_waits(juki: str) -> None:
    """Also by a condition of its own that tells what it is tried on (the view is a barrier)."""
    async with session(juki) as owner:
        await owner.execute(_TWO_RECORDS)
    async with session(juki, role=RELAY) as relay:
        assert [r["individual_number"] for r in await relay.fetch("SELECT * FROM outgoing")] == [b"waits"]
        told: list[str] = []
        relay.add_log_listener(lambda _, message: told.append(message.message))
        await relay.execute(_TELLTALE)
        await relay.fetch("SELECT 1 FROM outgoing WHERE pg_temp.telltale(individual_number)")
        with pytest.raises(asyncpg.RestrictViolationError):
            await relay.execute("UPDATE outbox SET receipt_id = NULL")  # it may write it, and not undo it
    assert told == ["waits"]


_TWO_RECORDS = """
INSERT INTO person SELECT n, 1, 1, '{}', 0, true FROM generate_series(1, 2) AS n;
INSERT INTO history (person_id, version, notice_id, area, is_foreign, change, cause, event_date,
    resident_code, individual_number, individual_number_index, date_of_birth, address, name_gaiji,
    address_gaiji, notified_on)
    SELECT n, 1, md5(n::text)::uuid, '401315', false, 'entry', 'birth', '20261101', lpad(n::text, 11, '0'),
    CASE n WHEN 1 THEN 'sent' ELSE 'waits' END::bytea, '', '20261101', '', 0, 0, '2026-11-01'
    FROM generate_series(1, 2) AS n;
INSERT INTO receipt (parcel_digest, signed) VALUES ('', '');
INSERT INTO outbox (notice_id, person_id, version, receipt_id)
    SELECT md5(n::text)::uuid, n, 1, CASE n WHEN 1 THEN 1 END FROM generate_series(1, 2) AS n;
"""
# Cheap, so that the planner would try it first of all conditions if it might.
_TELLTALE = """
CREATE FUNCTION pg_temp.telltale(value bytea) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    RAISE WARNING '%', convert_from(value, 'UTF8');
    RETURN true;
END
$$
"""


EVENTS = {
    NOTICES: {"notice", "parcel_refused"},
    RELAY: {"relay_sent", "relay_receipted", "days_compared"},
    WATCH: {"number_reused", "days_compared", "checkpoint_conflict"},
    CONTROL: {"held_shown", "held_released", "held_decided_again", "held_rejected"}
    | {"maintenance_on", "maintenance_off", "numbers_settled", "log_begun"},
    KEYS: {"keys", "parcels_summarised"},
}
TELL = "INSERT INTO ledger (hash, salt, payload) VALUES (repeat('x', 32)::bytea, '', $1)"


@pytest.mark.parametrize("role", EVENTS)
async def test_a_role_adds_leaves_of_its_own_events_alone(dsn: str, role: str) -> None:
    """Nor of one event in front of another, nor of none."""
    every = {event for events in EVENTS.values() for event in events} | {"bridge_answered"}
    payloads = {json.dumps({"event": event}): event in EVENTS[role] for event in every}
    own = min(EVENTS[role])
    payloads |= {f'{{"event": "{own}", "event": "bridge_answered"}}': False, "{}": False, "[]": False}
    if role == NOTICES:
        payloads['{"code":"A100","event":"notice","id":"x"}'] = True
    async with session(dsn, role=role) as connection:
        for payload, allowed in payloads.items():
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(TELL, payload)
                assert allowed, payload
            except asyncpg.InsufficientPrivilegeError:
                assert not allowed, payload
            await transaction.rollback()


async def test_the_bridge_adds_leaves_of_the_bridge_alone(dsn: str) -> None:
    note = "SELECT bridge_note(ARRAY[ROW(repeat('x', 32)::bytea, '', $1)]::ledger_row[])"
    async with session(dsn, role=BRIDGE) as bridge:
        await bridge.execute(note, '{"event": "bridge_refused"}')
        for payload in ('{"event": "notice"}', "{}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await bridge.execute(note, payload)


@pytest.mark.parametrize("role", ROLES)
async def test_the_rights_of_a_role_on_tables(dsn: str, role: str) -> None:
    async with session(dsn) as owner:
        rows = await owner.fetch(
            "SELECT relname, p FROM pg_class, unnest($2::text[]) AS p"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')"
            " AND has_table_privilege($1, pg_class.oid, p)",
            role,
            ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"],
        )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["relname"], set()).add(row["p"])
    if role == STATUS and "fuhyo" not in dsn:
        assert found.pop("shared_number_look") == {"SELECT"}
    assert found == TABLE_RIGHTS[role]


@pytest.mark.parametrize("role", ROLES)
async def test_the_rights_of_a_role_on_columns(dsn: str, role: str) -> None:
    async with session(dsn) as owner:
        rows = await owner.fetch(
            "SELECT privilege_type || ' ' || relname || '.' || attname AS granted"
            " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl)"
            " WHERE grantee = $1::text::regrole",
            role,
        )
    granted = COLUMN_RIGHTS[role]
    if role == KEYS:  # each register has something sealed that the other has not
        other = "history." if "fuhyo" in dsn else "bridge_held."
        granted = {right for right in granted if other not in right}
    assert {row["granted"] for row in rows} == granted


ROUTINES = {
    NOTICES: {"commit_parcels", "commit_batch", "claim_keys", "move_person", "move_people", "parcel_number"}
    | {"person_number", "sealed_of", "under_ended_key", "hold_sealing", "people_of", "same_notices"},
    RELAY: {"relay_number", "lock_relay"},
    STATUS: {"speaks_for", "forget_process"},
    HISTORY: set(),
    CONTROL: {"settle_held", "claim_keys", "move_person", "move_people", "person_number", "people_of"}
    | {"hold_keys", "lock_numbers", "sealed_of"},
    WATCH: {"parcels_of_number", "lock_numbers"},
    KEYS: {"end_key", "lock_keys"},
    SEAL: {"lock_seal"},
    AUDIT: set(),
}
# What each register alone has: its side of the bridge, and numbers that residents may share.
OWN_ROUTINES = {
    "juki": {
        BRIDGE: {"bridge_find", "bridge_burn", "bridge_give", "bridge_note"},
        WATCH: {"look_for_shared_numbers", "shared_numbers"},
        STATUS: {"shared_numbers"},
    },
    "fuhyo": {
        BRIDGE: {"bridge_find", "bridge_open_case", "bridge_open", "bridge_asked", "bridge_confirm"}
        | {"bridge_settle", "bridge_deliver", "bridge_lines", "bridge_due", "bridge_erase", "bridge_note"}
        | {"bridge_cases"},
    },
}


@pytest.mark.parametrize("role", ROLES)
async def test_the_routines_and_sequences_of_a_role(dsn: str, role: str) -> None:
    async with session(dsn) as owner:
        rows = await owner.fetch(
            "SELECT proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND has_function_privilege($1, oid, 'EXECUTE')"
            " UNION ALL SELECT seqrelid::regclass::text FROM pg_sequence"
            " WHERE has_sequence_privilege($1, seqrelid, 'USAGE,UPDATE,SELECT')",
            role,
        )
    register = "fuhyo" if "fuhyo" in dsn else "juki"
    own = OWN_ROUTINES[register].get(role, set())
    assert {row["name"] for row in rows} == ROUTINES.get(role, set()) | own


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_no_login_and_has_no_powers(dsn: str, role: str) -> None:
    async with session(dsn) as owner:
        powers = await owner.fetchval(
            "SELECT rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
            " OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)"
            " FROM pg_roles WHERE rolname = $1",
            role,
        )
    assert powers is False


async def test_the_bridge_sees_no_table_and_asks_about_few_at_a_time(dsn: str) -> None:
    """What its functions give it: test_bridge_rights.py."""
    async with session(dsn, role=BRIDGE) as bridge:
        kept = await bridge.fetch(
            "SELECT relname FROM pg_class WHERE relname LIKE 'bridge\\_%' AND relkind = 'r'"
        )
        for row in kept:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await bridge.execute(f"SELECT FROM {row['relname']}")
        codes = [f"{number:011}" for number in range(101)]
        juki = await bridge.fetchval("SELECT min(register) = 'juki' FROM schema_migration")
        find = (
            "SELECT bridge_find($1)" if juki else "SELECT bridge_find(array_fill('code'::text, '{101}'), $1)"
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bridge.execute(find.replace("$1", "'{" + ",".join(codes) + "}'::text[]"))
    assert kept


async def test_the_functions_of_the_bridge_are_its_alone(dsn: str) -> None:
    async with session(dsn) as owner:
        rows = await owner.fetch(
            "SELECT proname, array_agg(DISTINCT grantee::regrole::text) AS who FROM pg_proc,"
            " aclexplode(proacl) WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'bridge\\_%'"
            " AND grantee <> proowner GROUP BY 1"
        )
    assert {tuple(row["who"]) for row in rows} == {(BRIDGE,)}

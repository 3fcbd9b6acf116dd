"""The logins of an installation's units: what each may become, and what none may do to the others."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.migrate import migrate
from support.store import session
from support.units import DOORS, ROOT, login_of, opened_by
from support.world import REGISTERS, postgres

ROLES_OF = {
    "notices": {"jukinet_notices", "jukinet_watch"},
    "national": {"jukinet_relay"},
    "control": {"jukinet_control"},
    "bridge": {"jukinet_bridge"},
    "seal": {"jukinet_seal"},
    "health": set[str](),
}
CLUSTER = ROOT / "packaging" / "cluster.sql"


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL prepared as an installation is, and migrated by the logins that own the databases."""
    with postgres() as server:
        server.psql("postgres", f"\\i '{CLUSTER}'")
        for register in REGISTERS:
            asyncio.run(migrate(server.dsn(register, f"jukinet-migrate-{register}"), register))
        yield server


@pytest.mark.parametrize("register", REGISTERS)
@pytest.mark.parametrize("service", DOORS)
async def test_a_login_may_become_only_its_roles(
    cluster: EmbeddedPostgres, service: str, register: str
) -> None:
    login = login_of(service, register)
    own = {"jukinet_status"}.union(*(ROLES_OF[section] for section in opened_by(service)))
    async with session(cluster.dsn(register, login)) as connection:
        roles = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'jukinet\\_%'")
        may = set()
        for role in (row["rolname"] for row in roles):
            try:
                await connection.execute(f"SET ROLE {role}")
            except asyncpg.InsufficientPrivilegeError:
                continue
            may.add(role)
        await connection.execute("RESET ROLE")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):  # and by itself it has no right at all
            await connection.execute("SELECT version FROM schema_migration")
    assert may == own
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with session(cluster.dsn("fuhyo" if register == "juki" else "juki", login)):
            pass


TELL = """INSERT INTO process (name, host, report, metrics) VALUES ($1, 'here', '{}', '')
ON CONFLICT (name, host) DO UPDATE SET told_at = clock_timestamp(), report = excluded.report"""
FORGED = (
    "UPDATE process SET report = '{}'",
    "UPDATE process SET metrics = ''",
    "UPDATE process SET told_at = now() + interval '1 year'",
    "SELECT forget_process(name, host) FROM process",
)


@pytest.mark.parametrize("service", DOORS)
async def test_a_login_tells_of_its_own_duties_alone(cluster: EmbeddedPostgres, service: str) -> None:
    """Elsewise one process in other hands could tell for the others, or make them fall silent."""
    logins = {name: login_of(name, "juki") for name in DOORS}
    names = {name: "+".join(opened_by(name)) for name in DOORS}
    for name in DOORS:
        async with session(cluster.dsn("juki", logins[name]), role="jukinet_status") as own:
            await own.execute(TELL, names[name])
    async with (
        session(cluster.dsn("juki")) as owner,
        session(cluster.dsn("juki", logins[service]), role="jukinet_status") as taken,
    ):
        before = await owner.fetch("SELECT * FROM process WHERE name <> $1 ORDER BY name", names[service])
        assert len(before) == len(DOORS) - 1
        others = [name for other, name in names.items() if other != service]
        for name in (*others, f"{names[service]}+{others[0]}", "", "nobody"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await taken.execute(TELL, name)
        for sql in FORGED:
            await taken.execute(sql)
        await taken.execute(TELL, names[service])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await taken.execute("UPDATE process SET name = $1", others[0])
        assert (
            await owner.fetch("SELECT * FROM process WHERE name <> $1 ORDER BY name", names[service])
            == before
        )
        await owner.execute("DELETE FROM process")


# Whatever takes an advisory lock, or makes a large object.
CLOSED = """
SELECT oid::regprocedure::text AS routine FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace
    AND (proname ~ 'advisory.*_lock' OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea'))
"""
# What takes such a lock for a duty, by the login that has the duty.
TURNS = {
    "jukinet-notices@.service": {
        "jukinet_notices": "CALL commit_batch('{}', '{}', '{}', '{}')",
        "jukinet_watch": "SELECT lock_numbers()",
    },
    "jukinet-relay@.service": {"jukinet_relay": "SELECT lock_relay()"},
    "jukinet-seal@.service": {"jukinet_seal": "SELECT lock_seal()"},
    "jukinet-host@.service": {"jukinet_control": "SELECT lock_numbers(), hold_keys('{}')"},
    "root": {"jukinet_keys": "SELECT lock_keys(), end_key(9)"},
}


@pytest.mark.parametrize("service", [*DOORS, "root"])
async def test_a_login_takes_the_locks_of_its_duty_and_no_others(
    cluster: EmbeddedPostgres, service: str
) -> None:
    """Elsewise any of them could keep all the others waiting, or fill the table of locks."""
    login = service if service == "root" else login_of(service, "juki")
    async with session(cluster.dsn("juki", login)) as taken:
        found = [row["routine"] for row in await taken.fetch(CLOSED)]
        assert len(found) == 16 + 3
        roles = await taken.fetch(
            "SELECT rolname FROM pg_roles WHERE pg_has_role(rolname, 'SET') AND NOT rolcanlogin"
        )
        for role in (login, *(row["rolname"] for row in roles)):
            await taken.execute(f'SET ROLE "{role}"')
            for routine in found:
                name, _, types = routine.removesuffix(")").partition("(")
                values = ", ".join(f"'1'::{kind}" for kind in types.split(","))
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await taken.execute(f"SELECT {name}({values})")
            for other, duties in TURNS.items():
                for doer, call in duties.items():
                    if role == doer:
                        assert other == service
                        await taken.execute(call)
                    elif "lock_numbers" not in call:
                        with pytest.raises(asyncpg.InsufficientPrivilegeError):
                            await taken.execute(call)


BOUND = 1 << 20
TELL_ALL = "INSERT INTO process (name, host, report, metrics) VALUES ($1, $2, $3, $4)"
KEEP = "INSERT INTO kept_crl (authority, number, issued_at, list) VALUES ($1, 1, now(), $2)"
OWN_ROWS = """
SELECT (SELECT count(*) FROM process WHERE login = session_user),
    (SELECT count(*) FROM kept_crl WHERE login = session_user)
"""


@pytest.mark.parametrize("service", DOORS)
async def test_a_login_keeps_no_more_than_so_much(cluster: EmbeddedPostgres, service: str) -> None:
    """Elsewise a process in other hands could fill the disk, or the memory of whoever reads its report."""
    own = "+".join(opened_by(service))
    login = cluster.dsn("juki", login_of(service, "juki"))
    async with session(login, role="jukinet_status") as taken:
        for told in (
            ("+".join([own] * 101), "here", "{}", ""),
            (own, "h" * 256, "{}", ""),
            (own, "here", f'"{"x" * (BOUND - 1)}"', ""),
            (own, "here", "{}", "x" * (BOUND + 1)),
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await taken.execute(TELL_ALL, *told)
        for authority, crl in (("a" * 101, b""), ("a", bytes(BOUND + 1))):
            with pytest.raises(asyncpg.CheckViolationError):
                await taken.execute(KEEP, authority, crl)
        for place in range(20):
            await taken.execute(TELL_ALL, own, f"host {place}", "{}", "")
            await taken.execute(KEEP, f"authority {place}", b"")
        assert [tuple(row) for row in await taken.fetch(OWN_ROWS)] == [(16, 16)]
        rows = await taken.fetch("SELECT host FROM process WHERE login = session_user")
        assert {row["host"] for row in rows} == {f"host {place}" for place in range(4, 20)}
    async with session(cluster.dsn("juki")) as owner:
        await owner.execute("DELETE FROM process; DELETE FROM kept_crl")


@pytest.mark.parametrize("service", DOORS)
async def test_a_login_makes_no_list_forgotten_that_another_keeps(
    cluster: EmbeddedPostgres, service: str
) -> None:
    """A revocation that was taken up once would be forgotten by the next start over an older file."""
    logins = {name: cluster.dsn("juki", login_of(name, "juki")) for name in DOORS}
    for dsn in logins.values():
        async with session(dsn, role="jukinet_status") as connection:
            await connection.execute(KEEP, "issuing", b"revoked")
    async with (
        session(cluster.dsn("juki")) as owner,
        session(logins[service], role="jukinet_status") as taken,
    ):
        await taken.execute("UPDATE kept_crl SET list = '', number = 1e30")
        for sql in (
            "DELETE FROM kept_crl",
            "DELETE FROM process",
            "UPDATE kept_crl SET authority = 'another'",
            "UPDATE kept_crl SET login = session_user",
            "INSERT INTO kept_crl SELECT * FROM kept_crl",
            "LOCK TABLE kept_crl",
            "LOCK TABLE process",
            "TRUNCATE kept_crl",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await taken.execute(f"BEGIN; {sql}")
            await taken.execute("ROLLBACK")
        async with taken.transaction():  # nor can it keep the others waiting
            await taken.execute("SELECT FROM kept_crl FOR UPDATE")
            await owner.execute("SET lock_timeout = '5s'")
            await owner.execute("UPDATE kept_crl SET number = 2 WHERE login <> $1", login_of(service, "juki"))
        kept = await owner.fetch("SELECT list FROM kept_crl WHERE number = 2")
        assert [row["list"] for row in kept] == [b"revoked"] * (len(DOORS) - 1)
        await owner.execute("DELETE FROM kept_crl")

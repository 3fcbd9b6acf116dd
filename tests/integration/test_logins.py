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
    "DELETE FROM process",
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

"""移行: brings a database to the schema of this program, in one transaction."""

import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from jukinet_daemon.schemas import schemas_folder
from jukinet_daemon.store.faults import StoreFault, store_faults

_FILE = re.compile(r"(?P<version>[0-9]{4})_(?P<words>[a-z_]+)(\.(?P<register>juki|fuhyo))?\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    version integer PRIMARY KEY,
    words text NOT NULL,
    register text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    words: str
    path: Path


def migrations_of(register: str) -> tuple[Migration, ...]:
    """The steps of a register in order: those of both and its own."""
    found = []
    for path in sorted((schemas_folder() / "postgres" / "migrations").glob("*.sql")):
        named = _FILE.fullmatch(path.name)
        if named is None:
            raise ValueError(f"{path.name}: a migration is named NNNN_words.sql or NNNN_words.register.sql")
        if named["register"] in (None, register):
            found.append(Migration(int(named["version"]), named["words"], path))
    return tuple(found)


def schema_version_of(register: str) -> int:
    """The schema version that this program works with."""
    return migrations_of(register)[-1].version


async def migrate(dsn: str, register: str) -> list[Migration]:
    """Applies what is missing and sets the roles' rights; gives what was applied.

    Raises StoreFault when the database is of another register, is newer than this program, or is away.
    """
    with store_faults():
        connection = await asyncpg.connect(dsn)
    try:
        with store_faults():
            return await _apply(connection, register)
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, register: str) -> list[Migration]:
    async with connection.transaction():
        # Two administrators at once: the second waits, then finds nothing left to do.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('jukinet migrate'))")
        await connection.execute(_TABLE)
        rows = await connection.fetch("SELECT version, register FROM schema_migration")
        done = _checked({row["version"]: row["register"] for row in rows}, register)
        missing = [step for step in migrations_of(register) if step.version not in done]
        for step in missing:
            await connection.execute(step.path.read_text("utf-8"))
            await connection.execute(
                "INSERT INTO schema_migration (version, words, register) VALUES ($1, $2, $3)",
                step.version,
                step.words,
                register,
            )
        await connection.execute((schemas_folder() / "postgres" / "roles.sql").read_text("utf-8"))
    return missing


def _checked(applied: dict[int, str], register: str) -> set[int]:
    others = set(applied.values()) - {register}
    if others:
        raise StoreFault(f"this database keeps the register {others.pop()}, not {register}")
    newer = set(applied) - {step.version for step in migrations_of(register)}
    if newer:
        raise StoreFault(f"the database has schema {max(newer)}, newer than this program's")
    return set(applied)

"""Fixtures of all suites: one PostgreSQL a run, a fresh database a test from a migrated template."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.migrate import migrate
from support.bridge import Bridged, bridged
from support.shared import HostileHouse, hostile_house
from support.store import session
from support.world import (
    REGISTERS,
    House,
    Pki,
    config_for,
    national_server,
    new_pki,
    postgres,
    write_keyring,
)

_numbers = count(1)


@pytest.fixture(scope="session")
def pg() -> Iterator[EmbeddedPostgres]:
    with postgres() as server:
        for register in REGISTERS:
            server.psql("postgres", f"CREATE DATABASE template_{register}")
            asyncio.run(migrate(server.dsn(f"template_{register}"), register))
        yield server


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return new_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the database that a module's `dsn` names."""
    async with session(dsn) as connection:
        yield connection


@pytest.fixture
def new_database(pg: EmbeddedPostgres) -> Iterator[Callable[[str], str]]:
    """Makes a fresh migrated database of a register and gives its DSN."""
    names = []

    def make(register: str) -> str:
        names.append(f"{register}_{next(_numbers)}")
        pg.psql("postgres", f"CREATE DATABASE {names[-1]} TEMPLATE template_{register}")
        return pg.dsn(names[-1])

    yield make
    for name in names:
        pg.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hostile(
    pg: EmbeddedPostgres, pki: Pki, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[HostileHouse]:
    """One server for all the cases of a module."""
    async with hostile_house(pg, pki, tmp_path_factory.mktemp("hostile")) as opened:
        yield opened


HouseMaker = Callable[..., Any]


@pytest.fixture
async def open_house(
    new_database: Callable[[str], str], pki: Pki, tmp_path: Path
) -> AsyncIterator[HouseMaker]:
    """Starts a server in this process, with a national server unless told otherwise."""
    async with AsyncExitStack() as stack:

        async def start(register: str = "juki", *, national: bool = True, **sections: Any) -> House:
            journal = tmp_path / f"national-{register}.ndjson"
            if national:
                url = await stack.enter_async_context(national_server(register, pki, journal))
                sections["national"] = {"url": url}
            dsn = new_database(register)
            config = config_for(register, pki, dsn, write_keyring(tmp_path), **sections)
            daemon = Daemon(config)
            await daemon.start()
            stack.push_async_callback(daemon.stop)
            return House(register, pki, config, daemon, dsn, journal)

        yield start


@pytest.fixture
async def bridge_world(
    new_database: Callable[[str], str], pki: Pki, tmp_path: Path
) -> AsyncIterator[Bridged]:
    """Both servers with the bridge between them."""
    dsns = {register: new_database(register) for register in REGISTERS}
    async with bridged(pki, dsns, tmp_path) as world:
        yield world

"""One server for all the cases of a module: each case leaves it as well as it found it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.wire.envelope import VerifyingKey
from support.notices import juki_change
from support.watch import versions
from support.world import FUKUOKA, House, Pki, config_for, write_keyring


@dataclass(frozen=True)
class HostileHouse:
    """A server, what its replies are verified with, and the notices that it was found to hold."""

    house: House
    key: VerifyingKey
    held: set[str] = field(default_factory=set)

    def number(self) -> int:
        """The next parcel number of 福岡市."""
        return next(self.house.numbers[FUKUOKA])

    async def all_well(self, *taken: str) -> None:
        """A new line is taken, and nothing but that and what was taken has come into the file."""
        notice = juki_change()
        async with self.house.line() as line:
            (answer,) = await line.tell(notice)
        assert answer.outcome == "ACCEPTED"
        found = set(await versions(self.house))
        new, before = found - self.held, set(self.held)
        self.held.update(found)
        assert before <= found
        assert new == {notice["id"], *taken}


@asynccontextmanager
async def hostile_house(pg: EmbeddedPostgres, pki: Pki, folder: Path) -> AsyncIterator[HostileHouse]:
    """A server with a database of its own."""
    name = f"hostile_{uuid4().hex}"
    pg.psql("postgres", f"CREATE DATABASE {name} TEMPLATE template_juki")
    daemon = Daemon(config := config_for("juki", pki, pg.dsn(name), write_keyring(folder)))
    await daemon.start()
    opened = House("juki", pki, config, daemon, pg.dsn(name), folder / "none")
    try:
        async with opened.line() as line:
            key = line.conversation._key
        yield HostileHouse(opened, key)
    finally:
        await daemon.stop()
        pg.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

"""壊れたディスク: a disk that fails or is slow: no false answer, health says so, it goes on by itself."""

import asyncio
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.notices import juki_change
from support.stall import house_on
from support.wellness import outcome, problem, well
from support.world import House, Pki, until

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: make disks")


@contextmanager
def own_postgres(settings: dict[str, str]) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of a test's own, with settings."""
    with tempfile.TemporaryDirectory() as name, EmbeddedPostgres(Path(name) / "data", settings) as server:
        yield server


def data_files(folder: str) -> list[Path]:
    """The files of a database's tables and indexes."""
    return list(Path(folder).iterdir())


@asynccontextmanager
async def injected(
    house: House, fault: str, calls: str = "fdatasync,pwrite64", files: Iterable[Path] = ()
) -> AsyncIterator[None]:
    """A fault in the system calls of every session of the register, on these files alone if any are named."""
    pids = [row["pid"] for row in await house.rows(_SESSIONS)]
    arguments = [word for pid in pids for word in ("-p", str(pid))]
    strace = await asyncio.create_subprocess_exec(
        *("strace", "-e", f"trace={calls}", "-e", f"inject={fault}", *arguments),
        *(word for file in files for word in ("-P", str(file))),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert strace.stderr is not None
    try:
        attached = 0
        while attached < len(pids):
            line = (await asyncio.wait_for(strace.stderr.readline(), 60)).decode()
            if "not permitted" in line or not line:
                pytest.skip("strace may not attach to PostgreSQL here")
            attached += bool(re.search(r"attached", line))
        reading = asyncio.create_task(strace.stderr.read())
        yield
    finally:
        if strace.returncode is None:
            strace.send_signal(signal.SIGINT)
        await strace.wait()
    await reading


# How PostgreSQL makes a data file longer: by zeroes, by one page, by many pages.
_GROWS = "pwritev,pwrite64,fallocate"

_SESSIONS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize("fault", ["fdatasync:error=EIO", "pwrite64:error=ENOSPC"])
async def test_a_disk_that_fails(pki: Pki, tmp_path: Path, fault: str) -> None:
    """PostgreSQL gives up rather than go on; its supervisor, here the test, starts it again."""
    settings = {"restart_after_crash": "off"}
    with own_postgres(settings) as server:
        async with house_on(server, pki, tmp_path) as house:
            notice = juki_change()
            async with house.line() as line:
                async with injected(house, fault):
                    (answer,) = await line.tell(notice)
                assert answer.outcome == "LATER"
            await problem(house, "the database commits nothing")

            async def ended() -> bool:
                return not server.running

            await until(ended, 60)
            await asyncio.to_thread(server.start)
            await well(house)
            async with house.line() as line:
                (answer,) = await line.tell(notice)
            assert answer.outcome == "ACCEPTED"
            assert await outcome(house) == "ACCEPTED"
            # No answer never meant not applied: the row may have been there, and is there once.
            assert (await house.rows("SELECT count(*) FROM history"))[0]["count"] == 2


async def test_a_data_file_that_cannot_grow(pki: Pki, tmp_path: Path) -> None:
    """The log has room and the tables have none: PostgreSQL goes on, nothing is answered but LATER."""
    with own_postgres({}) as server:
        async with house_on(server, pki, tmp_path) as house:
            notice = juki_change()
            folder = (
                await house.rows(
                    "SELECT current_setting('data_directory') || '/base/' || oid AS f"
                    " FROM pg_database WHERE datname = current_database()"
                )
            )[0]["f"]
            async with house.line() as line:
                async with injected(house, f"{_GROWS}:error=ENOSPC", _GROWS, data_files(folder)):
                    (answer,) = await line.tell(notice)
                assert answer.outcome == "LATER"
            await problem(house, "notices cannot be committed")
            assert (await house.rows("SELECT count(*) FROM history"))[0]["count"] == 0
            async with house.line() as line:
                (answer,) = await line.tell(notice)
            assert answer.outcome == "ACCEPTED"
            assert server.running
            assert (await house.rows("SELECT count(*) FROM history"))[0]["count"] == 1
            await well(house)


async def test_a_disk_that_is_slow(pki: Pki, tmp_path: Path) -> None:
    with own_postgres({}) as server:
        async with house_on(server, pki, tmp_path) as house:
            async with injected(house, "fdatasync:delay_exit=500000"):
                assert await outcome(house) == "ACCEPTED"
                await problem(house, "commits are slow")
            await well(house)

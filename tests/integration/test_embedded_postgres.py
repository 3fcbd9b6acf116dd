"""The embedded PostgreSQL: safe as the server itself reports it, and there again after any end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from jukinet_daemon.sim.postgres import EmbeddedPostgres, PostgresFault

SAFE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "data_checksums": "on",
    "wal_compression": "off",
    "listen_addresses": "",
    "max_connections": "100",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "server_encoding": "UTF8",
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "ISO, YMD",
}


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("one") / "a folder with 空白") as server:
        yield server


def _ended(pid: int) -> bool:
    """Whether the process is gone (a zombie has ended too: its parent may be an init that reaps late)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 30
    while not _ended(pid):
        assert time.monotonic() < deadline, f"process {pid} still lives"
        time.sleep(0.01)


def test_the_server_reports_safe_settings(postgres: EmbeddedPostgres) -> None:
    reported = {name: postgres.psql("postgres", f"SHOW {name}") for name in SAFE}
    assert reported == SAFE


def test_text_is_stored_in_the_c_collation(postgres: EmbeddedPostgres) -> None:
    query = "SELECT datcollate, datctype FROM pg_database WHERE datname = current_database()"
    assert postgres.psql("postgres", query) == "C|C"


def test_only_the_socket_lets_in_and_by_trust(postgres: EmbeddedPostgres) -> None:
    rules = postgres.psql("postgres", "SELECT DISTINCT type, auth_method FROM pg_hba_file_rules ORDER BY 1")
    assert rules.splitlines() == ["host|reject", "local|trust"]


async def test_asyncpg_understands_the_dsn(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        assert await connection.fetchval("SELECT current_user::text") == "postgres"
    finally:
        await connection.close()


def test_psql_tells_the_first_error(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresFault, match="division by zero"):
        postgres.psql("postgres", "SELECT 1; SELECT 1/0; SELECT 2")


def test_psql_carries_any_character(postgres: EmbeddedPostgres) -> None:
    assert postgres.psql("postgres", "SELECT '髙橋 葛\U000e0100'") == "髙橋 葛\U000e0100"


def test_no_value_reaches_the_log(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresFault):
        postgres.psql(
            "postgres", "CREATE TEMP TABLE t (n text UNIQUE); INSERT INTO t VALUES ('値七'), ('値七')"
        )
    log = postgres.log_file.read_text()
    assert "duplicate key" in log
    assert "値七" not in log


def test_programs_of_the_wheel(postgres: EmbeddedPostgres) -> None:
    assert os.access(postgres.binary("pgbench"), os.X_OK)
    with pytest.raises(PostgresFault, match="no-such-program"):
        postgres.binary("no-such-program")


def test_a_second_start_is_refused_clearly(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresFault, match=f"already running as process {postgres.pid}"):
        postgres.start()
    second = EmbeddedPostgres(postgres.folder)
    with pytest.raises(PostgresFault, match=r'"postmaster\.pid" already exists'):
        second.start()
    assert not second.running
    assert postgres.psql("postgres", "SELECT 1") == "1"


def test_two_at_once(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "other") as other:
        other.psql("postgres", "CREATE DATABASE only_here")
        assert postgres.pid != other.pid
        count = "SELECT count(*) FROM pg_database WHERE datname = 'only_here'"
        assert (postgres.psql("postgres", count), other.psql("postgres", count)) == ("0", "1")


def test_data_survives_a_killed_postmaster(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        server.psql("postgres", "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        dsn, pid = server.dsn(), server.pid
        os.kill(pid, signal.SIGKILL)
        _wait_for_end(pid)
        assert not server.running
        server.start()
        assert (server.dsn(), server.psql("postgres", "SELECT n FROM kept")) == (dsn, "7")
        server.kill()
        server.start()
        assert server.psql("postgres", "SELECT n FROM kept") == "7"


def test_stop_can_be_repeated_and_the_data_is_kept(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "new" / "folder", {"work_mem": "7MB"})
    server.stop()
    with server:
        server.psql("postgres", "CREATE TABLE kept ()")
        assert server.psql("postgres", "SHOW work_mem") == "7MB"
    server.stop()
    for use_of_a_stopped in (lambda: server.pid, server.dsn):
        with pytest.raises(PostgresFault):
            use_of_a_stopped()
    with server:
        assert server.psql("postgres", "SELECT count(*) FROM kept") == "0"


def test_a_folder_too_long_for_a_socket(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / ("a, b " + "長" * 40)) as server:
        dsn = server.dsn()
        server.kill()
        server.start()
        assert server.dsn() == dsn
        sockets = Path(server.psql("postgres", "SHOW unix_socket_directories").strip('"'))
        assert sockets.is_dir()
    assert not sockets.exists()


def test_a_wrong_setting_is_told_with_the_log(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, {"shared_buffers": "plenty"})
    with pytest.raises(PostgresFault, match="invalid value for parameter"):
        server.start()
    assert not server.running


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from jukinet_daemon.sim.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(pathlib.Path(sys.argv[1])); server.start()\n"
        "print(server.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    _wait_for_end(pid)
    assert "received fast shutdown request" in (tmp_path / "postgres.log").read_text()


def test_import_is_silent() -> None:
    command = [sys.executable, "-W", "error", "-c", "import jukinet_daemon.sim.postgres"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")

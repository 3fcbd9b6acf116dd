"""A PostgreSQL 18 of one's own, from the wheel, with settings that lose and leak nothing.

The server runs as a direct child of the caller, so that a test can kill it by process id, and accepts only
its own Unix socket. PostgreSQL refuses to run as root; started by root it runs as the wheel's account.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self
from urllib.parse import quote

from .postgres_settings import SAFE_SETTINGS, configuration
from .postgres_wheel import ENVIRONMENT, PostgresFault, admit, binary, hand_over, identity, run

__all__ = ["SAFE_SETTINGS", "EmbeddedPostgres", "PostgresFault"]

_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 30.0
_POLL_S = 0.01
_TAIL_LINES = 20
_SUN_PATH_BYTES = 107
_SOCKET_NAME = ".s.PGSQL.5432"
_INITDB = (
    "--data-checksums",
    "--encoding=UTF8",
    "--locale=C",
    "--username=postgres",
    "--auth-local=trust",
    "--auth-host=reject",
    "--no-instructions",
)
# What a server killed a moment ago leaves behind until its last child has noticed.
_MEMORY_STILL_HELD = "is still in use"
# The pipe closes when our process ends, in whatever way. PR_SET_PDEATHSIG would follow the thread that
# started the server, and so stop a server that asyncio.to_thread had started.
_LIFELINE = 'read -r _; [ "$(cat "/proc/$1/comm")" = postgres ] && kill -INT "$1"'


class EmbeddedPostgres:
    """One PostgreSQL in `folder`, made there when the folder has none and kept there when it stops.

    Takes the folder (it may not exist yet) and settings that add to or replace SAFE_SETTINGS. Use one object
    from one thread at a time. As a context manager it starts and stops. Should our process end without
    stopping it, it shuts down by itself.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        self.folder = folder.resolve()
        self.log_file = self.folder / "postgres.log"
        self._data = self.folder / "pgdata"
        self._settings = {**SAFE_SETTINGS, **settings}
        self._server: subprocess.Popen[bytes] | None = None
        self._lifeline: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None

    def start(self) -> None:
        """Start the server, also one that was killed, and wait until it accepts connections; blocks.

        Raises PostgresFault, with the end of the log, when it runs already or is not up in a minute.
        """
        if self.running:
            raise PostgresFault(f"PostgreSQL in {self.folder} is already running as process {self.pid}")
        self._forget()
        try:
            self._prepare()
            self._launch_until_ready()
            self._lifeline = _watch(self.pid)
        except BaseException:
            self.kill()
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down: end every session, write everything, end. Does nothing when it is not running."""
        if self._server is not None and not self._ends_upon(self._server, signal.SIGINT):
            self._ends_upon(self._server, signal.SIGQUIT)
        self.kill()
        if self._socket_folder not in (None, self._data):
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._socket_folder = None

    def kill(self) -> None:
        """End the server as `kill -9` does and wait for its end. Does nothing when it is not running."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        self._forget()

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """Give the libpq URI of a database here, good until stop; raise PostgresFault when not started."""
        if self._socket_folder is None:
            raise PostgresFault(f"PostgreSQL in {self.folder} is not started")
        names = f"{quote(user, safe='')}@/{quote(database, safe='')}"
        return f"postgresql://{names}?host={quote(str(self._socket_folder))}"

    def psql(self, database: str, sql: str) -> str:
        """Run a script in psql and give what it prints, unaligned and without headings.

        Raises PostgresFault with the server's message at the first statement that fails.
        """
        options = ("-AtXq", "-v", "ON_ERROR_STOP=1", "-f", "-", self.dsn(database))
        return run([self.binary("psql"), *options], sql).removesuffix("\n")

    def binary(self, name: str) -> Path:
        """Give the path of a program of the wheel, such as pgbench; raise PostgresFault if there is none."""
        return binary(name)

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        return self._server is not None and self._server.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the postmaster. Raises PostgresFault when it is not running."""
        if self._server is None or self._server.poll() is not None:
            raise PostgresFault(f"PostgreSQL in {self.folder} is not running")
        return self._server.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        admit(self.folder)
        if not self._data.exists():
            self._initialise()
        self._socket_folder = self._socket_folder or self._choose_socket_folder()
        self._write_settings(self._socket_folder)

    def _initialise(self) -> None:
        """Build beside and rename, so that an initdb cut short never looks like a database."""
        draft = self.folder / "pgdata.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        hand_over(draft)
        run([binary("initdb"), *_INITDB, "--pgdata", draft], cwd=draft, **identity())
        draft.rename(self._data)

    def _choose_socket_folder(self) -> Path:
        """The data folder if its name fits a socket address and is no list to libpq, else a short one."""
        if len(os.fsencode(self._data / _SOCKET_NAME)) <= _SUN_PATH_BYTES and "," not in str(self._data):
            return self._data
        folder = Path(tempfile.mkdtemp(prefix="jukinet-"))
        hand_over(folder)
        return folder

    def _write_settings(self, socket_folder: Path) -> None:
        path = self._data / "postgresql.conf"
        sockets = {"unix_socket_directories": f'"{socket_folder}"'}
        path.write_text(configuration(self._settings | sockets), "utf-8")
        hand_over(path)

    def _launch_until_ready(self) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        while (complaint := self._launch(deadline)) is not None:
            if _MEMORY_STILL_HELD not in complaint or time.monotonic() >= deadline:
                raise PostgresFault(f"PostgreSQL in {self.folder} did not start; its log ends:\n{complaint}")
            time.sleep(_POLL_S)

    def _launch(self, deadline: float) -> str | None:
        """Start once; give None when it is ready, else the end of what it wrote to the log."""
        with self.log_file.open("ab") as log:
            log_start = log.tell()
            self._server = self._spawn(log)
        while self.running and time.monotonic() < deadline:
            if self._ready(self._server.pid):
                return None
            time.sleep(_POLL_S)
        return self._log_since(log_start)

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        # A group of its own: Ctrl-C at a terminal is for us, who then stop the server in order.
        return subprocess.Popen(
            [binary("postgres"), "-D", self._data],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self._data,
            env=ENVIRONMENT,
            process_group=0,
            **identity(),
        )

    def _ready(self, pid: int) -> bool:
        """Whether postmaster.pid is of this child, not of one killed before, and says that it is up."""
        try:
            lines = (self._data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) == 8 and lines[0] == str(pid) and lines[7].strip() in ("ready", "standby")

    def _log_since(self, position: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(position)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def _ends_upon(self, server: subprocess.Popen[bytes], request: signal.Signals) -> bool:
        server.send_signal(request)
        try:
            server.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _forget(self) -> None:
        """Drop the server that has ended, and its lifeline before the process id can be another's."""
        if self._lifeline is not None:
            self._lifeline.kill()
            self._lifeline.communicate()
        self._lifeline = self._server = None


def _watch(pid: int) -> subprocess.Popen[bytes]:
    command = ["/bin/sh", "-c", _LIFELINE, "lifeline", str(pid)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0)

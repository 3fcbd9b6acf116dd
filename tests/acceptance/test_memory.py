"""The memory of a server is its own: no core file of it anywhere, no look into it by another process."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.canary import NUMBER_MARK, found
from support.world import Pki

from .conftest import config_text

NOBODY = 65534
_IMPORT = "from jukinet_daemon.memory import keep_private; "
_KEPT = _IMPORT + "keep_private(); "
_WAIT = f"mark = {NUMBER_MARK!r} + '000'; print('up', flush=True); input()"


@pytest.fixture
def any_core() -> Iterator[None]:
    """Every process that is started may leave a core file of any size."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, PermissionError):
        pytest.skip("this account may not lift its limit of core files")
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (before[0], resource.RLIM_INFINITY))


@contextmanager
def running(*command: str, folder: Path, **environment: str) -> Iterator[int]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | environment,
    )
    try:
        assert process.stdout
        if not environment:
            assert process.stdout.readline() == b"up\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def killed(pid: int, number: signal.Signals) -> bool:
    """Ends a process by a signal; gives whether the kernel dumped it, to a file or to a program."""
    os.kill(pid, number)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == number
    return os.WCOREDUMP(status)


def seen_by_nobody(pid: int) -> bool:
    """Whether an unprivileged account may open the memory of a process."""
    look = ("dd", f"if=/proc/{pid}/mem", "count=0")
    return subprocess.run(look, user=NOBODY, capture_output=True, check=False).returncode == 0


@pytest.mark.usefixtures("any_core")
@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_a_server_that_crashes_leaves_no_core(
    new_database: Callable[[str], str], pki: Pki, tmp_path: Path, number: signal.Signals
) -> None:
    config, address = tmp_path / "juki.toml", str(tmp_path / "notify")
    ports = {"notices": 0, "health": 0}
    config.write_text(config_text("juki", pki, new_database("juki"), tmp_path, ports), "utf-8")
    command = (sys.executable, "-m", "jukinet_daemon.cli.jukinetd", "--config", str(config))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(address)
        ready.settimeout(60)
        with running(*command, folder=tmp_path, NOTIFY_SOCKET=address) as pid:
            while b"READY=1" not in ready.recv(4096):
                pass
            if os.geteuid() == 0:
                assert not seen_by_nobody(pid)
            assert not killed(pid, number)
    assert list(tmp_path.glob("core*")) == []


@pytest.mark.usefixtures("any_core")
def test_not_even_without_a_limit(tmp_path: Path) -> None:
    """A program that takes cores whatever the limit gets nothing either."""
    unlimited = "import resource; resource.setrlimit = lambda *_: None; "
    with running(sys.executable, "-c", unlimited + _KEPT + _WAIT, folder=tmp_path) as pid:
        assert not killed(pid, signal.SIGSEGV)
    assert list(tmp_path.glob("core*")) == []


@pytest.mark.usefixtures("any_core")
def test_a_core_would_be_found_and_searched(tmp_path: Path) -> None:
    with running(sys.executable, "-c", _WAIT, folder=tmp_path) as pid:
        dumped = killed(pid, signal.SIGSEGV)
    if not dumped:
        pytest.skip("nothing leaves a core file on this machine")
    for core in tmp_path.glob("core*"):
        assert NUMBER_MARK in found(core.read_bytes())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another account")
def test_nobody_of_the_same_account_sees_its_memory(tmp_path: Path) -> None:
    # Whoever changes its account is not dumpable; as if it had been started under it.
    begin = f"import ctypes, os; {_IMPORT}os.setuid({NOBODY}); ctypes.CDLL(None).prctl(4, 1, 0, 0, 0); "
    with running(sys.executable, "-c", begin + _WAIT, folder=tmp_path) as open_one:
        if not seen_by_nobody(open_one):
            pytest.skip("this kernel lets no process see another's memory")
    with running(sys.executable, "-c", begin + "keep_private(); " + _WAIT, folder=tmp_path) as kept_one:
        assert not seen_by_nobody(kept_one)

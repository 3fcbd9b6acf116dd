"""相手の運転: nginx and granian as processes on loopback, with the daemon's own certificate."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.peers import install
from benchmarks.stage import Stage
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.pki import tls_files
from jukinet_daemon.sim.ports import free_port

_START_S = 30.0
_STOP_S = 15.0
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Peer:
    """The peer, ready: where nginx listens, and the process ids to account for."""

    port: int
    pids: dict[str, int]


@asynccontextmanager
async def serving(stage: Stage, database: str) -> AsyncIterator[Peer]:
    """Runs the peer on a database. Raises CannotInstall, TimeoutError."""
    nginx = await asyncio.to_thread(install.nginx)
    python = await asyncio.to_thread(install.python)
    folder = stage.folder / "peer"
    folder.mkdir(exist_ok=True)
    port, application_port = free_port(), free_port()
    configuration = _configure(stage, folder, port, application_port)
    granian: list[str | Path] = [
        *(python, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1"),
        *("--port", str(application_port), "--workers", str(WORKERS), "--loop", "uvloop", "--no-ws"),
        *("--log-level", "warning", "--working-dir", install.HERE, "app:app"),
    ]
    async with AsyncExitStack() as stack:
        dsn = {"PEER_DSN": stage.postgres.dsn(database)}
        application = stack.enter_context(_running(granian, folder / "granian.log", dsn))
        front = stack.enter_context(
            _running([nginx, "-c", configuration, "-p", folder], folder / "nginx.log", {})
        )
        await _ready(f"http://127.0.0.1:{application_port}/ready")
        yield Peer(port, {"granian": application.pid, "nginx": front.pid})


def _configure(stage: Stage, folder: Path, port: int, application_port: int) -> Path:
    files = tls_files(stage.pki, Role.PREF, "juki")
    authorities = folder / "authorities.pem"
    # The issuing CA's certificate follows the leaf in the chain; nginx wants all CAs of the clients.
    chain = files.certificate.read_text("ascii").partition("-----END CERTIFICATE-----\n")[2]
    authorities.write_text(files.ca.read_text("ascii") + chain, "ascii")
    text = (install.HERE / "nginx.conf").read_text("utf-8")
    path = folder / "nginx.conf"
    path.write_text(
        text.format(
            folder=folder.absolute(),
            port=port,
            application_port=application_port,
            certificate=files.certificate.absolute(),
            key=files.key.absolute(),
            authorities=authorities.absolute(),
        ),
        "utf-8",
    )
    return path.absolute()


@contextmanager
def _running(
    command: list[str | Path], log: Path, environment: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def _ready(url: str) -> None:
    async with asyncio.timeout(_START_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)

"""Fixtures of the acceptance suite: programs as processes of their own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.demo.children import Child, ReadySocket
from support.world import PREFECTURE, TRUST_DOMAIN, Pki, write_keyring


def config_text(register: str, pki: Pki, dsn: str, folder: Path, ports: dict[str, int]) -> str:
    """A configuration file with every door."""
    files = pki.files(Role.PREF, register)
    return f"""
register = "{register}"
prefecture = "{PREFECTURE}"
trust_domain = "{TRUST_DOMAIN}"
[database]
dsn = "{dsn}"
[tls]
certificate = "{files.certificate}"
key = "{files.key}"
ca = "{files.ca}"
crl = "{files.crl}"
[keys]
ring = "{write_keyring(folder)}"
[notices]
listen = "127.0.0.1:{ports["notices"]}"
[health]
listen = "127.0.0.1:{ports["health"]}"
[control]
socket = "{folder}/control.sock"
"""


async def run(module: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Runs a program of ours to its end; gives exit status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"jukinet_daemon.cli.{module}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode or 0, output.decode(), errors.decode()


@pytest.fixture
async def start_daemon(tmp_path: Path) -> AsyncIterator[Callable[[Path], Any]]:
    """Starts jukinetd with a configuration, waits for READY=1, and stops it at the end."""
    children: list[Child] = []

    async def start(config: Path) -> Child:
        child = Child("jukinetd", tmp_path)
        ready = ReadySocket(tmp_path / "notify")
        children.append(child)
        await child.start(
            "jukinet_daemon.cli.jukinetd",
            "--config",
            str(config),
            environment={"NOTIFY_SOCKET": str(ready.path)},
        )
        await ready.wait_ready(child)
        return child

    yield start
    for child in children:
        await child.stop()


def addresses_in(log: Path) -> dict[str, str]:
    """The addresses that a daemon says in its log when it is ready."""
    for line in log.read_text("utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "ready":
            addresses: dict[str, str] = event["addresses"]
            return addresses
    raise AssertionError("the daemon never said it was ready")

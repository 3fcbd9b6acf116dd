"""The running daemon shakes hands with X25519, P-256 and P-384 and with no other group, on a bare start."""

import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.pki.groups import OTHERS, OURS, SETTINGS, VARIABLE
from jukinet_daemon.pki.peer import Role
from support.world import FUKUOKA, Pki, until

from .conftest import addresses_in, config_text, run

ANY_PORTS = {"notices": 0, "health": 0}


@pytest.fixture
def config(tmp_path: Path, pki: Pki, new_database: Callable[[str], str]) -> Path:
    path = tmp_path / "juki.toml"
    path.write_text(config_text("juki", pki, new_database("juki"), tmp_path, ANY_PORTS), "utf-8")
    return path


# With OpenSSL's settings of its own: Python 3.11.2 itself cannot be told to offer X25519 or X448 alone.
_CLIENT = """
import socket, ssl, sys
host, port, certificate, key, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.check_hostname = False
context.load_cert_chain(certificate, key)
try:
    with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain) as line:
        line.sendall(b"GET /elsewhere HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        print(line.makefile().readline())
except (ssl.SSLError, ConnectionError) as fault:
    print("not admitted:", fault)
"""


async def _admitted(address: str, pki: Pki, group: str, folder: Path) -> bool:
    settings = folder / f"{group}.cnf"
    settings.write_text(re.sub("(?m)^Groups = .*", f"Groups = {group}", SETTINGS.read_text("utf-8")), "utf-8")
    files, (host, _, port) = pki.files(Role.CS, FUKUOKA), address.rpartition(":")
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CLIENT, host, port, files.certificate, files.key, files.ca),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {VARIABLE: str(settings)},
    )
    said, _ = await client.communicate()
    assert client.returncode == 0
    return b" 404 " in said


async def test_three_groups_and_no_others(
    config: Path,
    pki: Pki,
    start_daemon: Callable[[Path], Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("OPENSSL_CONF", raising=False)
    child = await start_daemon(config)
    address = addresses_in(child.log)["notices"]
    taken = {group: await _admitted(address, pki, group, tmp_path) for group in (*OURS, *OTHERS)}
    assert taken == dict.fromkeys(OURS, True) | dict.fromkeys(OTHERS, False)

    async def refused_each() -> bool:
        told: str = child.log.read_text()
        return told.count('"tls_broke"') == len(OTHERS)

    await until(refused_each)  # the peer's end of a handshake is over before ours is told of


async def test_it_does_not_start_with_other_groups(config: Path, tmp_path: Path) -> None:
    settings = tmp_path / "other.cnf"
    settings.write_text("# nothing about groups\n")
    status, _, errors = await run("jukinetd", "--config", str(config), OPENSSL_CONF=str(settings))
    assert status == os.EX_CONFIG
    assert "secp521r1, X448" in errors

"""The running daemon shakes hands with X25519, P-256 and P-384 and with no other group, on a bare start."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.pki.groups import OTHERS, OURS
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from support.world import FUKUOKA, Pki, until

from .conftest import addresses_in, config_text, run

ANY_PORTS = {"notices": 0, "health": 0}


@pytest.fixture
def config(tmp_path: Path, pki: Pki, new_database: Callable[[str], str]) -> Path:
    path = tmp_path / "juki.toml"
    path.write_text(config_text("juki", pki, new_database("juki"), tmp_path, ANY_PORTS), "utf-8")
    return path


async def _admitted(address: str, pki: Pki, group: str) -> bool:
    context = client_context(pki.files(Role.CS, FUKUOKA))
    context.set_ecdh_curve(group)
    host, _, port = address.rpartition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname="x")
    except (ssl.SSLError, ConnectionError):
        return False
    writer.write(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return b" 404 " in line


async def test_three_groups_and_no_others(
    config: Path, pki: Pki, start_daemon: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENSSL_CONF", raising=False)
    child = await start_daemon(config)
    address = addresses_in(child.log)["notices"]
    taken = {group: await _admitted(address, pki, group) for group in (*OURS, *OTHERS)}
    assert taken == dict.fromkeys(OURS, True) | dict.fromkeys(OTHERS, False)

    async def refused_each() -> bool:
        told: str = child.log.read_text()
        return told.count('"tls_broke"') == len(OTHERS)

    await until(refused_each)  # the peer's end of a handshake is over before ours is told of


async def test_it_does_not_start_with_other_groups(config: Path, tmp_path: Path) -> None:
    settings = tmp_path / "other.cnf"
    settings.write_text("# nothing about groups\n")
    status, _, errors = await run("jukinetd", "--config", str(config), OPENSSL_CONF=str(settings))
    assert status == 1
    assert "secp521r1, X448" in errors

"""A process opens only the doors it is told to, on the sockets that were passed to it."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from jukinet_daemon.sim.demo.children import ChildFault
from support.activation import activated_daemon
from support.world import Pki

from .conftest import config_text, run


@pytest.fixture
def config(tmp_path: Path, pki: Pki, new_database: Callable[[str], str]) -> Path:
    path = tmp_path / "juki.toml"
    ports = {"notices": 1, "health": 1}  # nobody may listen there: it would fail
    path.write_text(config_text("juki", pki, new_database("juki"), tmp_path, ports), "utf-8")
    return path


async def test_a_door_opens_on_the_socket_that_was_passed(config: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as passed:
        address = "{}:{}".format(*passed.getsockname())
        async with activated_daemon(config, tmp_path, [("health", passed)], "health") as child:
            async with aiohttp.ClientSession() as session:
                report = await (await session.get(f"http://{address}/healthz")).json()
            events = [json.loads(line) for line in child.log.read_text("utf-8").splitlines()]
    assert report["register"] == "juki"
    assert [event["addresses"] for event in events if event["event"] == "ready"] == [{"health": address}]


async def test_a_control_socket_is_passed_too(config: Path, tmp_path: Path) -> None:
    path = tmp_path / "passed.sock"
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(str(path))
        passed.listen()
        async with activated_daemon(config, tmp_path, [("control", passed)], "control"):
            connector = aiohttp.UnixConnector(str(path))
            async with aiohttp.ClientSession(connector=connector) as session:
                report = await (await session.get("http://control/status")).json()
    assert report["register"] == "juki"
    assert path.is_socket()  # it is the service manager's; a stop leaves it to the next process


async def test_a_socket_for_a_door_that_is_not_opened_here_is_refused(config: Path, tmp_path: Path) -> None:
    refused = pytest.raises(ChildFault, match="doors not opened here: notices")
    with socket.create_server(("127.0.0.1", 0)) as passed, refused:
        async with activated_daemon(config, tmp_path, [("notices", passed)], "health"):
            pass


async def test_only_names_sections_that_are_there(config: Path, tmp_path: Path) -> None:
    status, _, errors = await run("jukinetd", "--config", str(config), "--only", "national")
    assert (status, "[national]" in errors) == (os.EX_CONFIG, True)

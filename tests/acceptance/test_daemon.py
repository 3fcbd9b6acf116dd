"""jukinetd and jukinetctl as processes: start, status, stop, and what they say when they cannot."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.notices import juki_change
from support.world import FUKUOKA, CsLine, Pki, until

from .conftest import addresses_in, config_text, run

ANY_PORTS = {"notices": 0, "health": 0}
FAILING = """
import sys
from jukinet_daemon.cli import jukinetd

async def serve(*_):
    raise jukinetd.DutyFault("seal: ValueError")

jukinetd.serve = serve
sys.exit(jukinetd.main())
"""


@pytest.fixture
def config(tmp_path: Path, pki: Pki, new_database: Callable[[str], str]) -> Path:
    path = tmp_path / "juki.toml"
    path.write_text(config_text("juki", pki, new_database("juki"), tmp_path, ANY_PORTS), "utf-8")
    return path


async def test_it_starts_serves_and_stops_cleanly(
    config: Path, pki: Pki, start_daemon: Callable[[Path], Any]
) -> None:
    child = await start_daemon(config)
    address = addresses_in(child.log)["notices"]
    caller = pki.caller(Role.CS, FUKUOKA, "juki")
    async with call(f"wss://{address}/notices", caller) as conversation:
        line = CsLine("juki", FUKUOKA, caller, conversation)
        (answer,) = await line.tell(juki_change())
        assert answer.outcome == "ACCEPTED"
        status, output, _ = await run("jukinetctl", "status", "--config", str(config), "--json")
        report = json.loads(output)
        assert status == 0, report["problems"]
        assert report["doors"]["notices"]["connections"] == 1
        assert len(report["municipalities"]) == 60
        # SIGTERM: the parcel that was taken is answered before the line closes
        await conversation.send(line.parcel(*(juki_change() for _ in range(100))))
        os.kill(child.pid, signal.SIGTERM)
        try:
            answers = (await conversation.receive()).reply.answers
        except PeerFault:
            answers = []  # it was told to stop before it read the parcel: nothing taken, nothing owed
        assert all(answer.outcome == "ACCEPTED" for answer in answers)
    assert await child.ended() == 0
    events = [json.loads(line)["event"] for line in child.log.read_text("utf-8").splitlines()]
    # What was taken before the stop is committed, and told, in its course.
    *_, stopping, stopped = (event for event in events if event != "parcels_accepted")
    assert (stopping, stopped, events[-1]) == ("stopping", "stopped", "stopped")


async def test_status_is_a_table_for_people(config: Path, start_daemon: Callable[[Path], Any]) -> None:
    await start_daemon(config)
    status, output, _ = await run("jukinetctl", "status", "--config", str(config), COLUMNS="100")
    assert status == 0
    assert "都道府県サーバ" in output
    assert "異常なし" in output


async def test_status_without_a_server_says_what_to_do(config: Path) -> None:
    status, _, errors = await run("jukinetctl", "status", "--config", str(config))
    assert status == 1
    assert "応答しません" in errors


async def test_check_config_prints_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('register = "koseki"\nprefecture = "40"\n', "utf-8")
    status, _, errors = await run("jukinetctl", "check-config", "--config", str(path))
    assert status == 1
    for key in ("register", "prefecture", "trust_domain", "database", "keys"):
        assert f"  {key}:" in errors


async def test_check_config_finds_nothing_wrong_with_a_sound_one(config: Path) -> None:
    status, output, _ = await run("jukinetctl", "check-config", "--config", str(config), "--json")
    assert (status, json.loads(output)) == (0, {"register": "juki", "problems": []})


async def test_migrate_then_nothing_left_to_migrate(tmp_path: Path, pki: Pki, pg: EmbeddedPostgres) -> None:
    name = f"bare_{os.getpid()}"
    pg.psql("postgres", f"CREATE DATABASE {name}")
    path = tmp_path / "bare.toml"
    path.write_text(config_text("fuhyo", pki, pg.dsn(name), tmp_path, ANY_PORTS), "utf-8")
    first = await run("jukinetctl", "migrate", "--config", str(path), "--json")
    again = await run("jukinetctl", "migrate", "--config", str(path), "--json")
    pg.psql("postgres", f"DROP DATABASE {name}")
    assert first[0] == again[0] == 0
    assert json.loads(first[1])["applied"]
    assert json.loads(again[1])["applied"] == []


async def test_it_does_not_start_on_a_bare_database(tmp_path: Path, pki: Pki, pg: EmbeddedPostgres) -> None:
    name = f"empty_{os.getpid()}"
    pg.psql("postgres", f"CREATE DATABASE {name}")
    path = tmp_path / "empty.toml"
    path.write_text(config_text("juki", pki, pg.dsn(name), tmp_path, ANY_PORTS), "utf-8")
    status, _, errors = await run("jukinetd", "--config", str(path))
    pg.psql("postgres", f"DROP DATABASE {name}")
    assert status == 1
    assert "jukinetctl migrate" in errors


def rewritten(config: Path, key: str, value: object) -> str:
    text = re.sub(rf'(?m)^{key} = ".*"', f'{key} = "{value}"', config.read_text("utf-8"))
    config.write_text(text, "utf-8")
    return str(config)


@pytest.mark.parametrize("key", ["prefecture", "certificate", "ring"])
async def test_what_only_an_administrator_can_mend_has_a_status_of_its_own(
    config: Path, tmp_path: Path, key: str
) -> None:
    """The units start it again after any other one."""
    wrong = tmp_path / "wrong"
    wrong.write_text("?", "utf-8")
    status, _, errors = await run("jukinetd", "--config", rewritten(config, key, wrong))
    event = json.loads(errors)
    assert (status, event["status"]) == (os.EX_CONFIG, os.EX_CONFIG)
    assert event["event"] == "configuration_wrong"
    assert "mend it, then start it again" in event["remedy"]


async def test_a_database_that_is_away_may_come_back(config: Path) -> None:
    away = rewritten(config, "dsn", "postgresql://nobody@127.0.0.1:1/none")
    status, _, errors = await run("jukinetd", "--config", away)
    event = json.loads(errors)
    assert (status, event["status"], event["event"]) == (1, 1, "start_failed")
    assert "起動できない / cannot start" in event["message"]
    assert "remedy" not in event


async def test_a_command_line_that_is_wrong_is_one_event(config: Path) -> None:
    status, _, errors = await run("jukinetd", "--config", str(config), "--onyl", "notices")
    event = json.loads(errors)
    assert (status, event["event"], event["status"]) == (2, "command_line_wrong", 2)
    assert "--onyl" in event["fault"]


def test_a_duty_that_fails_is_one_event(config: Path) -> None:
    done = subprocess.run(
        (sys.executable, "-c", FAILING, "--config", config), capture_output=True, text=True, check=False
    )
    event = json.loads(done.stderr)
    assert (done.returncode, event["event"], event["status"]) == (1, "duty_failed", 1)
    assert (event["fault"], event["message"]) == (
        "seal: ValueError",
        "仕事が止まったので終わる / a duty failed",
    )


def at_a_terminal(*arguments: str) -> list[str]:
    """The lines that jukinetd leaves at a terminal when it cannot start."""
    ours, its = os.openpty()
    try:
        command = (sys.executable, "-m", "jukinet_daemon.cli.jukinetd", *arguments)
        subprocess.run(command, stderr=its, check=False)
        return os.read(ours, 65536).decode().splitlines()
    finally:
        os.close(ours)
        os.close(its)


def test_at_a_terminal_a_failed_start_is_told_in_plain_lines(config: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('register = "koseki"\nprefecture = "40"\n', "utf-8")
    first, *_, last = lines = at_a_terminal("--config", str(tmp_path / "wrong.toml"))
    assert first.startswith("jukinetd: 設定の誤り / configuration: ")
    assert last == "jukinetd: 直してから起動する / mend it, then start it again"
    assert sum("設定の誤り" in line for line in lines) == len(lines) - 1 > 2
    (line,) = at_a_terminal("--config", rewritten(config, "dsn", "postgresql://nobody@127.0.0.1:1/none"))
    assert line.startswith("jukinetd: 起動できない / cannot start: ")
    (line,) = at_a_terminal("--config", str(config), "--onyl", "notices")
    assert line.startswith("jukinetd: コマンドの誤り / command line: ")


async def test_the_watchdog_is_fed_from_the_loop(config: Path, tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "manager"))
        manager.setblocking(False)
        running = asyncio.create_task(
            run(
                "jukinetd",
                "--config",
                str(config),
                NOTIFY_SOCKET=str(tmp_path / "manager"),
                WATCHDOG_USEC="200000",
            )
        )
        heard: list[bytes] = []

        async def fed() -> bool:
            heard.append(await asyncio.get_running_loop().sock_recv(manager, 4096))
            return heard.count(b"WATCHDOG=1") >= 3

        await until(fed)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert b"READY=1" in heard


async def test_held_notices_are_worked_on_from_the_command_line(
    config: Path, pki: Pki, start_daemon: Callable[[Path], Any]
) -> None:
    child = await start_daemon(config)
    caller = pki.caller(Role.CS, FUKUOKA, "juki")
    notice = juki_change(change="correction", cause="correction_ex_officio")
    async with call(f"wss://{addresses_in(child.log)['notices']}/notices", caller) as conversation:
        (answer,) = await CsLine("juki", FUKUOKA, caller, conversation).tell(notice)
    assert answer.code == "H212"
    held = ("held", "--config", str(config))
    _, listed, _ = await run("jukinetctl", *held, "list", COLUMNS="120")
    assert notice["id"] in listed
    _, shown, _ = await run("jukinetctl", *held, "show", notice["id"])
    assert notice["person"]["name"] in shown
    status, would, _ = await run("jukinetctl", *held, "release", notice["id"])
    assert (status, "なお保留" in would) == (2, True)
    status, _, errors = await run("jukinetctl", *held, "reject", notice["id"])
    assert (status, "--reason" in errors) == (1, True)
    status, done, _ = await run(
        "jukinetctl", *held, "reject", notice["id"], "--reason", "withdrawn", "--apply"
    )
    assert (status, "却下" in done) == (0, True)
    assert json.loads((await run("jukinetctl", *held, "list", "--json"))[1]) == []

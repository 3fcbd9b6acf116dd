"""`jukinetctl bridge request` burns nothing before all that can fail on its own machine was looked at."""

import argparse
import asyncio
import errno
import json
import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import IO, Any

import pytest

from jukinet_daemon.cli import bridge_request
from jukinet_daemon.cli.bridge import add_bridge, bridge
from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.delivery import new_file
from jukinet_daemon.server import bridge_control
from jukinet_daemon.vault.age import open_age
from support.bridge import PASSWORD, WANTED, Bridged, emigrate
from support.notices import resident_code


async def ctl(world: Bridged, *arguments: str) -> int:
    """Runs the command against the window of the 附票 server; gives its exit status."""
    parser = argparse.ArgumentParser()
    add_bridge(parser)
    parser.add_argument("--json", action="store_true")
    return await asyncio.to_thread(bridge, world.fuhyo.config, parser.parse_args(arguments))


class Desk:
    """What an office hands in, each file where `request` looks for it."""

    def __init__(self, folder: Path, keys: list[str]) -> None:
        self.keys, self.password, self.out = folder / "list.csv", folder / "password", folder / "office.age"
        self.keys.write_text("".join(f"{key}\n" for key in keys), "utf-8")
        self.password.write_text(PASSWORD + "\n", "utf-8")

    def request(self, **changes: str) -> list[str]:
        named = WANTED | {"keys": str(self.keys), "out": str(self.out), "password_file": str(self.password)}
        pairs = ((f"--{name.replace('_', '-')}", value) for name, value in (named | changes).items())
        return ["request", *(word for pair in pairs for word in pair), "--json"]


@pytest.fixture
async def desk(bridge_world: Bridged, tmp_path: Path) -> Desk:
    return Desk(tmp_path, [person["resident_code"] for person in await emigrate(bridge_world, 3)])


def _long_key(desk: Desk) -> None:
    lines = [resident_code()] * 1000 + ["x" * 81]
    desk.keys.write_text("".join(f"{key}\n" for key in lines), "utf-8")


def _half_a_character(desk: Desk) -> None:
    desk.keys = desk.keys.with_suffix(".jsonl")
    desk.keys.write_text('{"key": "1"}\n{"key": "\\ud800"}\n', "utf-8")


def _pipe(desk: Desk) -> None:
    desk.keys.unlink()
    os.mkfifo(desk.keys)


# What is wrong on this machine, and of what the operator is told.
WRONG: dict[str, tuple[Callable[[Desk], Any], str]] = {
    "a short password": (lambda desk: desk.password.write_text("x" * 11 + "\n"), "12"),
    "a long password": (lambda desk: desk.password.write_text("x" * 201 + "\n"), "200"),
    "no password": (lambda desk: desk.password.write_text(""), "password"),
    "no file of the password": (lambda desk: desk.password.unlink(), "password"),
    "no folder to write in": (lambda desk: setattr(desk, "out", desk.out.parent / "none" / "a"), "none/a"),
    "a file that is there": (lambda desk: desk.out.write_text("older"), "already"),
    "a link that leads nowhere": (lambda desk: desk.out.symlink_to("nowhere"), "already"),
    "no keys": (lambda desk: desk.keys.write_text(""), "no key"),
    "a key too long in the second block": (_long_key, "1001"),
    "a key that is no text": (_half_a_character, "one key a line"),
    "keys out of a pipe": (_pipe, "not a file"),
}


async def _nothing_was_asked(world: Bridged) -> None:
    assert await world.fuhyo.rows("SELECT FROM bridge_case") == []
    assert await world.juki.rows("SELECT FROM bridge_answer") == []


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_on_this_machine_is_told_before_a_case_is_opened(
    bridge_world: Bridged, desk: Desk, what: str
) -> None:
    spoil, told = WRONG[what]
    spoil(desk)
    before = desk.out.exists() or desk.out.is_symlink()
    with pytest.raises(CommandFault, match=told):
        await ctl(bridge_world, *desk.request())
    await _nothing_was_asked(bridge_world)
    assert (desk.out.exists() or desk.out.is_symlink()) == before


async def test_a_delivery_without_room_is_not_asked_for(
    bridge_world: Bridged, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_request, "room_for", lambda _lines: 1 << 62)
    with pytest.raises(CommandFault, match="cannot be read or written"):
        await ctl(bridge_world, *desk.request())
    await _nothing_was_asked(bridge_world)
    assert not desk.out.exists()


async def test_a_refused_case_leaves_no_file(bridge_world: Bridged, desk: Desk) -> None:
    assert await ctl(bridge_world, *desk.request(office="nobody")) == 2
    assert not desk.out.exists()


def _told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command printed; the servers of this process log before it."""
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


async def _events(world: Bridged) -> list[str]:
    """What the ledger of the 附票 server says of the delivery."""
    rows = await world.fuhyo.rows("SELECT payload FROM ledger ORDER BY entry_id")
    leaves = [json.loads(row["payload"]) for row in rows]
    about = {"bridge_taken", "bridge_erased", "bridge_delivered"}
    return [" ".join(filter(None, (it["event"], it.get("why")))) for it in leaves if it["event"] in about]


async def test_a_delivery_is_recorded_as_delivered_once_it_is_on_disk(
    bridge_world: Bridged, desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await ctl(bridge_world, *desk.request()) == 0
    assert _told(capsys)["outcomes"] == {"B100": 3}
    assert desk.out.stat().st_mode & 0o777 == 0o600
    lines = b"".join(open_age([desk.out.read_bytes()], PASSWORD)).splitlines()
    assert len(lines) == 4
    assert await _events(bridge_world) == ["bridge_taken", "bridge_erased taken", "bridge_delivered"]
    opened = tmp_path / "opened"
    assert await ctl(bridge_world, "open", str(desk.out), "--password-file", str(desk.password),
                     "--out", str(opened)) == 0  # fmt: skip
    assert opened.read_bytes().splitlines() == lines


async def test_a_delivery_that_cannot_be_written_is_not_recorded_as_delivered(
    bridge_world: Bridged, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(pieces: AsyncGenerator[bytes, None], _file: IO[bytes]) -> None:
        await anext(pieces)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bridge_request, "write_pieces", full)
    with pytest.raises(CommandFault, match="No space left"):
        await ctl(bridge_world, *desk.request())
    assert not desk.out.exists()
    assert "bridge_delivered" not in await _events(bridge_world)


async def test_a_delivery_whose_record_fails_is_kept_and_said_so(
    bridge_world: Bridged, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The account at the other end is another meanwhile, as the server sees it."""
    accounts = iter(["tanaka", "tanaka", "tanaka", "suzuki"])
    monkeypatch.setattr(bridge_control, "operator_of", lambda _request: next(accounts))
    with pytest.raises(CommandFault, match="the file is whole"):
        await ctl(bridge_world, *desk.request())
    assert _told(capsys)["file"] == str(desk.out)
    assert len(b"".join(open_age([desk.out.read_bytes()], PASSWORD)).splitlines()) == 4
    assert await _events(bridge_world) == ["bridge_taken", "bridge_erased taken"]


async def test_a_password_made_here_is_shown_before_a_right_is_burnt(
    bridge_world: Bridged, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cannot be shown it could never open what was delivered."""

    class Broken:
        def print(self, *_values: Any, **_how: Any) -> None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    arguments = desk.request()
    place = arguments.index("--password-file")
    monkeypatch.setattr(bridge_request, "Console", lambda **_how: Broken())
    with pytest.raises(CommandFault, match="Broken pipe"):
        await ctl(bridge_world, *arguments[:place], *arguments[place + 2 : -1])
    assert await bridge_world.juki.rows("SELECT FROM bridge_answer") == []


async def test_a_block_of_the_longest_keys_is_taken(
    bridge_world: Bridged, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.keys.write_text(("\U00020000" * 80 + "\n") * 1000, "utf-8")
    assert await ctl(bridge_world, *desk.request()) == 0
    assert _told(capsys)["outcomes"] == {"B302": 1000}


def test_what_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "opened"

    def broken_off() -> None:
        with new_file(path) as file:
            file.write(b"a number")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert not path.exists()

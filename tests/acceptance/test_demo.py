"""The main job: a whole prefecture for a day, as a stranger runs it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.notices import individual_number, juki_change, resident_code
from support.world import until

from .conftest import run

SMALL = ("--people", "3000", "--juki", "370", "--departures", "90", "--fuhyo", "200", "--day-seconds", "2")


async def test_a_day_ends_in_agreement(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    status, output, errors = await run("jukinet_sim", "demo", "--folder", str(folder), *SMALL, COLUMNS="100")
    assert status == 0, output + errors
    assert "一件残らず一致した" in output
    assert "460" in output  # 370 + 90 of the day, sent
    for code in ("answered B100", "case_refused B403", "refused B322"):
        assert code in output  # the bridge: its three requests and their evidence


@pytest.fixture
async def kept_demo(tmp_path: Path) -> AsyncIterator[Path]:
    """A demo that stays up."""
    folder = tmp_path / "kept"
    running = asyncio.create_task(_demo(folder))

    async def up() -> bool:
        assert not running.done(), "the demo ended by itself"
        return (folder / "up").exists()

    try:
        # A hundred programs start and a first load is sent: a busy machine takes its time.
        await until(up, seconds=300)
        yield folder
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _demo(folder: Path) -> None:
    import sys

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "jukinet_daemon.cli.jukinet_sim", "demo", "--keep", "--folder", str(folder), *SMALL),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            if b"KEEP" in line or "動かしたまま".encode() in line:
                (folder / "up").touch()
    finally:
        process.terminate()
        await process.wait()


async def test_a_vendor_brings_notices_of_their_own(kept_demo: Path, tmp_path: Path) -> None:
    good = juki_change()
    bad = juki_change(person={"individual_number": individual_number()[:-1] + "x"})
    late = juki_change(
        change="correction", cause="change_of_address", person={"resident_code": resident_code()}
    )
    file = tmp_path / "notices.ndjson"
    file.write_text("".join(json.dumps(n, ensure_ascii=False) + "\n" for n in (good, bad, late)), "utf-8")
    command = ("send", "--as", "401307", "--folder", str(kept_demo), str(file))
    status, output, errors = await run("jukinet_sim", *command)
    assert status == 1, errors
    assert [line.split()[1:3] for line in output.splitlines()] == [
        ["ACCEPTED", "A100"],
        ["REFUSED", "R300"],
        ["HELD", "H212"],
    ]
    _, again, _ = await run("jukinet_sim", *command)
    assert again.splitlines()[0].endswith("REPEATED")
    got = await until(lambda: _at_national(kept_demo, good["id"]))
    assert got["record"]["person"]["name"] == good["person"]["name"]


async def _at_national(folder: Path, notice_id: str) -> dict[str, dict[str, dict[str, str]]]:
    _, output, _ = await run("jukinet_sim", "receive-national", "--folder", str(folder), "--json")
    entries = (json.loads(line) for line in output.splitlines())
    return next((entry for entry in entries if entry["record"]["id"] == notice_id), {})

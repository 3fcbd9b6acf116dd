"""One notice followed from its parcel to the national server's receipt, without what it says."""

import asyncio
import json
import os
import pwd
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from conftest import HouseMaker
from jukinet_daemon.cli import jukinetctl
from jukinet_daemon.schemas import schemas_folder
from jukinet_daemon.wire.envelope import digest_of
from support.notices import juki_change, resident_code
from support.store import session
from support.watch import secrets_of
from support.world import FUKUOKA, House, until


async def trace(path: Path, notice_id: str) -> tuple[int, Any]:
    connector = aiohttp.UnixConnector(str(path))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"http://jukinet/trace/{notice_id}") as answer,
    ):
        return answer.status, await answer.json()


async def steps_of(house: House, notice: dict[str, Any]) -> list[Any]:
    assert house.config.control
    status, steps = await trace(house.config.control.socket, notice["id"])
    assert status == 200
    assert not [secret for secret in secrets_of(notice) if secret in json.dumps(steps, ensure_ascii=False)]
    return list(steps)


async def test_a_notice_is_followed_to_its_receipt(open_house: HouseMaker, tmp_path: Path) -> None:
    house = await open_house("juki", control={"socket": tmp_path / "control"})
    notice = juki_change()
    async with house.line() as line:
        signed = line.parcel(notice)
        (answer,) = (await line.exchange(signed)).answers
        await line.exchange(signed)

    async def receipted() -> list[Any] | None:
        steps = await steps_of(house, notice)
        return steps if steps[-1]["step"] == "receipted" else None

    received, answered, recorded, receipt = await until(receipted, 60)
    assert (received["sender"], received["number"]) == (FUKUOKA, 1)
    assert received["digest"] == digest_of(signed)
    assert (answered["outcome"], answered["code"], answered["repeated"]) == ("ACCEPTED", "A100", 1)
    assert answered["leaf"] == answer.leaf
    assert recorded["step"] == "recorded"
    (relayed,) = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%relay_receipted%'")
    assert json.loads(relayed["payload"])["parcel_digest"] == receipt["digest"]
    assert receipt["refused"] is None


async def test_a_held_notice_waits_in_its_trace(open_house: HouseMaker, tmp_path: Path) -> None:
    house = await open_house("juki", national=False, control={"socket": tmp_path / "control"})
    held = juki_change(change="correction", cause="correction_ex_officio")
    told = juki_change()
    async with house.line() as line:
        await line.tell(held, told)
    assert [step["step"] for step in await steps_of(house, held)] == ["received", "answered", "held"]
    assert (await steps_of(house, told))[-1] == {"step": "waiting", "at": None}


async def order(path: Path, words: str) -> Any:
    connector = aiohttp.UnixConnector(str(path))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(f"http://jukinet/held/{words}") as answer,
    ):
        assert answer.status == 200
        return await answer.json()


async def test_what_an_operator_made_of_a_held_notice_stays_in_its_trace(
    open_house: HouseMaker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "control"
    house = await open_house("juki", national=False, control={"socket": path})
    code = {"resident_code": resident_code()}
    lost = juki_change(change="correction", cause="correction_ex_officio", person=code)
    entry = juki_change(person=code)
    async with house.line() as line:
        await line.tell(lost, entry)
    await order(path, f"{lost['id']}/reject?reason=duplicate")
    assert [step["step"] for step in await steps_of(house, lost)] == ["received", "answered", "held"]
    await order(path, f"{lost['id']}/reject?reason=duplicate&apply=true")
    account = pwd.getpwuid(os.getuid()).pw_name
    *_, rejected = await steps_of(house, lost)
    assert rejected == {
        "step": "settled",
        "at": rejected["at"],
        "how": "rejected",
        "code": None,
        "reason": "duplicate",
        "operator": account,
    }
    # What waited behind went on by the same order.
    released, recorded, _ = (await steps_of(house, entry))[2:]
    assert (released["how"], released["code"], released["reason"]) == ("released", "A100", None)
    assert (released["operator"], recorded["step"]) == (account, "recorded")
    leaves = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%held_rejected%'")
    assert [json.loads(row["payload"])["at"] for row in leaves] == [rejected["at"]]
    monkeypatch.setattr(jukinetctl, "load_config", lambda _path: house.config)
    assert await asyncio.to_thread(jukinetctl.main, ["trace", lost["id"], "--config", "x"]) == 0
    shown = capsys.readouterr().out
    for words in ("保留の決着", "却下した", "同じ事実の通知が別にある", account):
        assert words in shown


async def test_what_was_settled_before_the_table_was_there_is_told_by_its_leaf(
    open_house: HouseMaker, tmp_path: Path
) -> None:
    house = await open_house("juki", national=False, control={"socket": tmp_path / "control"})
    notice = juki_change(change="correction", cause="correction_ex_officio")
    async with house.line() as line:
        await line.tell(notice)
    await order(tmp_path / "control", f"{notice['id']}/reject?reason=withdrawn&apply=true")
    told = await house.rows("SELECT * FROM settlement")
    migration = next((schemas_folder() / "postgres" / "migrations").glob("0094_*")).read_text("utf-8")
    async with session(house.dsn) as owner:
        await owner.execute("DELETE FROM settlement")
        await owner.execute(migration[migration.index("INSERT INTO settlement", migration.index("$$;")) :])
    assert await house.rows("SELECT * FROM settlement") == told != []


async def test_what_was_never_seen_has_no_steps(open_house: HouseMaker, tmp_path: Path) -> None:
    house = await open_house("juki", national=False, control={"socket": tmp_path / "control"})
    assert await trace(tmp_path / "control", str(uuid4())) == (200, [])
    status, answer = await trace(tmp_path / "control", "no-id")
    assert (status, "通知番号" in answer["problem"]) == (409, True)
    assert house.config.control

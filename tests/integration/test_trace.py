"""One notice followed from its parcel to the national server's receipt, without what it says."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from conftest import HouseMaker
from jukinet_daemon.wire.envelope import digest_of
from support.notices import juki_change
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


async def test_what_was_never_seen_has_no_steps(open_house: HouseMaker, tmp_path: Path) -> None:
    house = await open_house("juki", national=False, control={"socket": tmp_path / "control"})
    assert await trace(tmp_path / "control", str(uuid4())) == (200, [])
    status, answer = await trace(tmp_path / "control", "no-id")
    assert (status, "通知番号" in answer["problem"]) == (409, True)
    assert house.config.control

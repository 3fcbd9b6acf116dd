"""Maintenance: what was taken is answered, nothing new is, people are told why, and it ends by itself."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conftest import HouseMaker
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from support.notices import juki_change
from support.stall import a_batch_waits, commits_stand_still
from support.world import FUKUOKA, House, until

REASON = "機器交換"


@pytest.fixture
async def house(open_house: HouseMaker, tmp_path: Path) -> House:
    opened: House = await open_house("juki", national=False, control={"socket": tmp_path / "control.sock"})
    return opened


async def ask(house: House, method: str, **query: str) -> Any:
    assert house.config.control is not None
    connector = aiohttp.UnixConnector(str(house.config.control.socket))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.request(method, "http://control/maintenance", params=query) as answer,
    ):
        return await answer.json()


async def readiness(house: House) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{house.health_url}/readyz") as answer:
        return answer.status


def soon(**span: float) -> str:
    return (datetime.now().astimezone() + timedelta(**span)).isoformat()


async def refusal(house: House) -> PeerFault | None:
    """How a new connection is turned away, if it is."""
    try:
        async with call(house.notices_url, house.pki.caller(Role.CS, FUKUOKA, "juki")):
            return None
    except PeerFault as fault:
        return fault


async def _turned_away(house: House) -> bool:
    return await refusal(house) is not None


async def test_what_was_taken_is_answered_and_people_are_told(house: House) -> None:
    async with house.line() as line:
        async with commits_stand_still(house):
            await line.conversation.send(line.parcel(juki_change()))
            await a_batch_waits(house)
            told = await ask(house, "POST", until=soon(hours=1), reason=REASON)
            assert told["on"]
            # The door is shut to new ones while the work that was taken is still under way.
            await until(lambda: _turned_away(house))
        assert (await line.conversation.receive()).reply.answers[0].outcome == "ACCEPTED"
        with pytest.raises(PeerFault) as ended:
            await line.conversation.receive()
        assert "1013" in str(ended.value)
        assert REASON in ended.value.notice
    fault = await refusal(house)
    assert fault is not None
    assert "503" in str(fault)
    assert REASON in fault.notice
    assert told["until"] in fault.notice
    await ask(house, "DELETE")

    async def taken_again() -> bool:
        return await refusal(house) is None

    await until(taken_again)


async def test_it_stands_in_health_and_in_the_ledger_with_the_operator(house: House) -> None:
    await ask(house, "POST", until=soon(hours=1), reason=REASON)
    async with aiohttp.ClientSession() as session, session.get(f"{house.health_url}/healthz") as answer:
        report = await answer.json()
    # A balancer asks this one: it must send nobody to a door that answers 503.
    assert await readiness(house) == 503
    assert report["maintenance"]["reason"] == REASON
    assert any("under maintenance" in problem for problem in report["problems"])
    await ask(house, "DELETE")
    assert await readiness(house) == 200
    rows = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%maintenance_%' ORDER BY 1")
    leaves = [json.loads(row["payload"]) for row in rows]
    assert {leaf["event"] for leaf in leaves} == {"maintenance_on", "maintenance_off"}
    assert all(leaf["operator"] for leaf in leaves)


async def test_it_outlives_a_restart_and_ends_by_itself(house: House) -> None:
    await ask(house, "POST", until=soon(hours=1), reason=REASON)
    beside = Daemon(house.config.model_copy(update={"control": None, "health": None}))
    await beside.start()
    try:
        restarted = House(house.register, house.pki, house.config, beside, house.dsn, house.national_journal)
        assert await refusal(restarted) is not None
        # Time alone ends it: the row stays and means nothing.
        await ask(house, "POST", until=soon(seconds=1), reason=REASON)

        async def taken_again() -> bool:
            return await refusal(restarted) is None

        await until(taken_again)
    finally:
        await beside.stop()
    assert await ask(house, "GET") == {"on": False}
    assert len(await house.rows("SELECT * FROM maintenance")) == 1


@pytest.mark.parametrize(
    ("until_", "reason", "word"),
    [
        (soon(hours=-1), "", "later than now"),
        (soon(days=8), "", "within 7 days"),
        ("tomorrow", "", "looks like this"),
        (soon(hours=1), "長" * 21, "too long"),
        (soon(hours=1), "a\nb", "too long"),
    ],
    ids=["past", "far ahead", "no time", "long reason", "two lines"],
)
async def test_a_wrong_wish_changes_nothing(house: House, until_: str, reason: str, word: str) -> None:
    assert word in (await ask(house, "POST", until=until_, reason=reason))["problem"]
    assert await ask(house, "GET") == {"on": False}

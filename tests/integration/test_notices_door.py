"""A notice from the line to the file and on to the national server, on real parts."""

import asyncio
import os
from contextlib import suppress
from typing import Any

import pytest

from conftest import HouseMaker
from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.journal import read_journal
from support.notices import juki_change
from support.world import until


async def test_a_notice_is_applied_answered_and_relayed(open_house: HouseMaker) -> None:
    house = await open_house("juki")
    notice = juki_change()
    async with house.line() as line:
        (answer,) = await line.tell(notice)
    assert (answer.outcome, answer.code, answer.id) == ("ACCEPTED", "A100", notice["id"])
    (row,) = await house.rows("SELECT * FROM history")
    assert row["name"] == notice["person"]["name"]
    received = await until(lambda: _journal(house))
    assert [entry["record"]["id"] for entry in received] == [notice["id"]]
    assert received[0]["record"]["person"]["individual_number"] == notice["person"]["individual_number"]


async def _journal(house: Any) -> list[dict[str, Any]]:
    return list(read_journal(house.national_journal))


async def test_after_garbage_and_a_wrong_role_the_next_notice_goes_through(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    host, port = house.daemon.addresses["notices"].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(os.urandom(500))
    with suppress(ConnectionError):
        await writer.drain()
        await reader.read()
    writer.close()
    stranger = house.pki.caller(Role.PREF, "fuhyo", "juki")
    with pytest.raises(PeerFault):
        async with call(house.notices_url, stranger):
            pass
    async with house.line() as line:
        (answer,) = await line.tell(juki_change())
    assert answer.outcome == "ACCEPTED"

"""A line on which nothing is said stays open: both ends go on answering the other's pings."""

import asyncio

import pytest

from conftest import HouseMaker
from jukinet_daemon.server import notices
from support.notices import juki_change


async def test_a_silent_municipality_keeps_its_line(
    open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "HEARTBEAT_S", 0.1)
    house = await open_house("juki", national=False)
    async with house.line() as line:
        # Ten times as long as the server would wait for a pong.
        await line.conversation.idle(asyncio.Event(), 1.0)
        (answer,) = await line.tell(juki_change())
    assert answer.outcome == "ACCEPTED"

"""A PostgreSQL that may be killed, for the tests that harm things."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import pytest

from campaign.prefecture import Ground, Prefecture
from support.world import Pki, postgres

_numbers = count(1)
OpenPrefecture = Callable[..., Any]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Ground]:
    with postgres() as server:
        yield Ground(tmp_path_factory.mktemp("prefectures"), server, pki)


@pytest.fixture
async def open_prefecture(ground: Ground) -> AsyncIterator[OpenPrefecture]:
    """Opens a prefecture of real processes."""
    async with AsyncExitStack() as stack:

        async def start(senders: tuple[str, ...], **programs: Any) -> Prefecture:
            prefecture = Prefecture(ground, f"prefecture_{next(_numbers)}", senders, **programs)
            stack.push_async_callback(prefecture.close)
            await prefecture.open()
            return prefecture

        yield start

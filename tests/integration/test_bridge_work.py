"""The bridge does the same work whatever it finds, and takes a long list block by block."""

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

import asyncpg
import pytest

from jukinet_daemon.outward_http import Inquirer
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.service import bridge_release
from jukinet_daemon.store.bridge_release import Given, ReleaseStore
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.wire.bridge import ANSWER_TYPE, ASK_TYPE, Ask, write_ask
from support.bridge import Bridged, an_ask, emigrate, opened_request, shown_overseas
from support.notices import juki_change, resident_code

Work = Counter[str]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """What both servers, which run in this process, do for the bridge: SQL by its text, vault, sealing."""
    done: Work = Counter()

    def spy(owner: Any, name: str, kind: Callable[..., str | None]) -> None:
        real = getattr(owner, name)

        def counting(*values: Any, **named: Any) -> Any:
            if what := kind(*values):
                done[what] += 1
            return real(*values, **named)

        monkeypatch.setattr(owner, name, counting)

    for name in ("fetch", "fetchval", "fetchrow", "execute"):
        spy(asyncpg.Connection, name, _of_the_bridge)
    for name in ("open", "seal", "mark"):
        spy(Vault, name, lambda *_values, name=name: f"vault.{name}")
    spy(bridge_release, "seal_to", lambda *_values: "seal_to")
    return done


def _of_the_bridge(_connection: Any, query: str, *_values: Any) -> str | None:
    """The eraser looks by its own clock, whoever asks what."""
    return query if "bridge_" in query and "bridge_due" not in query else None


async def _costs(world: Bridged, work: Work, asks: list[Ask]) -> tuple[list[Work], set[int]]:
    """What each question cost, and the sizes of the answers."""
    costs, sizes = [], set()
    asker = world.inquirer("juki", world.pki.files(Role.PREF, "fuhyo"))
    try:
        for ask in asks:
            work.clear()
            reply = await asker.exchange(write_ask(ask, "2026-11-24T09:00:00Z"), ASK_TYPE, ANSWER_TYPE)
            costs.append(Counter(work))
            sizes.add(len(reply.payload))
    finally:
        await asker.close()
    return costs, sizes


async def _confirmed_asks(world: Bridged) -> list[Ask]:
    """Confirmed questions about somebody who left, somebody who came back, somebody our file never had."""
    left, back = await emigrate(world, 2)
    await world.tell("juki", juki_change(person=back, cause="overseas_move_in", event_date="20261115"))
    elsewhere = resident_code()
    await world.tell("fuhyo", shown_overseas(elsewhere))
    codes = (left["resident_code"], back["resident_code"], elsewhere)
    return [(await opened_request(world, code)).ask for code in codes]


async def test_found_and_not_found_are_the_same_work(bridge_world: Bridged, work: Work) -> None:
    costs, sizes = await _costs(bridge_world, work, await _confirmed_asks(bridge_world))
    assert costs[0] == costs[1] == costs[2]
    assert len(sizes) == 1
    # asked, confirmed; found, burnt, given: three reads and two writes
    assert sum(count for what, count in costs[0].items() if "bridge_" in what) == 5
    assert (costs[0]["vault.open"], costs[0]["seal_to"]) == (1, 1)
    burnt = await bridge_world.juki.rows("SELECT code FROM bridge_answer")
    assert sorted(row["code"] for row in burnt) == ["B100", "B320", "B322"]


async def test_a_thief_causes_the_same_work_for_who_is_there_and_who_is_not(
    bridge_world: Bridged, work: Work
) -> None:
    (person,) = await emigrate(bridge_world)
    asks = [an_ask([code])[0] for code in (person["resident_code"], resident_code())]
    costs, sizes = await _costs(bridge_world, work, asks)
    assert costs[0] == costs[1]
    assert len(sizes) == 1


async def test_an_early_return_would_be_seen(
    bridge_world: Bridged, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ReleaseStore.number

    def early(store: ReleaseStore, given: Given | None) -> str | None:
        return real(store, given) if given else None

    monkeypatch.setattr(ReleaseStore, "number", early)
    costs, _ = await _costs(bridge_world, work, await _confirmed_asks(bridge_world))
    assert costs[0] != costs[2]


@pytest.fixture
def flying(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages of the bridge were under way each time one more was sent."""
    seen: list[int] = []
    under_way = 0
    real = Inquirer.exchange

    async def counting(inquirer: Inquirer, *values: Any) -> Any:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        try:
            return await real(inquirer, *values)
        finally:
            under_way -= 1

    monkeypatch.setattr(Inquirer, "exchange", counting)
    return seen


async def test_a_long_list_goes_block_by_block(bridge_world: Bridged, flying: list[int]) -> None:
    people = await emigrate(bridge_world, 20)
    lines = [person["resident_code"] for person in islice(cycle(people), 2500)]
    case = (await bridge_world.open_case())["case"]
    for start in range(0, len(lines), 1000):
        block = lines[start : start + 1000]
        said = await bridge_world.ask(case, *block, first=start + 1)
        assert said == {"outcomes": {"B100": len(block)}}
    # blocks of 100: a question, and within it the call back; never the next block beside it
    assert flying == [1, 2] * 25
    given = await bridge_world.deliver(case)
    numbers = [person["individual_number"] for person in islice(cycle(people), 2500)]
    assert [(line["line"], line["individual_number"]) for line in given] == list(enumerate(numbers, start=1))


async def test_blocks_beside_one_another_would_be_seen(bridge_world: Bridged, flying: list[int]) -> None:
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case())["case"]
    block = [person["resident_code"]] * 100
    await asyncio.gather(*(bridge_world.ask(case, *block, first=start) for start in (1, 101, 201)))
    assert max(flying) > 2

"""Who is taken before a full gate, and who gives way."""

import asyncio

from jukinet_daemon.server.porch import Porch

MOST = 4


def standing(porch: Porch, *addresses: str) -> list[asyncio.Task[None]]:
    """A handshake of each address that never ends."""
    begun = []
    for address in addresses:
        handshake = asyncio.create_task(asyncio.sleep(3600))
        porch.enter(address, handshake)
        begun.append(handshake)
    return begun


async def test_while_there_is_room_nobody_gives_way() -> None:
    porch = Porch(MOST)
    standing(porch, "a", "a", "a")
    assert porch.make_room("a")
    assert len(porch) == 3
    await porch.clear()


async def test_the_oldest_of_the_most_crowded_address_gives_way_to_another() -> None:
    porch = Porch(MOST)
    oldest, *others = standing(porch, "a", "a", "a", "b")
    assert porch.make_room("c")
    await asyncio.gather(oldest, return_exceptions=True)
    assert oldest.cancelled()
    assert not any(each.done() for each in others)
    await porch.clear()


async def test_whoever_crowds_is_not_taken() -> None:
    porch = Porch(MOST)
    begun = standing(porch, "a", "a", "b", "b")
    assert not porch.make_room("a")
    assert not porch.make_room("b")
    assert not any(each.done() for each in begun)
    await porch.clear()


async def test_who_has_ended_makes_room() -> None:
    porch = Porch(MOST)
    first, *_ = standing(porch, *"aaaa")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert len(porch) == MOST - 1
    assert porch.make_room("a")
    await porch.clear()
    await asyncio.sleep(0)
    assert len(porch) == 0

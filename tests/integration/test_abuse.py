"""Peers that are slow, or greedy: each is ended, told once, and nobody else notices."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from conftest import HouseMaker
from support.notices import juki_change
from support.raw import BINARY, TEXT, RawLine, cs_context, frame, raw_line
from support.watch import Watch, watching
from support.world import FUKUOKA, KITAKYUSHU, TRUST_DOMAIN, House, until

GONE_S = 60.0
Sloth = Callable[[RawLine], Awaitable[None]]


async def _nothing(_raw: RawLine) -> None:
    """After the handshake, silence."""


async def _half_a_head(raw: RawLine) -> None:
    raw.writer.write(b"GET /notices HTTP/1.1\r\nHost: pre")


async def _a_head_byte_by_byte(raw: RawLine) -> None:
    for byte in b"GET /notices":
        raw.writer.write(bytes([byte]))
        await raw.writer.drain()


async def _a_slow_body(raw: RawLine) -> None:
    raw.writer.write(b"GET /notices HTTP/1.1\r\nHost: prefecture\r\nContent-Length: 900\r\n\r\nbegun")


async def _half_a_frame_head(raw: RawLine) -> None:
    await raw.upgrade()
    raw.writer.write(frame(TEXT, b"x" * 5000)[:3])


async def _half_a_message(raw: RawLine) -> None:
    await raw.upgrade()
    raw.writer.write(frame(TEXT, b"x" * 5000)[:-1])


async def _a_fragment_and_no_more(raw: RawLine) -> None:
    await raw.upgrade()
    raw.writer.write(bytes([TEXT]) + frame(TEXT, b"begun")[1:])


async def _no_more_after_a_refusal(raw: RawLine) -> None:
    assert b" 404 " in await raw.ask("GET /elsewhere HTTP/1.1\r\nHost: prefecture\r\n\r\n")


SLOW: dict[str, Sloth] = {
    "nothing": _nothing,
    "half a head": _half_a_head,
    "a head byte by byte": _a_head_byte_by_byte,
    "a slow body": _a_slow_body,
    "half a frame's head": _half_a_frame_head,
    "half a message": _half_a_message,
    "a fragment and no more": _a_fragment_and_no_more,
    "no more after a refusal": _no_more_after_a_refusal,
}


@pytest.fixture
async def house(open_house: HouseMaker) -> House:
    opened: House = await open_house("juki", national=False)
    return opened


async def _is_gone(raw: RawLine) -> bool:
    async with asyncio.timeout(GONE_S):
        return await raw.gone()


async def _taken(house: House) -> None:
    """A good neighbour is served."""
    async with house.line(KITAKYUSHU) as line:
        notice = juki_change(area="401013", person={"address_area": "401013"})
        assert (await line.tell(notice))[0].outcome == "ACCEPTED"


async def test_whoever_owes_the_rest_is_ended_and_neighbours_are_served(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as lines:
        raws = [await lines.enter_async_context(raw_line(house, cs_context(house))) for _ in SLOW]
        silent = [await lines.enter_async_context(raw_line(house, None)) for _ in range(20)]
        with watching(caplog) as watch:
            for sloth, raw in zip(SLOW.values(), raws, strict=True):
                await sloth(raw)
            await _taken(house)
            assert all(await asyncio.gather(*map(_is_gone, [*raws, *silent])))
            told = await _too_slow(watch)
    # Whoever was refused was sent away at once; the others are told of, each once.
    assert len(told) == len(SLOW) - 1
    assert {event["owed"] for event in told} == {"request", "message"}
    named = {(event["door"], event["address"], event["peer"]) for event in told}
    assert named == {("notices", "127.0.0.1", f"spiffe://{TRUST_DOMAIN}/cs/{FUKUOKA}")}
    await _taken(house)


async def test_a_line_that_is_only_quiet_stays(house: House) -> None:
    """Slow peers come and go; a CS that has nothing to tell keeps its line."""
    async with house.line() as quiet, raw_line(house, cs_context(house)) as slow:
        await _half_a_head(slow)
        assert await _is_gone(slow)
        assert (await quiet.tell(juki_change()))[0].outcome == "ACCEPTED"


async def test_whoever_reads_no_replies_is_cut_off(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with watching(caplog) as watch:
        async with raw_line(house, cs_context(house), receive_buffer=4096) as raw:
            await raw.upgrade()
            raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await _write_until_cut(raw)
        told = await until(lambda: _too_slow(watch))
    assert [event["owed"] for event in told] == ["reading"]
    await _taken(house)


async def _too_slow(watch: Watch) -> list[Any]:
    return [event for event in watch.events if event["event"] == "peer_too_slow"]


async def _write_until_cut(raw: RawLine) -> None:
    message = frame(BINARY, b"no parcel")
    async with asyncio.timeout(GONE_S):
        while not raw.writer.transport.is_closing():
            raw.writer.write(message * 100)
            try:
                await raw.writer.drain()
            except ConnectionError:
                return


async def test_requests_ahead_of_their_turn_are_not_kept_without_end(house: House) -> None:
    async with raw_line(house, cs_context(house)) as raw:
        head = b"GET /notices HTTP/1.1\r\nHost: prefecture\r\nContent-Length: 10\r\n\r\n"
        raw.writer.write(head + b"0123456789" + b"GET / HTTP/1.1\r\n" * 100_000)
        assert await _is_gone(raw)
    await _taken(house)

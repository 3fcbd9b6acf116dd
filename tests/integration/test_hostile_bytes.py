"""Every case of bytes at the notices door: lines, requests, frames. Each has one answer and one log event."""

import asyncio
import struct

import pytest

from cases.case import CUT, NOTHING, Case, coded, told
from cases.frames import FRAMES, PONG
from cases.lines import LINES
from cases.people import ADDRESS
from cases.requests import AMBIGUOUS, STRANGE
from jukinet_daemon.wire.envelope import REPLY_TYPE, unseal
from jukinet_daemon.wire.reply import read_reply
from support.raw import (
    CLOSE,
    TEXT,
    RawLine,
    cs_context,
    everything,
    frame,
    raw_line,
    statuses_in,
    upgrade_head,
)
from support.shared import HostileHouse
from support.watch import Watch, watching
from support.world import FUKUOKA, TRUST_DOMAIN

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE_S = 60.0
# Who sends what is read at all.
CS = ("notices", "127.0.0.1", f"spiffe://{TRUST_DOMAIN}/cs/{FUKUOKA}")
REQUESTS = AMBIGUOUS | STRANGE


async def logged(watch: Watch, case: Case) -> None:
    """The one event of a case stands in the log, and the person of the case does not."""
    event = await watch.one()
    assert told(event) == case.logged
    if event["event"] in ("request_unreadable", "request_refused", "peer_too_slow"):
        assert (event["door"], event["address"], event["peer"]) == CS
    assert watch.says_nothing_of([ADDRESS, "99999"])


def alert(said: bytes) -> str:
    """The alert that a door said, and nothing else (RFC 8446, 5.1 and 6: a record of two bytes, fatal)."""
    if not said:
        return CUT
    kind, _version, length, level, description = struct.unpack("!BHHBB", said)
    assert (kind, length, level) == (21, 2, 2)
    return f"alert {description}"


@pytest.mark.parametrize("name", LINES)
async def test_bytes_that_are_no_tls(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    case = LINES[name]
    with watching(caplog) as watch:
        async with raw_line(hostile.house, None) as raw, asyncio.timeout(PATIENCE_S):
            raw.writer.write(case.what)
            assert alert(await everything(raw.reader)) == case.answer
        await logged(watch, case)
    await hostile.all_well()


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_that_is_not_taken(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """The only answer is a refusal, the line is closed, and nothing behind it is looked at."""
    case = REQUESTS[name]
    with watching(caplog) as watch:
        async with raw_line(hostile.house, cs_context(hostile.house)) as raw, asyncio.timeout(PATIENCE_S):
            raw.writer.write(case.what)
            assert statuses_in(await everything(raw.reader)) == ([] if case.answer == CUT else [case.answer])
        await logged(watch, case)
    await hostile.all_well()


@pytest.mark.parametrize("name", FRAMES)
async def test_frames_that_are_no_message(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    case = FRAMES[name]
    with watching(caplog) as watch:
        async with raw_line(hostile.house, cs_context(hostile.house)) as raw, asyncio.timeout(PATIENCE_S):
            await put(raw, case)
            kind, content = await first(raw)
            if kind == TEXT:
                refused = read_reply(unseal(content.decode(), REPLY_TYPE, hostile.key)).refused
                assert refused
                assert coded(refused.code, refused.field) == case.answer
                raw.writer.write(frame(CLOSE, b"\x03\xe8"))
            else:
                assert (kind, content) == (CLOSE, struct.pack("!H", int(case.answer)))
            assert await raw.gone()
        if case.logged == NOTHING:
            assert watch.events == []
        else:
            await logged(watch, case)
    await hostile.all_well()


async def first(raw: RawLine) -> tuple[int, bytes]:
    """The first frame that is no pong."""
    while True:
        kind, content = await raw.receive()
        if kind != PONG:
            return kind, content


async def put(raw: RawLine, case: Case) -> None:
    """Upgrades and sends the frames of a case; no extension that was offered is agreed to."""
    head = upgrade_head(more=case.what.offer)
    raw.writer.write(head + case.what.sent if case.what.at_once else head)
    answer = await raw.reader.readuntil(b"\r\n\r\n")
    assert statuses_in(answer) == ["101"]
    assert b"sec-websocket-extensions" not in answer.lower()
    if not case.what.at_once:
        raw.writer.write(case.what.sent)

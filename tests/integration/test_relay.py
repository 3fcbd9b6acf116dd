"""The relay to the national server: everything arrives once, in order, at the right server only."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from conftest import HouseMaker
from jukinet_daemon import outward
from jukinet_daemon.keys import verifying_key
from jukinet_daemon.loops import relay as relay_loop
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role, thumbprint
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.wire.envelope import REPLY_TYPE, unseal
from jukinet_daemon.wire.reply import read_reply
from support.national import Ear, FallingNational, national, relay_of, relayed, serving, taken
from support.notices import juki_change
from support.watch import secrets_of
from support.world import FUKUOKA, House, Pki, until

NOWHERE = "A" * 43


def some_lives(people: int, corrections: int) -> list[dict[str, Any]]:
    """Notices about several persons, taken in turn."""
    entries = [juki_change() for _ in range(people)]
    return entries + [
        juki_change(change="correction", cause="minor_correction", person=entry["person"])
        for _ in range(corrections)
        for entry in entries
    ]


def per_person(notices: list[dict[str, Any]], order: list[str]) -> list[list[str]]:
    """The notices of each person as they come in an order."""
    places = {name: place for place, name in enumerate(order)}
    codes: dict[str, list[str]] = {notice["person"]["resident_code"]: [] for notice in notices}
    for notice in sorted(notices, key=lambda notice: places[notice["id"]]):
        codes[notice["person"]["resident_code"]].append(notice["id"])
    return list(codes.values())


async def tell_all(house: House, notices: list[dict[str, Any]]) -> None:
    async with house.line() as line:
        answers = await line.tell(*notices)
    assert {answer.code for answer in answers} == {"A100"}


def logged(events: Sequence[Any], name: str) -> Callable[[], Awaitable[bool]]:
    """Whether an event was logged, to wait for."""

    async def seen() -> bool:
        return any(event["event"] == name for event in events)

    return seen


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


async def test_one_search_follows_a_parcel_from_its_sender_to_the_receipt(open_house: HouseMaker) -> None:
    house = await open_house("juki")
    lives = some_lives(2, 2)
    with capture_logs() as events:
        for notices in (lives[:3], lives[3:]):
            await tell_all(house, notices)

        async def all_receipted() -> bool:
            return not await house.rows("SELECT FROM outbox WHERE receipt_id IS NULL") and any(
                event["event"] == "relay_receipted" for event in events
            )

        await until(all_receipted)
    parcels = await house.rows("SELECT digest, sender, number FROM parcel")
    assert len(parcels) == 2
    for parcel in parcels:
        found = [event for event in events if parcel["digest"] in json.dumps(event)]
        names = list(dict.fromkeys(event["event"] for event in found))
        assert names == ["parcels_accepted", "relay_sent", "relay_receipted"]
        (told,) = (entry for entry in found[0]["parcels"] if entry["digest"] == parcel["digest"])
        assert (told["sender"], told["number"], told["notices"]) == (FUKUOKA, parcel["number"], 3)
        places = await house.rows(_PLACES, parcel["digest"])
        spans = [event["outbox"] for event in found if event["event"] == "relay_sent"]
        for row in places:
            assert any(first <= row["outbox_id"] <= last for first, last in spans)
    assert not [secret for notice in lives for secret in secrets_of(notice) if secret in repr(events)]


_PLACES = """
SELECT outbox_id FROM outbox JOIN inbox USING (notice_id) JOIN parcel USING (parcel_id) WHERE digest = $1
"""


async def test_what_comes_one_by_one_is_gathered(
    open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first goes at once; what comes meanwhile goes in the one parcel after it."""
    monkeypatch.setattr(relay_loop, "GATHERS_S", 3.0)
    with capture_logs() as events:
        house = await open_house("juki")
        await until(logged(events, "relay_connected"))
        first, *others = some_lives(6, 0)
        await tell_all(house, [first])
        await until(logged(events, "relay_sent"))
        async with house.line() as line:
            for notice in others:
                await line.tell(notice)
        await until(lambda: relayed(house))
    assert [event["records"] for event in events if event["event"] == "relay_sent"] == [1, 5]


async def test_national_server_that_comes_late(open_house: HouseMaker, pki: Pki, tmp_path: Path) -> None:
    address, journal = free_address(), tmp_path / "national.ndjson"
    house = await open_house("juki", national=False)
    lives = some_lives(5, 6)
    with capture_logs() as events:
        late = AsyncExitStack()
        async with late, relay_of(house, url=f"wss://{address}/records", parcel_notices=7):
            await tell_all(house, lives)
            await until(logged(events, "relay_interrupted"))
            assert taken(journal) == []
            await late.enter_async_context(national(pki, journal, address))
            await until(lambda: relayed(house))
    order = taken(journal)
    assert sorted(order) == sorted(notice["id"] for notice in lives)
    assert per_person(lives, order) == per_person(lives, [notice["id"] for notice in lives])


async def test_national_server_killed_before_its_receipt(
    open_house: HouseMaker, pki: Pki, tmp_path: Path
) -> None:
    journal = tmp_path / "national.ndjson"
    house = await open_house("juki", national=False)
    lives = some_lives(3, 3)
    await tell_all(house, lives)
    async with national(pki, journal, kind=FallingNational) as url, relay_of(house, url=url):
        await until(lambda: relayed(house))
    assert sorted(taken(journal)) == sorted(notice["id"] for notice in lives)
    receipts = await receipts_of(house, pki)
    assert any(reply.repeated for reply in receipts)
    (row,) = await house.rows("SELECT count(*) FROM outbox WHERE refused IS NOT NULL")
    assert row["count"] == 0


async def test_receipts_are_stored_as_the_national_server_signed_them(
    open_house: HouseMaker, pki: Pki
) -> None:
    house = await open_house("juki")
    lives = some_lives(2, 2)
    await tell_all(house, lives)
    await until(lambda: relayed(house))
    receipts = await receipts_of(house, pki)
    names = [answer.id for reply in receipts for answer in reply.answers]
    assert sorted(map(str, names)) == sorted(notice["id"] for notice in lives)
    digests = {row["parcel_digest"] for row in await house.rows("SELECT parcel_digest FROM receipt")}
    assert digests == {reply.parcel_digest for reply in receipts}


async def receipts_of(house: House, pki: Pki) -> list[Any]:
    """The receipts in the database, verified against the national server's certificate."""
    key = verifying_key(load_certificate(pki.files(Role.NATIONAL, "juki").certificate))
    rows = await house.rows("SELECT signed FROM receipt ORDER BY receipt_id")
    return [read_reply(unseal(row["signed"], REPLY_TYPE, key)) for row in rows]


@pytest.mark.parametrize(
    ("role", "name", "pins", "reason"),
    [
        (Role.NATIONAL, "fuhyo", (), "wrong-name"),
        (Role.PREF, "juki", (), "wrong-role"),
        (Role.NATIONAL, "juki", (NOWHERE,), "not-pinned"),
    ],
)
async def test_stranger_is_told_nothing(
    open_house: HouseMaker, pki: Pki, role: Role, name: str, pins: tuple[str, ...], reason: str
) -> None:
    ear = Ear()
    house = await open_house("juki", national=False)
    await tell_all(house, [juki_change()])
    with capture_logs() as events:
        async with (
            serving(ear.application(), pki.files(role, name)) as url,
            relay_of(house, url=url, pins=pins),
        ):

            async def turned_away() -> bool:
                return len(refused(events)) >= 2

            await until(turned_away)
    assert ear.heard == []
    assert {(event["door"], event["reason"]) for event in refused(events)} == {("national", reason)}
    # Once for each call; of the last one the end may have come before it was told.
    assert ear.calls - len(refused(events)) in (0, 1)
    assert not await relayed(house)


async def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewise the relay would wait for it as long as it lives."""
    monkeypatch.setattr(outward, "OPEN_TIMEOUT_S", 0.5)
    asked = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        asked.set()
        await request.content.read()
        await asyncio.Event().wait()
        raise AssertionError

    application = web.Application()
    application.router.add_get("/{path:.*}", silent)
    async with serving(application, pki.files(Role.PREF, "juki")) as url, asyncio.timeout(20):
        with pytest.raises(outward.PeerFault, match="TimeoutError"):
            async with outward.call(url, pki.caller(Role.CS, FUKUOKA, "juki")):
                raise AssertionError
    assert asked.is_set()


async def test_a_server_that_answers_more_than_it_was_asked_is_cut_off(pki: Pki) -> None:
    """Elsewise what nobody waits for would fill the memory."""

    async def talkative(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with suppress(ConnectionError):
            while True:
                await socket.send_str("unasked")
                await asyncio.sleep(0)
        return socket

    application = web.Application()
    application.router.add_get("/{path:.*}", talkative)
    caller = pki.caller(Role.CS, FUKUOKA, "juki")
    async with (
        serving(application, pki.files(Role.PREF, "juki")) as url,
        asyncio.timeout(20),
        outward.call(url, caller) as line,
    ):
        await line.lost.wait()
        with pytest.raises(outward.PeerFault, match="more replies than parcels"):
            await line.receive()
        assert line._messages.qsize() <= 2


def refused(events: list[Any]) -> list[Any]:
    return [event for event in events if event["event"] == "peer_refused"]


async def test_pinned_national_server_is_told_all(open_house: HouseMaker, pki: Pki, tmp_path: Path) -> None:
    journal = tmp_path / "national.ndjson"
    pin = thumbprint(load_certificate(pki.files(Role.NATIONAL, "juki").certificate))
    house = await open_house("juki", national=False)
    notice = juki_change()
    await tell_all(house, [notice])
    async with national(pki, journal) as url, relay_of(house, url=url, pins=(NOWHERE, pin)):
        await until(lambda: relayed(house))
    assert taken(journal) == [notice["id"]]


async def test_refused_record_is_closed_and_shown(open_house: HouseMaker, pki: Pki, tmp_path: Path) -> None:
    journal = tmp_path / "national.ndjson"
    house = await open_house("juki", national=False)
    refused, sound = juki_change(), juki_change()
    await tell_all(house, [refused, sound])
    (row,) = await house.rows("SELECT person_id FROM history WHERE notice_id = $1", refused["id"])
    _claim_to_know_more(journal, str(row["person_id"]))
    async with national(pki, journal) as url, relay_of(house, url=url):
        await until(lambda: relayed(house))
    rows = await house.rows("SELECT notice_id::text AS id, refused FROM outbox")
    assert {row["id"]: row["refused"] for row in rows} == {refused["id"]: "N310", sound["id"]: None}
    async with aiohttp.ClientSession() as session, session.get(f"{house.health_url}/healthz") as response:
        report = await response.json()
    assert report["outbox"] == {"records": 0, "oldest_seconds": 0.0, "refused": 1}
    assert report["status"] == "attention"
    assert any("1 件を拒否した" in problem for problem in report["problems"])


def _claim_to_know_more(path: Path, person_number: str) -> None:
    """A journal of a national server that has a later record of the person already."""
    journal = Journal(path)
    record = {"id": "0" * 8, "person_number": person_number, "sequence": 1000}
    journal.write([{"code": "N100", "prefecture": "400009", "parcel_digest": "x", "record": record}])
    journal.close()


async def test_one_relay_at_a_time(open_house: HouseMaker, pki: Pki, tmp_path: Path) -> None:
    house = await open_house("juki")
    await tell_all(house, [juki_change()])
    await until(lambda: relayed(house))
    ear = Ear()
    async with serving(ear.application(), pki.files(Role.NATIONAL, "juki")) as url:
        with capture_logs() as events:
            async with relay_of(house, url=url):
                await until(logged(events, "relay_waits"))
                notice = juki_change()
                await tell_all(house, [notice])
                await until(lambda: relayed(house))
                assert (ear.calls, ear.heard) == (0, [])
                await house.daemon.stop()

                async def took_over() -> bool:
                    return ear.calls > 0

                await until(took_over)
    assert taken(house.national_journal)[-1] == notice["id"]

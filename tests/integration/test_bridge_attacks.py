"""What must not cross the bridge: stolen keys, other certificates, second answers, other questions."""

import asyncio
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from jukinet_daemon.pki.files import write_issued
from jukinet_daemon.pki.issue import Validity, issue
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.pki.tls import TlsFiles, client_context
from jukinet_daemon.service.bridge_case import PeerUnreachable
from jukinet_daemon.store.bridge_release import Given, ReleaseStore
from jukinet_daemon.store.pool import Database
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.keyring import Keyring
from jukinet_daemon.vault.seal import RequestKey, SealFault
from jukinet_daemon.wire.bridge import (
    ANSWER_TYPE,
    ASK_TYPE,
    CONFIRM_TYPE,
    CONFIRMATION_TYPE,
    Ask,
    read_answer,
    read_release,
    write_ask,
)
from support.bridge import Bridged, an_ask, emigrate, opened_request, put
from support.notices import juki_change, resident_code
from support.store import session
from support.world import FUKUOKA, TRUST_DOMAIN, House, Pki, until


async def test_the_stolen_client_key_of_the_fuhyo_server_alone_gets_nothing(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    thief = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    ask, keys = an_ask([person["resident_code"]])
    try:
        assert [(r.code, r.number) for r in await put(thief, ask, keys)] == [("B330", None)]
    finally:
        await thief.close()
    (refused,) = await bridge_world.leaves("juki", "bridge_refused")
    (denied,) = await bridge_world.leaves("fuhyo", "bridge_unconfirmed")
    assert refused["request"] == denied["request"] == ask.requests[0].id
    assert refused["code"] == denied["code"] == "B330"


async def test_a_thief_who_repeats_an_open_request_under_a_key_of_his_own_gets_nothing(
    bridge_world: Bridged,
) -> None:
    (person,) = await emigrate(bridge_world)
    opened = await opened_request(bridge_world, person["resident_code"])
    own = RequestKey()
    stolen = replace(opened.ask, requests=(replace(opened.ask.requests[0], key=own.public),))
    thief = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    try:
        (release,) = await put(thief, stolen, [own])
        assert (release.code, release.number) == ("B330", None)
        # word for word it would be confirmed, and the answer opens for nobody but the one who asked
        opened = await opened_request(bridge_world, person["resident_code"])
        with pytest.raises(SealFault):
            await put(thief, opened.ask, [own])
    finally:
        await thief.close()


async def test_what_was_not_confirmed_stays_so_when_the_person_moves_on_meanwhile(
    bridge_world: Bridged,
) -> None:
    """A notice between reading and burning has the answer decided again, never the confirmation."""
    (person,) = await emigrate(bridge_world)
    thief = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    ask, keys = an_ask([person["resident_code"]])
    async with session(bridge_world.juki.dsn) as notice:

        async def burning_waits() -> bool:
            return bool(await bridge_world.juki.rows("SELECT FROM pg_locks WHERE NOT granted"))

        try:
            async with asyncio.TaskGroup() as group, notice.transaction():
                await notice.execute("UPDATE person SET version = version + 1")
                answer = group.create_task(put(thief, ask, keys))
                await until(burning_waits, seconds=60)
        finally:
            await thief.close()
    (release,) = answer.result()
    assert (release.code, release.number) == ("B330", None)


DIFFERENCES = [
    {"office": "nanbyo", "affair": "designated-disease", "basis": "J5-6-7"},
    {"requested_by": "another"},
    {"approved_by": "another"},
    {"expires_at": "2099-01-01T00:00:00.000000+00:00"},
    {"id": str(uuid4())},
]


def answered(house: House, code: str) -> float | None:
    """How often a server says that it answered so at its door of the bridge."""
    registry = house.daemon._frame.metrics.registry
    return registry.get_sample_value("jukinet_bridge_answers_total", {"code": code})


async def test_a_request_that_differs_in_anything_is_not_confirmed(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    asker = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    try:
        for changes in DIFFERENCES:
            opened = await opened_request(bridge_world, person["resident_code"])
            ask = replace(opened.ask, case=replace(opened.ask.case, **changes))
            assert [(r.code, r.number) for r in await put(asker, ask, [opened.key])] == [("B330", None)]
    finally:
        await asker.close()
    # A monitor is told at both ends.
    for house in (bridge_world.juki, bridge_world.fuhyo):
        assert answered(house, "B330") == len(DIFFERENCES)


async def test_another_persons_code_in_an_open_request_is_not_confirmed(bridge_world: Bridged) -> None:
    mine, other = await emigrate(bridge_world, 2)
    opened = await opened_request(bridge_world, mine["resident_code"])
    swapped = replace(opened.ask.requests[0], resident_code=other["resident_code"])
    asker = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    try:
        ask = replace(opened.ask, requests=(swapped,))
        assert [(r.code, r.number) for r in await put(asker, ask, [opened.key])] == [("B330", None)]
    finally:
        await asker.close()


async def test_a_request_is_answered_once_even_if_the_answer_was_lost(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    opened = await opened_request(bridge_world, person["resident_code"])
    asker = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    try:
        (first,) = await put(asker, opened.ask, [opened.key])
        (again,) = await put(asker, opened.ask, [opened.key])
    finally:
        await asker.close()
    assert (first.code, first.number) == ("B100", person["individual_number"])
    assert again.number is None
    assert again.code in ("B330", "B331")
    assert (answered(bridge_world.juki, "B100"), answered(bridge_world.juki, again.code)) == (1, 1)
    rows = await bridge_world.juki.rows("SELECT code FROM bridge_answer")
    assert [row["code"] for row in rows] == ["B100"]
    # the second question left its evidence too
    assert len(await bridge_world.leaves("juki", "bridge_refused")) == 1


async def test_without_the_call_back_nothing_is_given(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    opened = await opened_request(bridge_world, person["resident_code"])
    await bridge_world.fuhyo.daemon.stop()
    asker = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    try:
        assert [(r.code, r.number) for r in await put(asker, opened.ask, [opened.key])] == [("B330", None)]
    finally:
        await asker.close()


def _newly_issued(pki: Pki, folder: Any, role: Role, name: str) -> TlsFiles:
    """A certificate of the right name from our own CA, under another key than the pinned one."""
    now = datetime.now(UTC)
    issued = issue(
        pki.authority, PeerIdentity(TRUST_DOMAIN, role, name), Validity(now, now + timedelta(days=1))
    )
    files = write_issued(folder, "new", issued, pki.authority.chain)
    whose = pki.files(role, name)
    return TlsFiles(files.certificate, files.key, whose.ca, whose.crl)


@pytest.mark.parametrize("register", ["juki", "fuhyo"])
async def test_no_other_certificate_of_the_pki_passes(
    bridge_world: Bridged, register: str, tmp_path: Any
) -> None:
    pki, other = bridge_world.pki, {"juki": "fuhyo", "fuhyo": "juki"}[register]
    strangers = [
        pki.files(Role.CS, FUKUOKA),
        pki.files(Role.NATIONAL, "juki"),
        pki.files(Role.NATIONAL, "fuhyo"),
        pki.files(Role.OPERATOR, "demo"),
        pki.files(Role.PREF, register),
        _newly_issued(pki, tmp_path, Role.PREF, other),
    ]
    ask, _ = an_ask([resident_code()])
    for files in strangers:
        stranger = bridge_world.inquirer(register, files)
        try:
            with pytest.raises(PeerUnreachable, match=r"403|ClientOSError"):
                await stranger.exchange(write_ask(ask, "2026-11-24T09:00:00Z"), ASK_TYPE, ASK_TYPE)
        finally:
            await stranger.close()
    leaves = await bridge_world.leaves(register, "bridge_peer_refused")
    # the national servers' certificates are for servers: TLS itself turns them away
    assert [leaf["reason"] for leaf in leaves] == ["wrong-role", "wrong-role", "wrong-name", "not-pinned"]
    assert await bridge_world.juki.rows("SELECT FROM bridge_answer") == []


async def test_no_other_question_exists(bridge_world: Bridged) -> None:
    files = bridge_world.pki.files(Role.PREF, "fuhyo")
    base = bridge_world.door("juki").removesuffix("/bridge")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_context(files))) as session:
        for method in ("GET", "PUT", "DELETE", "POST"):
            for path in ("/", "/bridge/", "/bridge/requests", "/records", "/notices", "/status", "/numbers"):
                async with session.request(method, base + path, data=b"x") as answer:
                    assert answer.status == 404, (method, path)
        for method in ("GET", "PUT", "DELETE"):
            async with session.request(method, base + "/bridge") as answer:
                assert answer.status == 405


FORMS = [
    ("field", "name"),
    ("field", "resident_code"),
    ("protocol", "jukinet/1"),
    ("requests", []),
    ("requests", [{"id": "x"}]),
    ("more", 1),
]


async def test_a_question_of_another_form_is_refused_and_recorded(bridge_world: Bridged) -> None:
    ask, _ = an_ask([resident_code()])
    asker = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    try:
        for name, value in FORMS:
            message = json.loads(write_ask(ask, "2026-11-24T09:00:00Z")) | {name: value}
            with pytest.raises(PeerUnreachable, match="400"):
                await asker.exchange(json.dumps(message).encode(), ASK_TYPE, ASK_TYPE)
    finally:
        await asker.close()
    leaves = await bridge_world.leaves("juki", "bridge_refused")
    assert [leaf["code"] for leaf in leaves] == ["B340"] * len(FORMS)


async def test_a_call_back_is_believed_of_nobody_but_the_juki_server(bridge_world: Bridged) -> None:
    """The right peer, but a message that it did not sign as a call back."""
    asker = bridge_world.inquirer("fuhyo", bridge_world.pki.files(Role.PREF, "juki"))
    ask, _ = an_ask([resident_code()])
    try:
        with pytest.raises(PeerUnreachable, match="400"):
            await asker.exchange(write_ask(ask, "2026-11-24T09:00:00Z"), ASK_TYPE, CONFIRMATION_TYPE)
        reply = await asker.exchange(write_ask(ask, "2026-11-24T09:00:00Z"), CONFIRM_TYPE, CONFIRMATION_TYPE)
    finally:
        await asker.close()
    assert b"B330" in reply.payload


@pytest.mark.parametrize("seed", range(3))
async def test_no_sequence_of_calls_yields_a_number_without_a_burnt_request(
    bridge_world: Bridged, seed: int
) -> None:
    """Requests opened, asked, repeated, forged, and people who come and go, in any order."""
    dice = random.Random(seed)
    people = await emigrate(bridge_world, 3)
    opened = [await opened_request(bridge_world, person["resident_code"]) for person in people]
    at_home: set[str] = set()
    given: list[tuple[str, str]] = []
    asker = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))

    async def try_it(ask: Ask, key: RequestKey) -> None:
        try:
            (release,) = await put(asker, ask, [key])
        except SealFault:
            return
        if release.number:
            assert ask.requests[0].resident_code not in at_home
            given.append((ask.requests[0].id, release.number))

    try:
        for _step in range(24):
            person, right = dice.choice(people), dice.choice(opened)
            match dice.randrange(5):
                case 0:
                    opened.append(await opened_request(bridge_world, person["resident_code"]))
                case 1 | 2:
                    await try_it(right.ask, right.key)
                case 3:
                    forged, (key,) = an_ask([person["resident_code"]])
                    await try_it(forged, key)
                case 4 if person["resident_code"] not in at_home:
                    at_home.add(person["resident_code"])
                    back = {"cause": "overseas_move_in", "event_date": "20261115"}
                    await bridge_world.tell("juki", juki_change(person=person, **back))
    finally:
        await asker.close()
    burnt = await bridge_world.juki.rows(
        "SELECT request_id::text AS id FROM bridge_answer WHERE code = 'B100'"
    )
    # every number has its burnt request, and no request gave two
    assert sorted(request_id for request_id, _ in given) == sorted(row["id"] for row in burnt)
    numbers = {person["individual_number"] for person in people}
    assert {number for _, number in given} <= numbers


async def test_an_answer_has_the_same_size_whatever_it_says_of_the_person(bridge_world: Bridged) -> None:
    left, back = await emigrate(bridge_world, 2)
    await bridge_world.tell("juki", juki_change(person=back, cause="overseas_move_in", event_date="20261115"))
    asker = bridge_world.inquirer("juki", bridge_world.pki.files(Role.PREF, "fuhyo"))
    sizes, codes = set(), set()
    try:
        for person in (left, back):
            opened = await opened_request(bridge_world, person["resident_code"])
            question = write_ask(opened.ask, "2026-11-24T09:00:00Z")
            reply = await asker.exchange(question, ASK_TYPE, ANSWER_TYPE)
            sizes.add(len(reply.payload))
            sealed = read_answer(reply.payload, reply.asked)[opened.ask.requests[0].id]
            bound_to = f"{reply.asked}/{opened.ask.requests[0].id}".encode()
            codes.add(read_release(opened.key.open(sealed, bound_to)).code)
    finally:
        await asker.close()
    assert codes == {"B100", "B322"}
    assert len(sizes) == 1


def test_a_number_that_is_not_there_costs_the_opening_of_one_value_too() -> None:
    opened: list[str] = []

    class Counting(Vault):
        def open(self, place: str, sealed: bytes) -> bytes:
            opened.append(place)
            return super().open(place, sealed)

    vault = Counting(Keyring(MappingProxyType({1: bytes(32)}), 1, bytes(32)))
    store = ReleaseStore(Database(None, {}, None), vault)  # type: ignore[arg-type] # it reads nothing here
    sealed = vault.seal("history/individual_number/7/2", b"123456789012")
    assert store.number(Given(7, 2, sealed)) == "123456789012"
    assert store.number(None) is None
    assert len(opened) == 2
    # and it goes on after the keys were rotated and the old one destroyed
    vault.renew(Keyring(MappingProxyType({2: bytes([2]) * 32}), 2, bytes(32)))
    assert store.number(None) is None

"""The bridge's door and window answer as their OpenAPI documents say, to good forms and to bad ones."""

import asyncio
import json
from uuid import uuid4

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from http_doors import DOORS
from jukinet_daemon.keys import signing_key
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from jukinet_daemon.server.bridge_control import MAX_FORM_BYTES
from jukinet_daemon.server.guard import LET_GO_BYTES
from jukinet_daemon.wire.bridge import ASK_TYPE, MAX_BRIDGE_BYTES, write_ask
from jukinet_daemon.wire.envelope import seal
from support.bridge import PASSWORD, WANTED, Bridged, emigrate, opened_request
from support.store import holding
from support.world import until

BAD_BODIES = (
    *(b"", b"{}", b"[]", b"null", b"\xff", b"{", b'{"first": 1, "first": 2}', b'{"password": 1}'),
    *(json.dumps(WANTED | {"office": word}).encode() for word in ("", "x" * 65, "a b", "\0", "\U0001f600")),
    *(json.dumps({"first": first, "keys": ["x"]}).encode() for first in (0, -1, 1.5, True, 10**30, "1")),
    *(json.dumps({"first": 1, "keys": keys}).encode() for keys in ([], [""], ["x" * 81], ["x"] * 1001, "x")),
    *(json.dumps({"first": 9, "keys": [f"401307/{word}"]}).encode() for word in ("\0", "\ud800", "\u202e")),
    *(json.dumps({"password": word}).encode() for word in ("", "x" * 11, "x" * 201)),
)
IDS = ("none", "0", "%00", "%FF", "x" * 2000, "%F0%9F%98%80", str(uuid4()))


async def told(door: str, path: str, answer: aiohttp.ClientResponse) -> int:
    """The status of an answer, once it is as documented."""
    said = DOORS[door][1][path][answer.method.lower()]["responses"].get(str(answer.status))
    body = await answer.read()
    assert said is not None, (path, answer.status, body)
    ((kind, content),) = said["content"].items()
    assert answer.headers["Content-Type"] == kind
    if kind != "application/octet-stream":
        Draft202012Validator(content["schema"]).validate(
            json.loads(body) if "json" in kind else body.decode()
        )
    return answer.status


async def ask_window(world: Bridged, method: str, path: str, place: str, body: bytes | None = None) -> int:
    """The status of an answer at the window, once it is as documented."""
    assert world.fuhyo.config.bridge
    connector = aiohttp.UnixConnector(str(world.fuhyo.config.bridge.socket))
    async with (
        aiohttp.ClientSession(connector=connector, requote_redirect_url=False) as session,
        session.request(method, "http://window" + path.format(id=place), data=body) as answer,
    ):
        return await told("window", path, answer)


async def test_every_answer_of_the_window_is_one_that_is_documented(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case())["case"]
    keys = json.dumps({"first": 1, "keys": [person["resident_code"], "x"]}).encode()
    password = json.dumps({"password": PASSWORD}).encode()
    good: list[tuple[str, str, bytes | None]] = [
        ("post", "/bridge/cases", json.dumps(WANTED).encode()),
        ("post", "/bridge/cases", json.dumps(WANTED | {"office": "nobody"}).encode()),
        ("post", "/bridge/cases/{id}/keys", keys),
        ("get", "/bridge/cases", None),
        ("get", "/bridge/cases/{id}", None),
        ("post", "/bridge/cases/{id}/delivery", password),
        ("post", "/bridge/cases/{id}/delivered", None),
    ]
    assert [await ask_window(bridge_world, m, path, case, body) for m, path, body in good] == [200] * 7
    assert {(path, m) for m, path, _ in good} == {
        (path, m) for path, methods in DOORS["window"][1].items() for m in methods
    }
    for method, path, body in good[2:]:
        for place in IDS if "{id}" in path else ():
            assert await ask_window(bridge_world, method, path, place, body) == 409
    for method, path, body in good:
        for bad in BAD_BODIES if body is not None else ():
            assert await ask_window(bridge_world, method, path, case, bad) in (200, 409)
        if body is not None:
            assert await ask_window(bridge_world, method, path, case, b" " * (MAX_FORM_BYTES + 1)) == 413


async def test_a_line_that_is_asked_again_is_told_of_and_asks_nobody(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case())["case"]
    code = person["resident_code"]
    assert "outcomes" in await bridge_world.ask(case, code, "x")
    asked = len(await bridge_world.leaves("fuhyo", "bridge_requested"))
    for first in (1, 2):
        form = json.dumps({"first": first, "keys": [code, code]}).encode()
        assert await ask_window(bridge_world, "post", "/bridge/cases/{id}/keys", case, form) == 409
    assert len(await bridge_world.leaves("fuhyo", "bridge_requested")) == asked
    assert len(await bridge_world.deliver(case)) == 2


_WAITED_FOR = """SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
WHERE d.datname = current_database() AND l.relation = '{}'::regclass AND NOT l.granted"""


@pytest.mark.parametrize(
    ("register", "table"),
    [("fuhyo", "person_key"), ("juki", "bridge_answer")],
    ids=["before it is asked", "before it is answered"],
)
async def test_a_case_that_ends_while_it_is_asked_is_told_of(
    bridge_world: Bridged, register: str, table: str
) -> None:
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case())["case"]
    form = json.dumps({"first": 1, "keys": [person["resident_code"]]}).encode()
    house = bridge_world.houses[register]
    async with holding(house.dsn, f"LOCK TABLE {table}"):
        asking = asyncio.create_task(ask_window(bridge_world, "post", "/bridge/cases/{id}/keys", case, form))
        await until(lambda: house.rows(_WAITED_FOR.format(table)))
        await bridge_world.deliver(case)
    assert await asking == 409
    assert await bridge_world.leaves("fuhyo", "bridge_received") == []


async def put(world: Bridged, register: str, body: bytes) -> int:
    """The status of an answer at the 都道府県 server's bridge door, once it is as documented."""
    context = client_context(world.pki.files(Role.PREF, register))
    async with (
        aiohttp.ClientSession() as session,
        session.post(world.door("juki"), data=body, ssl=context) as answer,
    ):
        return await told("bridge", "/bridge", answer)


@pytest.mark.parametrize("good", [True, False])
async def test_every_answer_of_the_door_is_one_that_is_documented(bridge_world: Bridged, good: bool) -> None:
    (person,) = await emigrate(bridge_world)
    opened = await opened_request(bridge_world, person["resident_code"])
    payload = write_ask(opened.ask, "2026-11-24T09:00:00+09:00")
    key = signing_key(bridge_world.pki.files(Role.PREF, "fuhyo"))
    signed = seal(payload, ASK_TYPE, key).encode()
    if good:
        assert await put(bridge_world, "fuhyo", signed) == 200
        return
    assert await put(bridge_world, "juki", signed) == 403
    assert await put(bridge_world, "fuhyo", b"x" * MAX_BRIDGE_BYTES) == 400
    for size in (MAX_BRIDGE_BYTES + 1, 4 * MAX_BRIDGE_BYTES, LET_GO_BYTES):
        assert await put(bridge_world, "fuhyo", b"x" * size) == 413
    for bad in (
        b"",
        b"\xff",
        b"a.b.c",
        signed[:-5],
        signed[5:],
        signed + b".x",
        seal(b"{}", ASK_TYPE, key).encode(),
    ):
        assert await put(bridge_world, "fuhyo", bad) == 400

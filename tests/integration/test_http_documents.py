"""The doors that speak HTTP to this host answer as their OpenAPI documents say, to whatever is asked."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from yarl import URL

from conftest import HouseMaker
from http_doors import DOORS, document, http_documents
from jukinet_daemon.server.bridge import BridgeDoor
from jukinet_daemon.server.bridge_control import BridgeWindow
from jukinet_daemon.server.control import ControlDoor
from jukinet_daemon.server.health import HealthDoor
from support.notices import juki_change
from support.world import FUKUOKA, House

SEED, EACH = 20260401, 25
# What strangers, tired people and broken programs write.
WORDS = (
    *(
        "",
        "true",
        "0",
        "-1",
        "9" * 30,
        "1e3",
        "１",
        "理由",
        "a b",
        "a\nb",
        "\0",
        "%00",
        "../status",
        "\u202e",
    ),
    *("'; DROP TABLE held; --", "x" * 2000, "2026-11-24T22:00", "9999-12-31", "0001-01-01T00:00+23:59"),
    *("9999-12-31T23:59-23:59", "2099-01-01T00:00Z", "\U0001f600", "00000000-0000-4000-8000-000000000001"),
)
SOUND = {"apply": "true", "reason": "duplicate", "first": "1", "last": "3", "until": ""}
# Nothing is sealed in this house, so no new log can be begun.
NEVER = {("post", "/ledger/restart")}
# Method, path as documented, path as asked, query, the answers documented.
Call = tuple[str, str, str, dict[str, str], dict[str, Any]]


@pytest.mark.parametrize("path", http_documents(), ids=lambda path: path.name)
def test_a_document_is_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == http_documents()[path], "run `make schemas`"


async def test_the_documents_name_every_route_and_no_other(tmp_path: Path) -> None:
    control = ControlDoor(*cast("Any", [None] * 6))
    await control.open(tmp_path / "socket")
    try:
        assert control._runner
        nobody = cast("Any", None)
        window = web.Application()
        window.router.add_routes(BridgeWindow(nobody).routes())
        applications = {
            "control": control._runner.app,
            "health": HealthDoor(nobody).application(),
            "bridge": BridgeDoor(nobody).application(),
            "window": window,
        }
        assert applications.keys() == DOORS.keys()
        for door, application in applications.items():
            told = {(path, method) for path, methods in DOORS[door][1].items() for method in methods}
            assert told == set(_routes(application))
    finally:
        await control.close()


def _routes(application: web.Application) -> Iterator[tuple[str, str]]:
    for route in application.router.routes():
        assert route.resource
        if route.method != "HEAD":
            yield route.resource.canonical, route.method.lower()


def _calls(door: str, ids: list[str]) -> Iterator[Call]:
    """Every operation many times, with sound values, strange ones, and none."""
    chance = random.Random(SEED)
    for path, methods in DOORS[door][1].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            for turn in range(EACH if parameters else 2):
                values = {p["name"]: _value(p, ids, chance, turn) for p in parameters}
                inside = {p["name"]: values.pop(p["name"]) for p in parameters if p["in"] == "path"}
                query = {name: value for name, value in values.items() if turn == 0 or chance.random() < 0.8}
                quoted = {name: quote(value, safe="") for name, value in inside.items()}
                yield method, path, path.format(**quoted), query, operation["responses"]


def _value(parameter: dict[str, Any], ids: list[str], chance: random.Random, turn: int) -> str:
    name = parameter["name"]
    if name == "sender":
        return chance.choice([FUKUOKA, "999999", "x"]) if turn else FUKUOKA
    if (name == "id" and chance.random() < 0.5) or (turn == 0 and name == "id"):
        return ids.pop() if turn == 0 and len(ids) > 1 else chance.choice(ids)
    if turn == 0 or chance.random() < 0.3:
        return SOUND.get(name) or (datetime.now(UTC) + timedelta(days=1)).isoformat()
    word = chance.choice(WORDS)
    return word if word not in ("", "../status") or parameter["in"] == "query" else "none"


@asynccontextmanager
async def asked(house: House, door: str) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    connector = None
    if door == "control":
        assert house.config.control
        connector = aiohttp.UnixConnector(str(house.config.control.socket))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session, "http://control" if connector else house.health_url


async def _fault(session: aiohttp.ClientSession, base: str, call: Call) -> tuple[int, str | None]:
    """The status of an answer, and what of it is not as documented."""
    method, _, path, query, responses = call
    async with session.request(method, f"{base}{path}", params=query) as answer:
        said = responses.get(str(answer.status))
        if said is None:
            return answer.status, f"{method} {path} {query}: {answer.status} {await answer.text()}"
        ((kind, content),) = said["content"].items()
        if answer.headers["Content-Type"] != kind:
            return answer.status, f"{path}: {answer.headers['Content-Type']}"
        body = await answer.json() if "json" in kind else await answer.text()
        faults = [fault.message for fault in Draft202012Validator(content["schema"]).iter_errors(body)]
        return answer.status, f"{method} {path}: {faults[0]}" if faults else None


@pytest.mark.parametrize("door", ["control", "health"])
async def test_every_answer_is_one_that_is_documented(
    open_house: HouseMaker, tmp_path: Path, door: str
) -> None:
    house = await open_house(national=False, control={"socket": tmp_path / "control.sock"})
    held = [juki_change(change="correction", cause="correction_ex_officio") for _ in range(5)]
    async with house.line() as line:
        await line.tell(juki_change(), *held)
    ids = [notice["id"] for notice in held]
    faults, well = [], set()
    async with asked(house, door) as (session, base):
        for call in _calls(door, ids):
            status, fault = await _fault(session, base, call)
            faults += [fault] if fault else []
            well |= {call[:2]} if status == 200 else set()
    assert faults == []
    assert {(m, path) for path, methods in DOORS[door][1].items() for m in methods} - well <= NEVER


async def test_whether_to_do_it_is_said_in_one_of_two_words(open_house: HouseMaker, tmp_path: Path) -> None:
    house = await open_house(national=False, control={"socket": tmp_path / "control.sock"})
    held = juki_change(change="correction", cause="correction_ex_officio")
    async with house.line() as line:
        await line.tell(juki_change(), held)
    orders = (
        f"/held/{held['id']}/release?",
        f"/held/{held['id']}/reject?reason=duplicate&",
        f"/numbers/{FUKUOKA}/settle?first=1&last=1&",
        "/ledger/restart?reason=x&",
    )
    async with asked(house, "control") as (session, base):
        for order in orders:
            for word in ("True", "yes", "1", "", "trueish", "true%20"):
                async with session.post(URL(f"{base}{order}apply={word}", encoded=True)) as answer:
                    assert (answer.status, "apply" in (await answer.json())["problem"]) == (409, True), order
        async with session.get(f"{base}/held") as answer:
            assert len(await answer.json()) == 1


def test_an_answer_with_more_or_less_than_documented_is_seen() -> None:
    schema = document("control")["paths"]["/numbers"]["get"]["responses"]["200"]["content"]
    validator = Draft202012Validator(next(iter(schema.values()))["schema"])
    assert validator.is_valid({"missing": [], "reused": [], "leapt": [], "unsummarised": False})
    wrongs: tuple[Any, ...] = (
        {"missing": [], "reused": [], "leapt": []},
        {"missing": [], "reused": [], "leapt": [], "unsummarised": 0},
    )
    for wrong in wrongs:
        assert not validator.is_valid(wrong)
    assert not validator.is_valid({"missing": [], "reused": [], "leapt": [], "unsummarised": True, "more": 1})

"""戸口: both servers as processes with something in them, and where each of their HTTP doors is asked."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from asked.forward import forwarded
from jukinet_daemon.config import load_config
from jukinet_daemon.keys import signing_key
from jukinet_daemon.outward import call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import TlsFiles
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.server.bridge import PATH
from jukinet_daemon.sim.demo.stage import Stage
from jukinet_daemon.sim.pki import tls_files
from jukinet_daemon.sim.world import REGISTERS, World
from jukinet_daemon.wire.bridge import ASK_TYPE, CONFIRM_TYPE, write_ask
from jukinet_daemon.wire.envelope import seal
from support.bridge import OTHER, PASSWORD, WANTED, an_ask, left, shown_overseas
from support.canary import NAME_MARK, resident
from support.world import FUKUOKA, CsLine

PEOPLE, HELD, CASES = 20, 12, 4
SENT_AT = "2026-11-24T09:00:00+09:00"


@dataclass(frozen=True)
class Door:
    """One door: its name, its OpenAPI document, its address; parameters and bodies that mean something to it.

    Parameters are known by name, bodies by path. `files`: what is shown where TLS is spoken.
    """

    name: str
    document: str
    url: str
    parameters: dict[str, list[Any]] = field(default_factory=dict)
    bodies: dict[str, list[Any]] = field(default_factory=dict)
    files: TlsFiles | None = None


@dataclass(frozen=True)
class Register:
    """What is in a register: residents' codes, ids of notices that are held and that were applied."""

    codes: list[str]
    held: list[str]
    applied: list[str]


@asynccontextmanager
async def doors(folder: Path, say: Callable[[str], None]) -> AsyncIterator[list[Door]]:
    """Starts everything and gives the doors; it all ends with the context, in order."""
    stage = Stage(folder, say)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stage.close)
        world = await stage.open(read_areas().senders)
        filled = await _filled(world)
        found, operators = [], []
        for register in REGISTERS:
            site = world.site(register)
            bridge = load_config(Path(site.config)).bridge
            assert bridge is not None
            found.append(Door(f"{register} health", "health", site.health))
            found.append(_bridge(world, register, f"https://{bridge.listen}", filled["juki"]))
            url = await stack.enter_async_context(forwarded(Path(site.control)))
            operators.append(_control(f"{register} control", url, filled[register]))
        url = await stack.enter_async_context(forwarded(folder / "fuhyo-bridge.sock"))
        window = await _window("fuhyo window", url, filled["fuhyo"])
        # Operators last: they settle what is held, begin logs, put the servers under maintenance.
        yield [*found, window, *operators]


def _control(name: str, url: str, filled: Register) -> Door:
    """The operators' door: what is held, a number that is missing, a time that is near."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    parameters: dict[str, list[Any]] = {
        "id": [*filled.held, *filled.applied[:2]],
        "apply": ["true", "false"],
        "reason": ["duplicate"],
        "sender": [FUKUOKA],
        "first": [2],
        "last": [3],
        "until": [tomorrow.isoformat()],
    }
    return Door(name, "control", url, parameters)


def _bridge(world: World, register: str, url: str, filled: Register) -> Door:
    """A bridge door, asked by the other server: with questions as only its key can write them."""
    files = tls_files(world.pki, Role.PREF, OTHER[register])
    kind = ASK_TYPE if register == "juki" else CONFIRM_TYPE
    key = signing_key(files)
    asks = [an_ask([code])[0] for code in filled.codes[:3]]
    signed = [seal(write_ask(ask, SENT_AT), kind, key) for ask in asks]
    return Door(f"{register} bridge", "bridge", url, bodies={PATH: signed}, files=files)


async def _window(name: str, url: str, filled: Register) -> Door:
    """The officials' window: cases that are open, people who left the country."""
    async with aiohttp.ClientSession(url) as session:
        cases = []
        for _ in range(CASES):
            async with session.post("/bridge/cases", json=WANTED) as answer:
                cases.append((await answer.json())["case"])
    keys = [{"first": 1, "keys": filled.codes[:5]}, {"first": 6, "keys": [filled.codes[5], NAME_MARK]}]
    bodies: dict[str, list[Any]] = {
        "/bridge/cases": [WANTED],
        "/bridge/cases/{id}/keys": keys,
        "/bridge/cases/{id}/delivery": [{"password": PASSWORD}],
    }
    return Door(name, "window", url, {"id": cases}, bodies)


async def _filled(world: World) -> dict[str, Register]:
    """Residents whom only we know, of whom all left the country; notices that are held; a missing number."""
    entries = [resident() for _ in range(PEOPLE)]
    codes = [notice["person"]["resident_code"] for notice in entries]
    gone = [left(notice["person"]) for notice in entries]
    held = [resident(change="correction", cause="correction_ex_officio") for _ in range(HELD)]
    overseas = [shown_overseas(code, person={"name": f"{NAME_MARK} {code}"}) for code in codes]
    strange = [shown_overseas(code, change="deletion") for code in _codes(held)]
    for register, parcels in (("juki", (entries, gone, held)), ("fuhyo", (overseas, strange))):
        await _tell(world, register, parcels)
    return {
        "juki": Register(codes, _ids(held), _ids(entries)),
        "fuhyo": Register(codes, _ids(strange), _ids(overseas)),
    }


async def _tell(world: World, register: str, parcels: tuple[list[dict[str, Any]], ...]) -> None:
    """Parcels of 福岡市, of which every second number never came: applied, and the last of them held."""
    caller = world.cs_caller(FUKUOKA, register)
    async with call(world.site(register).notices, caller) as conversation:
        line = CsLine(register, FUKUOKA, caller, conversation, count(1, 3))
        said = [{answer.outcome for answer in await line.tell(*notices)} for notices in parcels]
    assert said == [{"ACCEPTED"}] * (len(parcels) - 1) + [{"HELD"}], said


def _codes(notices: list[dict[str, Any]]) -> list[str]:
    return [notice["person"]["resident_code"] for notice in notices]


def _ids(notices: list[dict[str, Any]]) -> list[str]:
    return [notice["id"] for notice in notices]

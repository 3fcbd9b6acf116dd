"""国外転出者: both servers with the bridge between them, and people who left, told to both by notices."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.load import WrongAnswers
from benchmarks.parcels import Press, cut
from benchmarks.stage import Stage
from jukinet_daemon.outward import Conversation, call
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role, thumbprint
from jukinet_daemon.sim.pki import tls_files
from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.wire.envelope import PARCEL_TYPE, seal
from jukinet_daemon.wire.parcel import Parcel, write_parcel

OFFICES = Path(__file__).parents[1] / "config" / "offices.csv"
_OTHER = {"juki": "fuhyo", "fuhyo": "juki"}
_ENTERED, _LEFT = "20240401", "20250401"
_SHOWN = ("name", "name_kana", "date_of_birth", "birth_era", "sex", "resident_code")
_PARCEL = 200

_DOORS = """
[rules]
offices = "{offices}"

[notices]
listen = "127.0.0.1:{notices}"

[bridge]
listen = "127.0.0.1:{own}"
peer = "https://127.0.0.1:{other}/bridge"
pins = ["{pin}"]
hold_minutes = 60
"""


@dataclass(frozen=True, slots=True)
class Bridge:
    """Both servers: process ids and notices doors by register, and the configuration operators give."""

    pids: dict[str, int]
    notices: dict[str, str]
    config: Path


@asynccontextmanager
async def open_bridge(stage: Stage) -> AsyncIterator[Bridge]:
    """Starts the two servers, each on a new database of its own name; drops both at the end."""
    ports = {register: (free_port(), free_port()) for register in _OTHER}
    pids, configs = {}, {}
    async with AsyncExitStack() as stack:
        for register, other in _OTHER.items():
            await stage.database(register, register=register)
            stack.push_async_callback(stage.drop, register)
            pin = thumbprint(load_certificate(tls_files(stage.pki, Role.PREF, other).certificate))
            doors = _DOORS.format(
                offices=OFFICES,
                notices=ports[register][0],
                own=ports[register][1],
                other=ports[other][1],
                pin=pin,
            )
            if register == "fuhyo":
                doors += f'socket = "{stage.folder.absolute() / "bridge.sock"}"\n'
            configs[register] = stage.config(f"bridge-{register}", register, doors, register)
            pids[register], _start_s = await stack.enter_async_context(stage.jukinetd(configs[register]))
        urls = {register: f"wss://127.0.0.1:{port}/notices" for register, (port, _) in ports.items()}
        yield Bridge(pids, urls, configs["fuhyo"])


async def emigrate(stage: Stage, bridge: Bridge, people: int) -> list[str]:
    """Tells both servers of so many people who left the country; gives their 住民票コード."""
    sender = stage.senders[0]
    press = Press([sender])
    entries = [press.entry(person) | {"event_date": _ENTERED} for person in range(1, people + 1)]
    for register, notices in (
        ("juki", entries),
        ("juki", [_left(entry) for entry in entries]),
        ("fuhyo", [_shown(entry) for entry in entries]),
    ):
        async with call(bridge.notices[register], stage.caller(sender, register)) as line:
            for some in cut(notices, _PARCEL):
                await _tell(line, Parcel(register, sender, 1, tuple(some)), stage)
    return [entry["person"]["resident_code"] for entry in entries]


def _left(entry: dict[str, Any]) -> dict[str, Any]:
    """消除 by 国外転出."""
    fields = {"change": "deletion", "cause": "overseas_move_out", "event_date": _LEFT}
    return entry | {"id": str(uuid4())} | fields


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    """記載 in the 附票, of somebody who is overseas."""
    person = {item: value for item, value in entry["person"].items() if item in _SHOWN}
    return {
        "kind": "change",
        "id": str(uuid4()),
        "area": entry["area"],
        "record_key": f"F-{entry['person']['resident_code']}",
        "change": "entry",
        "event_date": _LEFT,
        "person": person | {"overseas": True},
    }


async def _tell(line: Conversation, parcel: Parcel, stage: Stage) -> None:
    now = datetime.now().astimezone().isoformat(timespec="milliseconds")
    key = stage.caller(parcel.sender, parcel.register).key
    await line.send(seal(write_parcel(parcel, now), PARCEL_TYPE, key))
    answers = (await line.receive()).reply.answers
    if wrong := next((answer for answer in answers if answer.outcome != "ACCEPTED"), None):
        raise WrongAnswers(f"not everything was accepted: {wrong}")

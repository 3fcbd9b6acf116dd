"""Two servers with the bridge between them, people overseas in both files, and an operator's hand."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from jukinet_daemon.credentials import Credentials
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.domain.notice import Key, KeyKind
from jukinet_daemon.keys import signing_key
from jukinet_daemon.outward_http import Address, Inquirer
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role, thumbprint
from jukinet_daemon.pki.tls import TlsFiles, server_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.server.gate import Gate
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.service.bridge_case import leaf, moment_text
from jukinet_daemon.sim.national import NUMBERS_PATH, NationalServer, Office
from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.store.bridge_request import CaseRow, Opening, RequestStore
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.vault.age import open_age
from jukinet_daemon.vault.seal import RequestKey, key_digest
from jukinet_daemon.wire.bridge import (
    ANSWER_TYPE,
    ASK_TYPE,
    Ask,
    Case,
    Release,
    Request,
    read_answer,
    read_release,
    write_ask,
)
from support.notices import fuhyo_change, juki_change
from support.store import VAULT
from support.world import REGISTERS, TRUST_DOMAIN, House, Pki, config_for, write_keyring

OFFICES = Path(__file__).parents[2] / "config" / "offices.csv"
WANTED = {"office": "zeimu", "affair": "prefectural-tax", "basis": "J5-4-3", "approved_by": "somebody"}
PASSWORD = "correct horse battery"
OTHER = {"juki": "fuhyo", "fuhyo": "juki"}
# Burns one request: its id, its case, what it comes to, whose, and the version that was decided on.
BURN = """
SELECT bridge_burn(
    ARRAY[ROW($1::uuid, $2::uuid, 'a', 'b', 'c', 't', $3, $4, $5)]::bridge_answer_row[],
    ARRAY[ROW(
        repeat('x', 32)::bytea, ''::bytea, jsonb_build_object(
            'event', 'bridge_answered', 'request', $1::uuid, 'code', $3::text
        )::text
    )]::ledger_row[]
)
"""


@dataclass(frozen=True)
class Bridged:
    """Both servers and what the tests do with them."""

    pki: Pki
    houses: dict[str, House]
    elsewhere: dict[str, str]

    @property
    def juki(self) -> House:
        return self.houses["juki"]

    @property
    def fuhyo(self) -> House:
        return self.houses["fuhyo"]

    def door(self, register: str) -> str:
        return f"https://{self.houses[register].daemon.addresses['bridge']}/bridge"

    async def tell(self, register: str, *notices: dict[str, Any]) -> None:
        """Notices of 福岡市, all of which must be applied."""
        async with self.houses[register].line() as line:
            answers = await line.tell(*notices)
        assert [answer.outcome for answer in answers] == ["ACCEPTED"] * len(notices)

    async def window(self, method: str, path: str, form: Any = None) -> Any:
        """What an operator is answered; bytes for a delivery."""
        bridge = self.fuhyo.config.bridge
        assert bridge is not None
        assert bridge.socket is not None
        return await at_window(bridge.socket, method, path, form)

    async def open_case(self, **changes: str) -> dict[str, Any]:
        opened: dict[str, Any] = await self.window("POST", "/bridge/cases", WANTED | changes)
        return opened

    async def ask(self, case: str, *keys: str, first: int = 1) -> dict[str, Any]:
        form = {"first": first, "keys": keys}
        said: dict[str, Any] = await self.window("POST", f"/bridge/cases/{case}/keys", form)
        return said

    async def deliver(self, case: str) -> list[dict[str, Any]]:
        """The lines of the one delivery, its head left out."""
        form = {"password": PASSWORD}
        sealed = await self.window("POST", f"/bridge/cases/{case}/delivery", form)
        assert isinstance(sealed, bytes), sealed
        text = b"".join(open_age([sealed], PASSWORD)).decode()
        assert await self.window("POST", f"/bridge/cases/{case}/delivered") == {"case": case}
        return [json.loads(line) for line in text.splitlines()[1:]]

    async def numbers(self, *keys: str) -> list[dict[str, Any]]:
        """What an office gets for keys, from case to delivery."""
        case = (await self.open_case())["case"]
        said = await self.ask(case, *keys)
        assert "outcomes" in said, said
        return await self.deliver(case)

    async def leaves(self, register: str, event: str) -> list[dict[str, Any]]:
        """The evidence of one kind of event, in order."""
        rows = await self.houses[register].rows("SELECT payload FROM ledger ORDER BY entry_id")
        payloads = [json.loads(row["payload"]) for row in rows]
        return [payload for payload in payloads if payload["event"] == event]

    def inquirer(self, register: str, files: TlsFiles) -> Inquirer:
        """Somebody with a certificate who asks at a register's bridge door."""
        policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({register}), side=Side.SERVER)
        return Inquirer(Address(self.door(register), policy), Credentials(files))


async def at_window(socket: Path, method: str, path: str, form: Any = None) -> Any:
    """What an operator is answered at a bridge's socket; bytes for a delivery."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session,
        session.request(method, f"http://bridge{path}", json=form) as answer,
    ):
        if answer.content_type == "application/json":
            return await answer.json()
        return await answer.read()


def pin(pki: Pki, register: str) -> str:
    return thumbprint(load_certificate(pki.files(Role.PREF, register).certificate))


@asynccontextmanager
async def bridged(pki: Pki, dsns: dict[str, str], folder: Path, **bridge: Any) -> AsyncIterator[Bridged]:
    """Both servers, and a national server that knows `elsewhere`."""
    ports = {register: free_port() for register in REGISTERS}
    houses: dict[str, House] = {}
    elsewhere: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        national = await stack.enter_async_context(bridge_national(pki, folder, elsewhere))
        for register in REGISTERS:
            section = {
                "listen": f"127.0.0.1:{ports[register]}",
                "peer": f"https://127.0.0.1:{ports[OTHER[register]]}/bridge",
                "pins": [pin(pki, OTHER[register])],
                "socket": folder / "bridge.sock",
                "national": national,
            }
            own = folder / register
            own.mkdir(exist_ok=True)
            ring = own / "keyring.toml"
            config = config_for(
                register,
                pki,
                dsns[register],
                ring if ring.exists() else write_keyring(own),
                rules={"offices": OFFICES},
                bridge=section | bridge,
            )
            daemon = Daemon(config)
            await daemon.start()
            stack.push_async_callback(daemon.stop)
            houses[register] = House(register, pki, config, daemon, dsns[register], folder / "none")
        yield Bridged(pki, houses, elsewhere)


@asynccontextmanager
async def bridge_national(
    pki: Pki, folder: Path, elsewhere: dict[str, str], address: str = "127.0.0.1:0"
) -> AsyncIterator[str]:
    """The national server that knows the numbers of persons elsewhere; gives where it is asked."""
    files = pki.files(Role.NATIONAL, "fuhyo")
    policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({"fuhyo"}))
    office = Office("fuhyo", policy, signing_key(files))
    server = NationalServer(office, folder / "national.ndjson", elsewhere)
    listener = Listener(server.application(), Gate("national", server_context(files)))
    address = await listener.open(address)
    try:
        yield f"https://{address}{NUMBERS_PATH}"
    finally:
        await listener.close()
        server.close()


def entry(**changes: Any) -> dict[str, Any]:
    """A 記載 of 1 November in the 住基 file."""
    return juki_change(**changes)


def left(person: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The 消除 of somebody who left the country."""
    fields = {"change": "deletion", "cause": "overseas_move_out", "event_date": "20261110"} | changes
    return juki_change(person=person, **fields)


def shown_overseas(code: str, **changes: Any) -> dict[str, Any]:
    """The 附票 record of somebody overseas."""
    person = {"resident_code": code, "overseas": True, "address": ..., "address_area": ...}
    return fuhyo_change(person=person | changes.pop("person", {}), **changes)


async def emigrate(world: Bridged, many: int = 1) -> list[dict[str, Any]]:
    """So many persons who left the country, known to both files; gives their items."""
    entries = [entry() for _ in range(many)]
    people = [notice["person"] for notice in entries]
    for start in range(0, many, 200):
        await world.tell("juki", *entries[start : start + 200])
        await world.tell("juki", *(left(person) for person in people[start : start + 200]))
        codes = [person["resident_code"] for person in people[start : start + 200]]
        await world.tell("fuhyo", *(shown_overseas(code) for code in codes))
    return people


def an_ask(codes: Sequence[str], **changes: str) -> tuple[Ask, list[RequestKey]]:
    """A question as only somebody with the key of the 附票 server could write it."""
    fields = {
        "id": str(uuid4()),
        "office": "zeimu",
        "basis": "J5-4-3",
        "affair": "prefectural-tax",
        "requested_by": "mallory",
        "approved_by": "somebody",
        "expires_at": "2099-01-01T00:00:00.000000+00:00",
    }
    keys = [RequestKey() for _ in codes]
    requests = tuple(Request(str(uuid4()), code, key.public) for code, key in zip(codes, keys, strict=True))
    return Ask(Case(**(fields | changes)), requests), keys


@dataclass(frozen=True)
class Opened:
    """A request that stands open at the 附票 server, as its process would ask it."""

    ask: Ask
    key: RequestKey


async def opened_request(world: Bridged, code: str) -> Opened:
    """Opens a case and a request for a code in the 附票 server's database, and asks nobody."""
    database = await open_database(world.fuhyo.dsn, "fuhyo", "jukinet_bridge")
    try:
        store = RequestStore(database, VAULT)
        (found,) = await store.entries([Key(KeyKind.CODE, code)])
        ask, (key,) = an_ask([code])
        case, (request,) = ask.case, ask.requests
        run = str(uuid4())
        row = CaseRow(
            case.id, case.office, case.basis, case.affair, case.requested_by, case.approved_by, None, run
        )
        ends = await store.open_case(row, 600, leaf("fuhyo", "bridge_test"))
        digest = key_digest(request.key)
        opening = Opening(
            request.id, case.id, 1, "juki", found.person_id, digest, None, leaf("fuhyo", "bridge_test")
        )
        await store.open_requests(case.id, [opening])
        return Opened(Ask(replace(case, expires_at=moment_text(ends)), ask.requests), key)
    finally:
        await database.close()


async def put(asker: Inquirer, ask: Ask, keys: Sequence[RequestKey]) -> list[Release]:
    """Puts a question at the 都道府県 server and opens what comes with these keys. Raises PeerUnreachable."""
    reply = await asker.exchange(write_ask(ask, "2026-11-24T09:00:00+09:00"), ASK_TYPE, ANSWER_TYPE)
    sealed = read_answer(reply.payload, reply.asked)
    return [
        read_release(key.open(sealed[request.id], f"{reply.asked}/{request.id}".encode()))
        for request, key in zip(ask.requests, keys, strict=True)
    ]

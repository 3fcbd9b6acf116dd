"""No resident leaks where both files, their seals and the bridge run, which moves numbers in the open."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jukinet_daemon.outward import call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.demo.children import Child, ReadySocket
from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.store.migrate import migrate
from jukinet_daemon.vault.age import open_age
from support.bridge import OFFICES, OTHER, left, pin, shown_overseas
from support.canary import MARKS, NAME_MARK, NUMBER_MARK, found, found_below, person_of
from support.notices import fuhyo_change, juki_change
from support.seal import sealing_sections
from support.store import session
from support.world import FUKUOKA, REGISTERS, CsLine, Pki, national_server, until

from .conftest import addresses_in, config_text, run

# Overseas, and asked for; resident, and asked for in vain; refused and held; refused by the database.
GONE = [f"{n:03}" for n in range(40)]
HERE = [f"{n:03}" for n in range(100, 120)]
ODD = [f"{n:03}" for n in range(200, 210)]
STORED_NOWHERE = [f"{n:03}" for n in range(300, 310)]
_CONSTRAINT = "ALTER TABLE history ADD CONSTRAINT planted CHECK (address NOT LIKE '%拒') NOT VALID"
_WATCHED = ("/healthz", "/metrics", "/readyz")


@dataclass
class Server:
    """One register's process."""

    register: str
    folder: Path
    child: Child
    addresses: dict[str, str]

    @property
    def config(self) -> str:
        return str(self.folder / "server.toml")


@dataclass
class Two:
    """Both servers, what they show, and the notices that were told them."""

    pki: Pki
    postgres: EmbeddedPostgres
    servers: dict[str, Server] = field(default_factory=dict)
    shown: dict[str, bytes] = field(default_factory=dict)
    notices: dict[str, list[str]] = field(default_factory=dict)

    async def tell(self, register: str, *notices: Any) -> set[str]:
        """One parcel of 福岡市; gives what became of its notices."""
        caller = self.pki.caller(Role.CS, FUKUOKA, register)
        async with call(f"wss://{self.servers[register].addresses['notices']}/notices", caller) as line:
            numbers = self.notices.setdefault(register, [])
            answers = await CsLine(register, FUKUOKA, caller, line, iter([len(numbers) + 1])).tell(*notices)
            numbers.append(notices[-1]["id"])
        return {answer.outcome for answer in answers}

    async def ctl(self, register: str, *words: str) -> str:
        """A command of an operator, remembered with what it shows; gives what it shows on its output."""
        _status, output, errors = await run("jukinetctl", *words, "--config", self.servers[register].config)
        self.shown[f"{register}: {' '.join(words)}"] = (output + errors).encode()
        return output


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "data") as server:
            for register in REGISTERS:
                server.psql("postgres", f"CREATE DATABASE {register}")
                asyncio.run(migrate(server.dsn(register), register))
            yield server


@pytest.fixture
async def two(own_postgres: EmbeddedPostgres, pki: Pki, tmp_path: Path) -> AsyncIterator[Two]:
    ports = {register: free_port() for register in REGISTERS}
    both = Two(pki, own_postgres)
    async with AsyncExitStack() as stack:
        for register in REGISTERS:
            folder = tmp_path / register
            folder.mkdir()
            url = await stack.enter_async_context(national_server(register, pki, folder / "journal"))
            dsn = own_postgres.dsn(register)
            text = config_text(register, pki, dsn, folder, {"notices": 0, "health": 0})
            text += f'[rules]\noffices = "{OFFICES}"\n[national]\nurl = "{url}"\n'
            text += sealing_sections(folder) + _bridge(register, pki, ports, folder)
            (folder / "server.toml").write_text(text, "utf-8")
            child, ready = Child("jukinetd", folder), ReadySocket(folder / "notify")
            await child.start(
                "jukinet_daemon.cli.jukinetd",
                *("--config", str(folder / "server.toml")),
                environment={"NOTIFY_SOCKET": str(ready.path)},
            )
            stack.push_async_callback(child.stop)
            await ready.wait_ready(child)
            both.servers[register] = Server(register, folder, child, addresses_in(child.log))
        yield both


def _bridge(register: str, pki: Pki, ports: dict[str, int], folder: Path) -> str:
    other = OTHER[register]
    window = f'socket = "{folder}/window.sock"\n' if register == "fuhyo" else ""
    return (
        f'[bridge]\nlisten = "127.0.0.1:{ports[register]}"\n'
        f'peer = "https://127.0.0.1:{ports[other]}/bridge"\npins = ["{pin(pki, other)}"]\n{window}'
    )


def _named(serial: str) -> dict[str, Any]:
    return {name: person_of(serial)[name] for name in ("resident_code", "name", "name_kana")}


def _of_fuhyo(serial: str, **changes: Any) -> dict[str, Any]:
    person = _named(serial) | {"address": person_of(serial)["address"]}
    return fuhyo_change(person=person | changes.pop("person", {}), **changes)


def _of_juki(serial: str, **changes: Any) -> dict[str, Any]:
    return juki_change(person=person_of(serial) | changes.pop("person", {}), **changes)


async def _live(two: Two) -> None:
    """People come, go overseas, and are told of in every way that either file knows."""
    away = [shown_overseas(person_of(serial)["resident_code"], person=_named(serial)) for serial in GONE]
    accepted = [
        await two.tell("juki", *(_of_juki(serial) for serial in GONE + HERE)),
        await two.tell("juki", *(left(person_of(serial)) for serial in GONE)),
        await two.tell("fuhyo", *away, *(_of_fuhyo(serial) for serial in HERE)),
    ]
    assert accepted == [{"ACCEPTED"}] * 3
    for register, notice, cause in (("juki", _of_juki, "correction_ex_officio"), ("fuhyo", _of_fuhyo, None)):
        async with session(two.postgres.dsn(register)) as owner:
            await owner.execute(_CONSTRAINT)
        wrong = [notice(serial, person={"sex": person_of(serial)["name"]}) for serial in ODD]
        assert await two.tell(register, *wrong) == {"REFUSED"}
        known_by = {"change": "correction"} | ({"cause": cause} if cause else {})
        assert await two.tell(register, *(notice(serial, **known_by) for serial in ODD)) == {"HELD"}
        # The worst that can come to the database's log is "Failing row contains (...)".
        odd = [person_of(serial)["address"] + "拒" for serial in STORED_NOWHERE]
        rows = [notice(s, person={"address": a}) for s, a in zip(STORED_NOWHERE, odd, strict=True)]
        assert await two.tell(register, *rows) == {"HELD"}


async def _ask(two: Two, folder: Path) -> Path:
    """An office's lists: of people overseas, of others, and with what is no key; gives the one delivery."""
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text("correct horse battery\n", "utf-8")
    good = [person_of(serial)["resident_code"] for serial in GONE]
    bad = [person_of(serial)["resident_code"] for serial in HERE[:5]]
    # Somebody lists numbers, names and addresses for keys.
    items = ("individual_number", "name", "address")
    worse = [person_of(serial)[item] for serial in ODD[:3] for item in items]
    lists = {"good": ("J5-4-3", good + bad), "no basis": ("J5-6", good), "worse": ("J5-4-3", worse)}
    for name, (basis, keys) in lists.items():
        listed, out = folder / f"{name}.csv", folder / f"{name}.age"
        listed.touch(mode=0o600)
        listed.write_text("".join(f"{key}\n" for key in keys), "utf-8")
        said = await two.ctl(
            "fuhyo",
            *("bridge", "request", "--office", "zeimu", "--affair", "prefectural-tax", "--basis", basis),
            *("--approved-by", "approver", "--keys", str(listed), "--out", str(out)),
            *("--password-file", str(password), "--json"),
        )
        await two.ctl("fuhyo", "bridge", "show", json.loads(said)["case"])
        listed.unlink()
    return folder / "good.age"


async def _look(two: Two) -> None:
    """All that both servers show to anybody."""
    for register, server in two.servers.items():
        async with aiohttp.ClientSession() as client:
            for path in _WATCHED:
                answer = await client.get(f"http://{server.addresses['health']}{path}")
                two.shown[f"{register}: {path}"] = await answer.read()
        commands = [
            "status",
            "status --json",
            "held list --json",
            "numbers list --json",
            "maintenance status",
        ]
        commands += ["diagnose --json", "diagnose national", f"trace {two.notices[register][0]}"]
        commands += ["bridge list", "bridge list --json"] if register == "fuhyo" else []
        for words in commands:
            await two.ctl(register, *words.split())
        for name in ("cmdline", "environ"):
            told = Path(f"/proc/{server.child.pid}/{name}")
            two.shown[f"{register}: {name}"] = await asyncio.to_thread(told.read_bytes)
        async with session(two.postgres.dsn(register)) as owner:
            for table in ("pg_stat_activity", "process", "ledger"):
                rows = await owner.fetch(f"SELECT * FROM {table}")
                two.shown[f"{register}: {table}"] = repr([tuple(row) for row in rows]).encode()


async def test_no_resident_is_anywhere_but_in_the_delivery(two: Two, tmp_path: Path) -> None:
    await _live(two)
    delivery = await _ask(two, tmp_path)
    for register in REGISTERS:
        async with session(two.postgres.dsn(register)) as owner:

            async def quiet(owner: Any = owner) -> bool:
                return not await owner.fetchval("SELECT count(*) FROM outbox WHERE receipt_id IS NULL")

            await until(quiet, 60)
    await _look(two)
    for register, server in two.servers.items():
        await server.child.stop()
        two.shown[f"{register}: log"] = server.child.log.read_bytes()
    two.shown["database log"] = two.postgres.log_file.read_bytes()
    # What must have happened for the search to mean anything.
    for event in (b"notices_refused", b"row_refused", b"parcels_accepted", b"relay_receipted"):
        assert all(event in two.shown[f"{register}: log"] for register in REGISTERS), event
    for event in (b"bridge_case_refused", b"bridge_erased"):
        assert event in two.shown["fuhyo: log"], event
    sealed = delivery.read_bytes()
    opened = b"".join(open_age([sealed], "correct horse battery"))
    lines = [json.loads(line) for line in opened.splitlines()[1:]]
    numbers = {line["individual_number"] for line in lines} - {None}
    assert numbers == {person_of(serial)["individual_number"] for serial in GONE}
    assert found(opened) == {NUMBER_MARK}
    assert found(sealed) == set()
    assert {name: marks for name, text in two.shown.items() if (marks := found(text))} == {}
    for register in REGISTERS:
        two.postgres.psql(register, "CHECKPOINT")
    assert found_below(two.postgres.folder, [NUMBER_MARK]) == {}
    assert found_below(two.postgres.folder, [NAME_MARK]) != {}  # names are there: it is the right place
    # Each kind of leak, planted, is found in each place.
    for place, shown in two.shown.items():
        planted = json.dumps(person_of(GONE[0]))
        assert found(shown + planted.encode()) == set(MARKS), place

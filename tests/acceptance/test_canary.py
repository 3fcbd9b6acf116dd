"""No resident leaks: 1,000 that only we know go through a real server and are looked for where it writes."""

import asyncio
import base64
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import asyncpg
import pytest

from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.demo.children import Child, ReadySocket
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from jukinet_daemon.sim.postgres_wheel import hand_over, identity
from jukinet_daemon.sim.postgres_wheel import run as run_binary
from jukinet_daemon.store.migrate import migrate
from support.canary import MADE, MARKS, NAME_MARK, NUMBER_MARK, found, found_below, resident, writings
from support.forge import sealed
from support.seal import sealing_sections
from support.store import session
from support.world import FUKUOKA, CsLine, Pki, national_server, until

from .conftest import addresses_in, config_text, run

RESIDENTS, PARCEL = 999, 100
# Accepted, sent again, refused, held, refused by the database, told by no schema.
_ACCEPTED = 880


_ONE_MORE = resident()


@dataclass
class Aftermath:
    """A server after a full run, and all it wrote or shows, by name."""

    postgres: EmbeddedPostgres
    folder: Path
    shown: dict[str, bytes] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "data") as server:
            server.psql("postgres", "CREATE DATABASE juki")
            asyncio.run(migrate(server.dsn("juki"), "juki"))
            yield server


@pytest.fixture
async def aftermath(own_postgres: EmbeddedPostgres, tmp_path: Path, pki: Pki) -> Aftermath:
    after = Aftermath(own_postgres, tmp_path)
    config = tmp_path / "juki.toml"
    async with national_server("juki", pki, tmp_path / "national.journal") as url:
        text = config_text("juki", pki, own_postgres.dsn("juki"), tmp_path, {"notices": 0, "health": 0})
        await asyncio.to_thread(
            config.write_text, f'{text}{sealing_sections(tmp_path)}[national]\nurl = "{url}"\n', "utf-8"
        )
        child, ready = Child("jukinetd", tmp_path), ReadySocket(tmp_path / "notify")
        await child.start(
            "jukinet_daemon.cli.jukinetd",
            *("--config", str(config)),
            environment={"NOTIFY_SOCKET": str(ready.path)},
        )
        try:
            await ready.wait_ready(child)
            addresses = addresses_in(child.log)
            await _live(after, pki, addresses["notices"])
            await _all_relayed(own_postgres)
            await _look(after, child, config, addresses["health"])
        finally:
            await child.stop()
    after.shown["log"] = child.log.read_bytes()
    after.shown["database log"] = own_postgres.log_file.read_bytes()
    return after


async def _live(after: Aftermath, pki: Pki, address: str) -> None:
    """Everything that a notice can meet."""
    caller = pki.caller(Role.CS, FUKUOKA, "juki")
    url = f"wss://{address}/notices"
    async with call(url, caller) as conversation:
        line = CsLine("juki", FUKUOKA, caller, conversation)
        sound = [resident() for _ in range(_ACCEPTED)]
        for start in range(0, _ACCEPTED, PARCEL):
            await _tell(after, line, sound[start : start + PARCEL])
        await _tell(after, line, sound[:20])  # sent again
        await _tell(
            after, line, [resident(person={"sex": notice["person"]["name"]}) for notice in sound[:20]]
        )
        await _tell(after, line, [_named_wrongly(resident()) for _ in range(20)])
        await _tell(
            after, line, [resident(change="correction", cause="correction_ex_officio") for _ in range(20)]
        )
        # The database refuses these rows: the worst that can come to its log is "Failing row contains (...)".
        async with session(after.postgres.dsn("juki")) as owner:
            await owner.execute(
                "ALTER TABLE history ADD CONSTRAINT planted CHECK (address NOT LIKE '%拒') NOT VALID"
            )
        refused = [resident() for _ in range(20)]
        for notice in refused:
            notice["person"]["address"] += "拒"
        await _tell(after, line, refused)
        for text in (json.dumps(resident(), ensure_ascii=False), "{" + json.dumps([resident()])):
            await conversation.send(sealed(line, text))  # a signed text that is no parcel
            await conversation.receive()
    for left in range(RESIDENTS - _ACCEPTED - 82, 0, -1):
        with suppress(PeerFault):
            async with call(url, caller) as conversation:
                # not signed at all, not even JSON, and once cut off by the door
                await conversation.send(json.dumps(resident(), ensure_ascii=bool(left % 2)))
                await conversation.receive()
        if left % 19:
            continue
        async with session(after.postgres.dsn("juki")) as owner:
            await owner.execute(_END_SESSIONS)


_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'jukinet%'
"""


async def _tell(after: Aftermath, line: CsLine, notices: list[Any]) -> None:
    after.answers += [answer.outcome for answer in await line.tell(*notices)]


def _named_wrongly(notice: dict[str, Any]) -> dict[str, Any]:
    """A field that nobody knows, called by a name."""
    return notice | {notice["person"]["name"]: notice["person"]["individual_number"]}


async def _all_relayed(postgres: EmbeddedPostgres) -> None:
    async with session(postgres.dsn("juki")) as owner:

        async def relayed() -> bool:
            return not await owner.fetchval("SELECT count(*) FROM outbox WHERE receipt_id IS NULL")

        await until(relayed, 60)


async def _look(after: Aftermath, child: Child, config: Path, health: str) -> None:
    """All that the running server shows to anybody."""
    async with aiohttp.ClientSession() as client:
        for path in ("/healthz", "/metrics", "/readyz"):
            after.shown[path] = await (await client.get(f"http://{health}{path}")).read()
    await _operate(after, config)
    for name in ("cmdline", "environ", "limits"):
        after.shown[name] = await asyncio.to_thread(Path(f"/proc/{child.pid}/{name}").read_bytes)
    async with session(after.postgres.dsn("juki")) as owner:
        rows = await owner.fetch("SELECT * FROM pg_stat_activity")
        told = await owner.fetch("SELECT * FROM process")
    after.shown["pg_stat_activity"] = repr([tuple(row) for row in rows]).encode()
    after.shown["process"] = repr([tuple(row) for row in told]).encode()


async def _operate(after: Aftermath, config: Path) -> None:
    """All that an operator does; only to whom asks for one held notice is anybody's name told."""
    async with session(after.postgres.dsn("juki")) as owner:
        first, second = [str(row[0]) for row in await owner.fetch("SELECT notice_id FROM held LIMIT 2")]
        relayed = str(await owner.fetchval("SELECT notice_id FROM outbox LIMIT 1"))
    for_reading = (
        *(("status",), ("status", "--json"), ("held", "list"), ("held", "list", "--json")),
        *(("trace", first), ("trace", relayed, "--json"), ("numbers", "list"), ("keys", "status")),
        *(("ledger", "verify"), ("ledger", "prove", relayed, "--out", str(after.folder / "proof"))),
        *(("diagnose",), ("maintenance", "status")),
    )
    ended = await asyncio.gather(*(_ask(after, config, *words) for words in for_reading))
    assert set(ended) == {0, 2}  # status: notices are held
    assert await _ask(after, config, "held", "show", first) == 0
    assert NAME_MARK in found(after.shown.pop(f"jukinetctl held show {first}"))
    later = f"{datetime.now(ZoneInfo('Asia/Tokyo')) + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    for status, words in (
        (2, ("held", "release", first, "--apply")),
        (0, ("held", "reject", second, "--reason", "withdrawn", "--apply")),
        (1, ("held", "show", second)),
        (0, ("maintenance", "on", "--until", later)),
        (0, ("maintenance", "off")),
    ):
        assert await _ask(after, config, *words) == status


async def _ask(after: Aftermath, config: Path, *words: str) -> int:
    status, output, errors = await run("jukinetctl", words[0], *words[1:], "--config", str(config))
    after.shown["jukinetctl " + " ".join(words)] = (output + errors).encode()
    return status


async def test_no_resident_is_anywhere(aftermath: Aftermath, tmp_path: Path) -> None:
    assert {"ACCEPTED", "REFUSED", "HELD"} <= set(aftermath.answers)
    assert len(aftermath.answers) > _ACCEPTED
    assert len(set(MADE)) == len(MADE) == RESIDENTS + 1  # one more is kept back, to plant leaks with
    # What must have happened for the search to mean anything: refusals, faults and errors were logged.
    for event in (b"notices_refused", b"row_refused", b"parcel_refused"):
        assert event in aftermath.shown["log"]
    assert b"violates check constraint" in aftermath.shown["database log"]
    assert {name: marks for name, text in aftermath.shown.items() if (marks := found(text))} == {}
    assert b"Max core file size        0                    0" in aftermath.shown["limits"]
    # 個人番号 is not even in the database's own files, its log of changes, or a backup of it.
    server = aftermath.postgres
    server.psql("juki", "CHECKPOINT")
    backup = server.folder / "backup"
    backup.mkdir()
    hand_over(backup)
    options = ("-D", backup / "copy", "-d", server.dsn("juki"), "--checkpoint=fast", "--wal-method=fetch")
    await asyncio.to_thread(run_binary, [server.binary("pg_basebackup"), *options], cwd=backup, **identity())
    assert found_below(server.folder, [NUMBER_MARK]) == {}
    assert found_below(backup / "copy", [NAME_MARK]) != {}  # names are there: it is the right place
    await _teeth(aftermath)


async def _teeth(aftermath: Aftermath) -> None:
    """Each kind of leak, planted, is found."""
    for place, shown in aftermath.shown.items():
        middle = len(shown) // 2
        for mark in MARKS:
            for needle in writings(mark):
                assert mark in found(shown[:middle] + needle + shown[middle:]), (place, needle)
    body = json.dumps(_ONE_MORE)
    assert found(aftermath.shown["log"] + json.dumps({"event": "oops", "body": body}).encode()) == set(MARKS)
    async with session(aftermath.postgres.dsn("juki"), log_error_verbosity="default") as owner:
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute("UPDATE history SET address = address || '拒'")
        number = _ONE_MORE["person"]["individual_number"]
        # A statement with a value in its text; ours have parameters, whose values it does not show. The wheel
        # of PostgreSQL has no pg_stat_statements, which keeps these very texts.
        async with session(aftermath.postgres.dsn("juki")) as careless:
            await careless.execute(f"SELECT '{number}'")
            activity = await owner.fetch("SELECT query FROM pg_stat_activity")
            assert NUMBER_MARK in found(repr([tuple(row) for row in activity]).encode())
        await owner.execute("CREATE TABLE planted (number text)")
        await owner.execute("INSERT INTO planted VALUES ($1)", number)
        await owner.execute("CHECKPOINT")
    assert NAME_MARK in found(aftermath.postgres.log_file.read_bytes())
    assert found_below(aftermath.postgres.folder / "pgdata", [NUMBER_MARK]) != {}


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_found_in_every_writing(mark: str) -> None:
    for around in ("", "x", "xy", "xyz"):
        text = f"{around}{mark}123{around}"
        for raw in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
            for written in (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)):
                assert found(b"--" + written + b"--") >= {mark}
        assert found(json.dumps(text).encode()) >= {mark}
    assert found(b"nothing of the kind") == set()
    assert all(len(needle) >= 7 for needle in writings(mark))

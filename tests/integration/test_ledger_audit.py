"""証跡の検査: whatever is changed in the tables is found, given one witness, by two verifiers."""

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InmemoryTree

from conftest import HouseMaker
from jukinet_daemon.cli import jukinetctl
from jukinet_daemon.ledger.checkpoint import Verifier, open_checkpoint
from jukinet_daemon.ledger.kept import kept_of
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.ledger.tree import Frontier
from jukinet_daemon.ops.audit import AuditReport, audit
from jukinet_daemon.store.audit import AuditStore
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.queries import load_queries
from support.notices import juki_change
from support.seal import KEY, NAME, PLACES, add_leaf, kept, ledger_sections, sealer
from support.store import session
from support.wellness import report_of
from support.world import House, until

MUTATIONS, PARTS = 2000, 8
LEAVES = 60


class OneConnection(Database):
    """The queries of a register on one connection, inside whatever transaction that is in."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.queries = load_queries("juki")

    async def fetch(self, name: str, *values: object) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._connection.fetch(self.queries[name], *values)
        return rows

    look = fetch


async def _audit(owner: asyncpg.Connection, *held: Tree) -> AuditReport:
    report = await audit(AuditStore(OneConnection(owner)), NAME, held)
    assert report is not None
    return report


async def _independent(owner: asyncpg.Connection, witness: Tree) -> bool:
    """Whether another verifier finds fault: pymerkle's trees, plain Ed25519, nothing of ours."""
    rows = await owner.fetch(
        "SELECT r.position, r.entries, l.entry_id, l.hash, l.salt, l.payload FROM ledger_run r"
        " LEFT JOIN ledger l ON l.entry_id <@ r.entries ORDER BY r.position, l.entry_id"
    )
    tree, entries = InmemoryTree(algorithm="sha256"), list[int]()
    for row in rows:
        if row["entry_id"] is None:
            return True
        place = row["position"] + row["entry_id"] - row["entries"].lower
        data = sha256(row["salt"] + row["payload"].encode()).digest()
        if place != len(entries) or row["hash"] != sha256(b"\x00" + data).digest():
            return True
        entries.append(row["entry_id"])
        tree.append_entry(data)
    leaves = await owner.fetchval("SELECT count(*) FROM ledger")
    if len(set(entries)) != len(entries) or len(entries) != leaves:
        return True
    top = await owner.fetchval("SELECT max(upper(entries)) - 1 FROM ledger_run")
    if max(entries) != top:
        return True
    sizes = {}
    for row in await owner.fetch("SELECT size, note FROM ledger_checkpoint"):
        told = _told(row["note"])
        if told is None or told[0] != row["size"] or not 0 < told[0] <= len(entries):
            return True
        if tree.get_root(told[0]) != told[1]:
            return True
        sizes[told[0]] = told[1]
    return max(sizes, default=0) != len(entries) or sizes.get(witness.size) != witness.root


def _told(note: str) -> tuple[int, bytes] | None:
    """Size and root of a checkpoint, if it is to the letter what the log's key signs."""
    try:
        body, _ = note.split("\n\n")
        origin, size, root = body.split("\n")
        text = f"{body}\n"
        signature = KEY.key.sign(text.encode())  # Ed25519 has one signature for one text
        Ed25519PublicKey.from_public_bytes(KEY.public).verify(signature, text.encode())
        named = sha256(origin.encode() + b"\n\x01" + KEY.public).digest()[:4]
        exact = f"{text}\n— {origin} {base64.b64encode(named + signature).decode()}\n"
        return (int(size), base64.b64decode(root)) if (exact, origin) == (note, NAME.origin(1)) else None
    except (InvalidSignature, ValueError):
        return None


@dataclass
class Hand:
    """Somebody with the owner's rights, no constraint in his way, and the ledger's key."""

    owner: asyncpg.Connection
    chance: random.Random
    did: str = ""

    async def _one(self, table: str, columns: str) -> Any:
        rows = await self.owner.fetch(f"SELECT ctid::text, {columns} FROM {table} ORDER BY 2")
        return self.chance.choice(rows)

    async def bit(self) -> None:
        column = self.chance.choice(("hash", "salt"))
        row = await self._one("ledger", f"entry_id, {column}")
        bits = int.from_bytes(row[column]) ^ (1 << self.chance.randrange(8 * len(row[column])))
        await self.owner.execute(
            f"UPDATE ledger SET {column} = $1 WHERE entry_id = $2",
            bits.to_bytes(len(row[column])),
            row["entry_id"],
        )

    async def text(self) -> None:
        row = await self._one("ledger", "entry_id, payload")
        place = self.chance.randrange(len(row["payload"]))
        changed = chr(ord(row["payload"][place]) ^ 1)
        payload = row["payload"][:place] + changed + row["payload"][place + 1 :]
        await self.owner.execute(
            "UPDATE ledger SET payload = $1 WHERE entry_id = $2", payload, row["entry_id"]
        )

    async def note(self) -> None:
        row = await self._one("ledger_checkpoint", "size, note")
        place = self.chance.randrange(len(row["note"]))
        note = row["note"][:place] + chr(ord(row["note"][place]) ^ 1) + row["note"][place + 1 :]
        await self.owner.execute("UPDATE ledger_checkpoint SET note = $1 WHERE size = $2", note, row["size"])

    async def delete(self) -> None:
        table = self.chance.choice(("ledger", "ledger_run"))
        row = await self._one(table, "entry_id" if table == "ledger" else "position")
        await self.owner.execute(f"DELETE FROM {table} WHERE ctid = $1::text::tid", row["ctid"])

    async def swap(self) -> None:
        """Two leaves change places, whole or only what they say."""
        rows = await self.owner.fetch("SELECT entry_id, hash, salt, payload FROM ledger")
        one, other = self.chance.sample(rows, 2)
        columns = self.chance.choice((("hash", "salt", "payload"), ("salt", "payload"), ("hash",)))
        for here, there in ((one, other), (other, one)):
            for column in columns:
                await self.owner.execute(
                    f"UPDATE ledger SET {column} = $1 WHERE entry_id = $2", there[column], here["entry_id"]
                )

    async def insert(self) -> None:
        """A leaf more, with a place among the others or without one."""
        entry = await add_leaf(self.owner)
        if self.chance.random() < 0.5:
            row = await self._one("ledger_run", "position")
            await self.owner.execute(
                "UPDATE ledger_run SET position = position + 1 WHERE position >= $1", row["position"]
            )
            await self.owner.execute(
                "INSERT INTO ledger_run VALUES (1, $1, int8range($2::bigint, $2::bigint + 1))",
                row["position"],
                entry,
            )

    async def duplicate(self) -> None:
        row = await self._one("ledger_run", "position, entries")
        end = await self.owner.fetchval(
            "SELECT max(position + upper(entries) - lower(entries)) FROM ledger_run"
        )
        place = self.chance.choice((row["position"], end))
        await self.owner.execute("INSERT INTO ledger_run VALUES (1, $1, $2)", place, row["entries"])

    async def truncate(self) -> None:
        """The end is cut off as if it had never been, so that nothing in the tables tells of it."""
        sizes = [row[0] for row in await self.owner.fetch("SELECT size FROM ledger_checkpoint ORDER BY 1")]
        size = self.chance.choice(sizes[:-1])
        await self.owner.execute("DELETE FROM ledger_checkpoint WHERE size > $1", size)
        await self.owner.execute(
            "DELETE FROM ledger WHERE entry_id IN (SELECT generate_series(lower(entries), upper(entries) - 1)"
            " FROM ledger_run WHERE position >= $1)",
            size,
        )
        await self.owner.execute("DELETE FROM ledger_run WHERE position >= $1", size)
        await self.owner.execute("DELETE FROM ledger_node WHERE ((index + 1) << level) > $1", size)
        await self.owner.execute("DELETE FROM ledger_gap")
        for hole in await self.owner.fetch(load_queries("juki")["audit_holes"], 1):
            await self.owner.execute("INSERT INTO ledger_gap VALUES (1, int8range($1, $2))", *hole)

    async def write_anew(self) -> None:
        """A leaf is changed, all above it too, and every checkpoint is signed anew by the stolen key."""
        entry = (await self._one("ledger", "entry_id"))["entry_id"]
        salt, payload = bytes(16), '{"event":"forged"}'
        leaf = sha256(b"\x00" + sha256(salt + payload.encode()).digest()).digest()
        await self.owner.execute(
            "UPDATE ledger SET hash = $1, salt = $2, payload = $3 WHERE entry_id = $4",
            *(leaf, salt, payload, entry),
        )
        leaves = [row["hash"] for row in await self.owner.fetch(PLACES, 1)]
        for row in await self.owner.fetch("SELECT size FROM ledger_checkpoint"):
            edge, made = Frontier().grown(leaves[: row["size"]])
            note = KEY.sealed(NAME.origin(1), Tree(edge.size, edge.root))
            await self.owner.execute(
                "UPDATE ledger_checkpoint SET note = $1, peaks = $2 WHERE size = $3",
                *(note, list(edge.peaks), row["size"]),
            )
        for (level, index), top in kept_of(made).items():
            await self.owner.execute(
                "UPDATE ledger_node SET hash = $1 WHERE level = $2 AND index = $3", top, level, index
            )

    async def aside(self) -> None:
        """What stands beside the evidence, for the sealer and for proofs. Only ours looks at it."""
        newest = "(SELECT max(size) FROM ledger_checkpoint)"
        last = "(SELECT max(ctid) FROM ledger_node)"
        self.did = self.chance.choice(
            (
                "DELETE FROM ledger_node WHERE ctid = (SELECT min(ctid) FROM ledger_node)",
                f"UPDATE ledger_node SET hash = set_byte(hash, 7, 1 # get_byte(hash, 7)) WHERE ctid = {last}",
                f"INSERT INTO ledger_node SELECT 1, 4, 999, hash FROM ledger_node WHERE ctid = {last}",
                "DELETE FROM ledger_gap WHERE ctid = (SELECT min(ctid) FROM ledger_gap)",
                "INSERT INTO ledger_gap VALUES (1, '[5000,5001)')",
                f"UPDATE ledger_checkpoint SET seen = seen + 1 WHERE size = {newest}",
                "UPDATE ledger_checkpoint SET peaks = peaks[1:1] || peaks",
                "DELETE FROM ledger_checkpoint WHERE size = (SELECT min(size) FROM ledger_checkpoint)",
            )
        )
        done = await self.owner.execute(self.did)
        assert not done.endswith(" 0")


KINDS = ("bit", "text", "note", "delete", "swap", "insert", "duplicate", "truncate", "write_anew", "aside")


@asynccontextmanager
async def _undone(owner: asyncpg.Connection) -> AsyncIterator[None]:
    turn = owner.transaction()
    await turn.start()
    try:
        yield
    finally:
        await turn.rollback()


@pytest.fixture
async def owner(new_database: Callable[[str], str]) -> AsyncIterator[asyncpg.Connection]:
    """A sealed ledger with late leaves, gaps and several checkpoints, and no constraint left on it."""
    dsn = new_database("juki")
    async with session(dsn) as connection, session(dsn) as slow, sealer(dsn) as at_work:
        for _ in range(LEAVES // 12):
            turn = slow.transaction()
            await turn.start()
            await add_leaf(slow)
            for _ in range(11):
                await add_leaf(connection)
            await at_work.seal()
            await turn.commit()
            async with _undone(connection):
                await add_leaf(connection)
            await at_work.seal()
        await at_work.seal()
        assert len((await kept(connection)).checkpoints) > 5
        assert (await kept(connection)).gaps
        constraints = await connection.fetch(
            "SELECT conrelid::regclass::text AS place, conname FROM pg_constraint"
            " WHERE conrelid IN ('ledger'::regclass, 'ledger_run'::regclass, 'ledger_checkpoint'::regclass,"
            " 'ledger_node'::regclass, 'ledger_gap'::regclass) AND contype IN ('p', 'u', 'x', 'c')"
        )
        for row in constraints:
            await connection.execute(f"ALTER TABLE {row['place']} DROP CONSTRAINT {row['conname']} CASCADE")
        yield connection


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_change_of_the_tables_is_found(owner: asyncpg.Connection, part: int) -> None:
    witness = (await kept(owner)).checkpoints[-1]
    assert (await _audit(owner, witness)).findings == ()
    assert not await _independent(owner, witness)
    chance = random.Random(f"20261127/{part}")
    for number in range(MUTATIONS // PARTS):
        kind = KINDS[number % len(KINDS)]
        async with _undone(owner):
            hand = Hand(owner, chance)
            await getattr(hand, kind)()
            report = await _audit(owner, witness)
            ours = bool(report.findings) or report.unsealed > 0
            theirs = await _independent(owner, witness)
        assert ours, f"{kind} {part}/{number} {hand.did}"
        assert theirs or kind == "aside", f"{kind} {part}/{number}"


async def test_without_a_witness_an_end_cut_off_is_not_seen(owner: asyncpg.Connection) -> None:
    """The limit of any log, and the reason for witnesses."""
    witness = (await kept(owner)).checkpoints[-1]
    for kind in ("truncate", "write_anew"):
        async with _undone(owner):
            await getattr(Hand(owner, random.Random(1)), kind)()
            assert (await _audit(owner)).findings == ()
            rules = {finding.rule for finding in (await _audit(owner, witness)).findings}
            assert rules == {"witness_contradicts"}


@pytest.fixture
async def sealed_house(open_house: HouseMaker, tmp_path: Path) -> House:
    control = {"socket": tmp_path / "control.sock"}
    house: House = await open_house("juki", national=False, control=control, **ledger_sections(tmp_path))
    return house


def _config(house: House, folder: Path) -> str:
    path, (key,) = folder / "audit.toml", house.config.ledger.keys
    path.write_text(
        f'register = "juki"\nprefecture = "400009"\ntrust_domain = "{house.config.trust_domain}"\n'
        f'[database]\ndsn = "{house.dsn}"\n[keys]\nring = "{house.config.keys.ring}"\n'
        f'[ledger]\nkeys = ["{key}"]\n',
        "utf-8",
    )
    return str(path)


async def test_a_receipt_is_proved_offline(
    sealed_house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house, notices = sealed_house, [juki_change() for _ in range(9)]
    async with house.line() as line:
        answers = await line.tell(*notices)

    async def sealed() -> bool:
        return bool((await report_of(house))["ledger"]["size"] >= 9)

    await until(sealed)
    config, proof = _config(house, tmp_path), tmp_path / "receipt.tlog-proof"
    await _run("prove", "--config", config, notices[4]["id"], "--out", str(proof))
    key = Verifier(NAME.origin(1), KEY.public).text
    capsys.readouterr()
    await _run("check", str(proof), "--key", key)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["id"], told["code"], told["position"]) == (notices[4]["id"], "A100", 4)
    _by_hand(proof.read_text("utf-8"), base64.urlsafe_b64decode(answers[4].leaf + "="))
    spoilt = proof.read_text("utf-8").replace("index 4\n", "index 5\n")
    proof.write_text(spoilt, "utf-8")
    assert await _run("check", str(proof), "--key", key, status=1) == 1
    await _run("verify", "--config", config)
    assert "すべて合う" in capsys.readouterr().out
    await house.rows("UPDATE ledger SET payload = replace(payload, 'A100', 'A101') WHERE entry_id = 5")
    await _run("verify", "--config", config, "--json", status=2)
    out = capsys.readouterr().out
    report = json.JSONDecoder().raw_decode(out, out.rindex('{\n "origin"'))[0]
    assert report["findings"] == [{"rule": "leaf_broken", "about": "entry 5"}]


def _by_hand(text: str, leaf: bytes) -> None:
    """The proof with standard tools: hashes, and the signature by openssl where there is one."""
    head, body, _signature = text.split("\n\n")
    _magic, _extra, index, *hashes = head.split("\n")
    origin, size, root = body.split("\n")
    place, last, top = int(index.removeprefix("index ")), int(size) - 1, leaf
    for piece in map(base64.b64decode, hashes):
        if place & 1 or place == last:
            top = sha256(b"\x01" + piece + top).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            top = sha256(b"\x01" + top + piece).digest()
        place, last = place >> 1, last >> 1
    assert (base64.b64decode(root), origin) == (top, NAME.origin(1))
    assert open_checkpoint(text.split("\n\n", 1)[1], NAME.verifiers(1)).size == int(size)


async def _run(*arguments: str, status: int = 0) -> int:
    """A command in a program of its own thread."""
    found = await asyncio.to_thread(jukinetctl.main, ["ledger", *arguments])
    assert found == status, arguments
    return found

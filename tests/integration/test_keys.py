"""Key rotation on a running server, killed and taken up: nothing unreadable, nothing missed."""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from jukinet_daemon.domain.notice import Key, KeyKind
from jukinet_daemon.loops.keyring import KeyringLoop
from jukinet_daemon.ops.rotate import KeyRotation, Progress, RotationFault, Terms
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.history import History
from jukinet_daemon.store.keys import KeyStore
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.store.rows import place_of
from jukinet_daemon.store.sealed import SEALED
from jukinet_daemon.vault.fields import Vault, VaultFault
from jukinet_daemon.vault.keyring import Keyring, read_keyring, write_keyring
from support.notices import juki_change
from support.store import CLOCK, session
from support.world import FUKUOKA, PREFECTURE, REGISTERS, TRUST_DOMAIN, House, until

# Columns of bytes that hold nothing sealed: digests, salts, keyed fingerprints, a CA's list.
NOT_SEALED = {
    ("ledger_node", "hash"),
    ("inbox", "fingerprint"),
    ("parcel", "fingerprint"),
    ("ledger", "hash"),
    ("ledger", "salt"),
    ("bridge_request", "key_digest"),
    ("kept_crl", "list"),
}
_BYTES = """
SELECT relname, attname FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'm') AND NOT attisdropped
    AND atttypid IN (SELECT oid FROM pg_type WHERE 'bytea'::regtype IN (oid, typbasetype))
"""
_STEPS = "SELECT count(*) FROM ledger WHERE payload::jsonb ->> 'step' = $1"
_NUMBERS = """
SELECT person_id, version, individual_number, individual_number_index, previous_number
FROM history ORDER BY person_id, version
"""


@pytest.mark.parametrize("register", REGISTERS)
async def test_every_column_of_bytes_is_rotated_or_declared_not_sealed(
    new_database: Callable[[str], str], register: str
) -> None:
    async with session(new_database(register)) as owner:
        found = {(row["relname"], row["attname"]) for row in await owner.fetch(_BYTES)}
    rotated = {(table.name, column) for table in SEALED[register] for column in table.columns}
    assert found - NOT_SEALED == rotated


@asynccontextmanager
async def rotation_of(house: House, ring: Path | None = None, **terms: Any) -> AsyncIterator[KeyRotation]:
    database = await open_database(house.dsn, house.register, "jukinet_keys")
    store = await KeyStore.open(database, house.register)
    told: list[Progress] = []
    try:
        yield KeyRotation(
            store,
            ring or house.config.keys.ring,
            register=house.register,
            operator="tester",
            clock=CLOCK,
            terms=Terms(**terms),
            tell=told.append,
        )
    finally:
        await store.close()
        await database.close()


def _config(house: House, folder: Path) -> Path:
    path = folder / "keys.toml"
    path.write_text(
        f'register = "{house.register}"\nprefecture = "{PREFECTURE}"\ntrust_domain = "{TRUST_DOMAIN}"\n'
        f'[database]\ndsn = "{house.dsn}"\n[keys]\nring = "{house.config.keys.ring}"\n'
    )
    return path


async def _start(config: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Starts `jukinetctl keys`."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jukinet_daemon.cli.jukinetctl", "keys", *arguments, "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _keys(config: Path, *arguments: str) -> tuple[int, str]:
    """Runs `jukinetctl keys` to its end."""
    process = await _start(config, *arguments)
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, output.decode()


def _births(how_many: int) -> list[dict[str, Any]]:
    return [juki_change() for _ in range(how_many)]


class Watch:
    """Somebody who looks numbers up and opens them all the time, and takes up new rings as a process does."""

    def __init__(self, house: House, connection: asyncpg.Connection) -> None:
        self.numbers: dict[str, str] = {}
        self.looked, self.missed = 0, 0
        self.vault = Vault(read_keyring(house.config.keys.ring))
        self._ring = KeyringLoop(house.config.keys.ring, self.vault, lambda: None)
        self._connection = connection

    async def run(self, chance: random.Random) -> None:
        while True:
            self._ring.look()
            await self.look(chance.choice(list(self.numbers)))
            await asyncio.sleep(0)

    async def look(self, number: str) -> None:
        found = await self._connection.fetch(
            "SELECT person_id, version, individual_number, resident_code FROM history"
            " WHERE individual_number_index = ANY ($1)",
            self.vault.indexes("individual_number", number),
        )
        self.looked += 1
        opened = [
            self.vault.open(place_of(row[0], row[1], "individual_number"), row[2]).decode() for row in found
        ]
        right = opened == [number] and found[0]["resident_code"] == self.numbers[number]
        self.missed += not right


async def _load(house: House, watch: Watch, enough: asyncio.Event) -> None:
    """Sends births until told that it is enough."""
    async with house.line() as line:
        while not enough.is_set():
            births = _births(10)
            answers = await line.tell(*births)
            assert {answer.outcome for answer in answers} == {"ACCEPTED"}
            people = [birth["person"] for birth in births]
            watch.numbers |= {person["individual_number"]: person["resident_code"] for person in people}


async def _first_load(house: House, watch: Watch, how_many: int) -> None:
    enough = asyncio.Event()
    loading = asyncio.create_task(_load(house, watch, enough))

    async def loaded() -> bool:
        return len(watch.numbers) >= how_many or loading.done()

    await until(loaded, 60)
    enough.set()
    await loading


def _kills(seed: int) -> Iterator[tuple[str, int]]:
    """After which step of the evidence, how often, each of five rotations is killed."""
    chance = random.Random(seed)
    yield "add", 1
    yield "use", 1
    reached = 0
    for _ in range(3):
        reached += chance.randint(1, 8)
        yield "reseal", reached


@pytest.mark.parametrize("seed", [random.randrange(10**6)])
async def test_a_rotation_killed_five_times_under_load_loses_nothing(
    open_house: Any, tmp_path: Path, seed: int
) -> None:
    print(f"seed {seed}")
    house: House = await open_house("juki")
    config, ring = _config(house, tmp_path), house.config.keys.ring
    before = read_keyring(ring)
    async with session(house.dsn) as owner, session(house.dsn) as eyes:
        watch = Watch(house, eyes)
        await _first_load(house, watch, 800)
        enough = asyncio.Event()
        loading = asyncio.create_task(_load(house, watch, enough))
        looking = asyncio.create_task(watch.run(random.Random(seed)))
        for step, times in _kills(seed):
            killed = await _start(config, "rotate", "--apply", "--batch", "20")
            await _reached(owner, step, times)
            os.kill(killed.pid, signal.SIGKILL)
            assert await killed.wait() == -signal.SIGKILL, (seed, step, times)
        code, output = await _keys(config, "rotate", "--apply", "--batch", "200")
        assert code == 0, (seed, output)
        enough.set()
        await loading
        looking.cancel()
        assert watch.looked > 100
        assert watch.missed == 0, seed
        code, output = await _keys(config, "destroy", "--version", "1", "--settle", "0", "--apply")
        assert code == 0, (seed, output)
        await _all_is_under(owner, read_keyring(ring), before, watch)
    journal = await until(lambda: _relayed(house, len(watch.numbers)), 60)
    assert journal


async def _relayed(house: House, how_many: int) -> bool:
    """Whether every number went on to the national server, which no unreadable row could."""
    return len(house.national_journal.read_text("utf-8").splitlines()) >= how_many


async def _reached(owner: asyncpg.Connection, step: str, times: int) -> None:
    async def look() -> bool:
        return bool(await owner.fetchval(_STEPS, step) >= times)

    await until(look, 60)


async def _all_is_under(owner: asyncpg.Connection, ring: Keyring, before: Keyring, watch: Watch) -> None:
    """Every row opens under the new ring, is found by its index, and none opens under the old one."""
    assert ring.versions == (2,)
    new, old = Vault(ring), Vault(before)
    rows = await owner.fetch(_NUMBERS)
    opened = set()
    for row in rows:
        place = place_of(row["person_id"], row["version"], "individual_number")
        number = new.open(place, row["individual_number"]).decode()
        assert row["individual_number_index"] == new.index("individual_number", number)
        opened.add(number)
        with pytest.raises(VaultFault):
            old.open(place, row["individual_number"])
    assert opened == set(watch.numbers)
    for parcel in await owner.fetch("SELECT parcel_id, sealed FROM parcel"):
        assert new.open(f"parcel/{parcel['parcel_id']}", parcel["sealed"])


async def test_held_notices_and_previous_numbers_are_rotated_too(open_house: Any) -> None:
    house: House = await open_house("juki", national=False)
    born = juki_change()
    person = born["person"]
    corrected = juki_change(
        change="number_correction",
        cause="number_change_request",
        previous_number=person["individual_number"],
        person=person | {"individual_number": juki_change()["person"]["individual_number"]},
    )
    nobody = juki_change(change="deletion", cause="death")
    async with house.line() as line:
        answers = await line.tell(born, corrected, nobody)
    assert [answer.outcome for answer in answers] == ["ACCEPTED", "ACCEPTED", "HELD"]
    async with rotation_of(house, batch=1) as rotation:
        assert (await rotation.report()).of(1) == 7  # two numbers and their indexes, one before, held, parcel
        report = await rotation.rotate()
        assert (report.of(1), report.of(2), report.next_step) == (0, 7, "destroy")
    async with rotation_of(house, settled_after=timedelta(0)) as rotation:
        await rotation.destroy(1, apply=True)
    vault = Vault(read_keyring(house.config.keys.ring))
    [row] = await house.rows("SELECT notice_id::text AS id, sealed FROM held")
    assert nobody["id"].encode() in vault.open(f"held/{row['id']}", row["sealed"])
    database = await open_database(house.dsn, "juki", "jukinet_history")
    try:
        records = await History(database, vault).of(Key(KeyKind.CODE, person["resident_code"]))
    finally:
        await database.close()
    assert records[1].record.notice.previous_number == person["individual_number"]
    steps = await house.rows(
        "SELECT payload::jsonb ->> 'step' AS step FROM ledger WHERE payload LIKE '%keys%'"
    )
    assert [row["step"] for row in steps if row["step"] != "reseal"] == ["add", "use", "end", "destroy"]


async def test_the_key_of_a_value_is_not_destroyed(open_house: Any) -> None:
    """Teeth: one row left behind, one process left behind, writes not settled: each keeps the old key."""
    house: House = await open_house("juki", national=False)
    async with house.line() as line:
        await line.tell(*_births(3))
    [left] = (await house.rows(_NUMBERS))[:1]
    async with rotation_of(house) as rotation:
        await rotation.rotate()
    async with rotation_of(house) as rotation:
        with pytest.raises(RotationFault, match="settled"):
            await rotation.destroy(1, apply=True)
    async with session(house.dsn) as owner:
        await owner.execute(
            "UPDATE history SET individual_number = $2 WHERE person_id = $1",
            left["person_id"],
            left["individual_number"],
        )
        async with rotation_of(house, settled_after=timedelta(0)) as rotation:
            with pytest.raises(RotationFault, match="1 件"):
                await rotation.destroy(1, apply=True)
        await owner.execute(
            "INSERT INTO process (name, host, report, metrics)"
            """ VALUES ('old', 'x', '{"keys": {"current": 1, "versions": [1]}}', '')"""
        )
        async with rotation_of(house, settled_after=timedelta(0), wait_s=3) as rotation:
            with pytest.raises(RotationFault, match="old@x"):
                await rotation.destroy(1, apply=True)
            with pytest.raises(RotationFault, match="old@x"):
                await rotation.rotate()
        await owner.execute("DELETE FROM process WHERE name = 'old'")
        async with rotation_of(house, settled_after=timedelta(0)) as rotation:
            await rotation.rotate()
            with pytest.raises(RotationFault, match="current one"):
                await rotation.destroy(2, apply=True)
            await rotation.destroy(1, apply=True)
    assert read_keyring(house.config.keys.ring).versions == (2,)


async def test_a_key_that_was_added_and_is_not_in_use_yet_is_not_destroyed(open_house: Any) -> None:
    """The next rotation would give its number to another key, and nothing could be committed under that."""
    house: House = await open_house("juki", national=False)
    ring = house.config.keys.ring
    write_keyring(ring, read_keyring(ring).added())
    async with rotation_of(house, settled_after=timedelta(0)) as rotation:
        with pytest.raises(RotationFault, match="not in use yet"):
            await rotation.destroy(2, apply=True)
    assert read_keyring(ring).versions == (1, 2)


@pytest.mark.parametrize(
    ("version", "told"), [("1", "/ it is the current one"), ("9", "/ the ring has no such version")]
)
async def test_a_dry_run_refuses_what_would_be_refused(
    open_house: Any, tmp_path: Path, version: str, told: str
) -> None:
    house: House = await open_house("juki", national=False)
    for applied in ((), ("--apply",)):
        code, output = await _keys(_config(house, tmp_path), "destroy", "--version", version, *applied)
        assert (code, told in output) == (1, True), output


async def test_a_dry_run_says_what_would_go_and_lets_it_stand(open_house: Any, tmp_path: Path) -> None:
    house: House = await open_house("juki", national=False)
    async with rotation_of(house) as rotation:
        await rotation.rotate()
    config = _config(house, tmp_path)
    code, output = await _keys(config, "destroy", "--version", "1")
    assert (code, "until writes under way have settled" in output) == (1, True), output
    code, output = await _keys(config, "destroy", "--version", "1", "--settle", "0")
    assert (code, "no backup sealed under it can be read again" in " ".join(output.split())) == (0, True)
    assert read_keyring(house.config.keys.ring).versions == (1, 2)
    assert not await house.rows("SELECT 1 FROM ended_key")


async def test_one_rotation_at_a_time(open_house: Any) -> None:
    house: House = await open_house("juki", national=False)
    async with rotation_of(house) as first, rotation_of(house) as second:
        await first.rotate()
        with pytest.raises(RotationFault, match="another key operation"):
            await second.rotate()


async def test_a_second_rotation_waits_for_the_first_key_to_be_destroyed(open_house: Any) -> None:
    house: House = await open_house("fuhyo", national=False)
    async with rotation_of(house) as rotation:
        await rotation.rotate()
        with pytest.raises(RotationFault, match="destroy the old version first"):
            await rotation.rotate()


async def test_the_command_only_says_what_it_would_do(open_house: Any, tmp_path: Path) -> None:
    house: House = await open_house("juki", national=False)
    config, before = _config(house, tmp_path), read_keyring(house.config.keys.ring)
    code, output = await _keys(config, "rotate")
    assert (code, "--apply" in output) == (0, True)
    code, output = await _keys(config, "status", "--json")
    told = json.loads(output)
    assert (told["current"], told["versions"], told["stale"], told["next"]) == (1, [1], 0, "add")
    code, output = await _keys(config, "destroy")
    assert (code, "--version" in output) == (1, True)
    house.config.keys.ring.chmod(0o644)
    code, output = await _keys(config, "status")
    assert (code, "0644" in output) == (1, True)
    house.config.keys.ring.chmod(0o600)
    assert read_keyring(house.config.keys.ring) == before


async def test_a_number_moved_to_anothers_row_is_refused_by_every_reader(open_house: Any) -> None:
    """Two hundred rows exchange their ciphertexts in the database: none opens."""
    house: House = await open_house("juki", national=False)
    births = _births(200)
    async with house.line() as line:
        await line.tell(*births)
    async with session(house.dsn) as owner:
        await owner.execute(
            "UPDATE history AS h SET individual_number = o.number FROM (SELECT person_id,"
            " coalesce(lead(individual_number) OVER w, first_value(individual_number) OVER w) AS number"
            " FROM history WINDOW w AS (ORDER BY person_id)) AS o WHERE o.person_id = h.person_id"
        )
    database = await open_database(house.dsn, "juki", "jukinet_history")
    try:
        history = History(database, Vault(read_keyring(house.config.keys.ring)))
        for birth in births:
            with pytest.raises(StoreFault, match="cannot be opened"):
                await history.of(Key(KeyKind.CODE, birth["person"]["resident_code"]))
    finally:
        await database.close()


async def test_the_role_of_rotation_can_change_sealed_columns_only(open_house: Any) -> None:
    house: House = await open_house("juki", national=False)
    async with house.line(FUKUOKA) as line:
        await line.tell(*_births(1))
    async with session(house.dsn, role="jukinet_keys") as keys:
        for forbidden in (
            "UPDATE history SET name = 'x'",
            "UPDATE history SET resident_code = '00000000000'",
            "UPDATE parcel SET digest = ''",
            "UPDATE held SET code = ''",
            "DELETE FROM history",
            "SELECT name FROM history",
            "SELECT payload FROM ledger",
            "SELECT fingerprint FROM inbox",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await keys.execute(forbidden)
        for erased in (
            "UPDATE history SET individual_number = NULL, individual_number_index = NULL",
            "UPDATE history SET previous_number = individual_number",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="neither blanks nor enters"):
                await keys.execute(erased)


async def test_a_ring_that_cannot_be_used_leaves_the_old_one_in_use(open_house: Any, tmp_path: Path) -> None:
    house: House = await open_house("juki", national=False)
    ring = house.config.keys.ring
    keyring = read_keyring(ring)
    vault = Vault(keyring)
    heard: list[int] = []
    loop = KeyringLoop(ring, vault, lambda: heard.append(vault.ring.current))
    loop.look()
    sound = ring.read_text()
    for text in ("", "not toml", sound.replace("current = 1", "current = 2")):
        ring.write_text(text)
        loop.look()
        assert vault.ring.versions == (1,)
    write_keyring(ring, keyring.added().using(2))
    loop.look()
    ring.unlink()
    loop.look()
    assert (vault.ring.current, heard) == (2, [2])

"""封印: no leaf is lost whatever commits when; a sealer may die anywhere; nothing false is signed."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conftest import HouseMaker
from jukinet_daemon.ledger.checkpoint import LedgerKey
from jukinet_daemon.service.seal import LogName, SealFault
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.seal import SealRound
from support.notices import juki_change
from support.seal import KEY, NAME, Kept, add_leaf, kept, ledger_sections, sealer
from support.store import session
from support.world import TRUST_DOMAIN, until

Databases = Callable[[str], str]
LEAVES = 17


@pytest.fixture
def dsn(new_database: Databases) -> str:
    return new_database("juki")


async def _seal(dsn: str) -> int:
    """Seals until nothing is left."""
    total = 0
    async with sealer(dsn) as at_work:
        while sealed := await at_work.seal():
            total += sealed
    return total


async def test_every_leaf_gets_one_place(dsn: str, owner: asyncpg.Connection) -> None:
    assert await _seal(dsn) == 0
    assert await kept(owner) == Kept([], [], [], [])
    async with sealer(dsn) as at_work:
        for leaves in (1, 1, 30, 200):
            entries = [await add_leaf(owner) for _ in range(leaves)]
            assert await at_work.seal() == leaves
            assert (await kept(owner)).entries[-leaves:] == entries
            assert await at_work.seal() == 0
    assert [tree.size for tree in (await kept(owner)).checkpoints] == [1, 2, 32, 232]


async def test_leaves_that_commit_late_or_never_are_neither_lost_nor_doubled(
    dsn: str, owner: asyncpg.Connection
) -> None:
    """Twelve writers take their numbers in turn and commit, or roll back, in another order than that."""
    chance = random.Random(20261127)
    connections = [await asyncpg.connect(dsn) for _ in range(12)]
    rolled_back: set[int] = set()
    async with sealer(dsn) as at_work:
        for _ in range(25):
            turns = []
            for connection in chance.sample(connections, 8):
                turn = connection.transaction()
                await turn.start()
                turns.append((turn, [await add_leaf(connection) for _ in range(chance.randint(1, 3))]))
            for turn, entries in chance.sample(turns, len(turns)):
                if chance.random() < 0.2:
                    await turn.rollback()
                    rolled_back |= set(entries)
                else:
                    await turn.commit()
                if chance.random() < 0.5:
                    await at_work.seal()
        await at_work.seal()
    for connection in connections:
        await connection.close()
    found = await kept(owner)
    assert found.unplaced == []
    assert found.entries != sorted(found.entries), "nothing came late: the test shows nothing"
    passed_over = {entry for first, after in found.gaps for entry in range(first, after)}
    assert passed_over == {entry for entry in rolled_back if entry < max(found.entries)}


async def test_a_transaction_that_lasts_holds_nobody_up(dsn: str, owner: asyncpg.Connection) -> None:
    async with session(dsn) as slow, sealer(dsn) as at_work:
        turn = slow.transaction()
        await turn.start()
        late = await add_leaf(slow)
        prompt = [await add_leaf(owner) for _ in range(5)]
        assert await at_work.seal() == 5
        assert (await kept(owner)).gaps == [(late, late + 1)]
        await turn.commit()
        assert await at_work.seal() == 1
    assert await kept(owner) == Kept([*prompt, late], (await kept(owner)).checkpoints, [], [])


async def test_only_one_seals_at_a_time(dsn: str, owner: asyncpg.Connection) -> None:
    async with sealer(dsn) as one, sealer(dsn) as other:
        for _ in range(20):
            for _ in range(10):
                await add_leaf(owner)
            assert sorted(await asyncio.gather(one.seal(), other.seal()))[1] == 10
    assert (await kept(owner)).unplaced == []


async def test_the_database_itself_allows_no_fork(dsn: str, owner: asyncpg.Connection) -> None:
    await add_leaf(owner)
    await _seal(dsn)
    again = (
        (
            "INSERT INTO ledger_checkpoint (log_id, size, grew_from, note, peaks, seen)"
            " VALUES (1, 9, 0, '', '{}', 9)"
        ),
        "INSERT INTO ledger_run (log_id, position, entries) SELECT 1, 7, entries FROM ledger_run",
        "INSERT INTO ledger_run (log_id, position, entries) VALUES (1, 0, '[50,51)')",
    )
    for statement in again:
        with pytest.raises((asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError)):
            await owner.execute(statement)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_sealer_may_die_at_any_step(
    dsn: str, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Its session is ended at the n-th step, for every n; another sealer goes on as if nothing had been."""
    steps, deadly = 0, -1

    def mortal(name: str) -> None:
        step = getattr(SealRound, name)

        async def taken(turn: SealRound, *values: object) -> Any:
            nonlocal steps
            steps += 1
            dies = steps == deadly
            if dies and moment == "before":
                await _end(owner, turn)
            result = await step(turn, *values)
            if dies and moment == "after":
                await _end(owner, turn)
            return result

        monkeypatch.setattr(SealRound, name, taken)

    for name in ("_row", "_rows", "_run"):
        mortal(name)

    async def two_rounds() -> None:
        """The second finds what was late for the first."""
        async with session(dsn) as slow:
            turn = slow.transaction()
            await turn.start()
            await add_leaf(slow)
            for _ in range(LEAVES):
                await add_leaf(owner)
            await _seal_or_die(dsn)
            await turn.commit()
        await _seal_or_die(dsn)

    await two_rounds()
    all_steps = steps
    assert all_steps > 15
    for number in range(1, all_steps + 1):
        steps, deadly = 0, number
        await two_rounds()
        found = await kept(owner)
        assert len(found.entries) + len(found.unplaced) == (number + 1) * (LEAVES + 1)
    deadly = -1
    await _seal(dsn)
    assert (await kept(owner)).unplaced == []


async def _seal_or_die(dsn: str) -> None:
    async with sealer(dsn) as at_work:
        try:
            await at_work.seal()
        except StoreFault:
            return


async def _end(owner: asyncpg.Connection, turn: SealRound) -> None:
    pid = turn._connection.get_server_pid()
    assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)


SPOILT = {
    "UPDATE ledger_checkpoint SET note = replace(note, E'\\n3\\n', E'\\n4\\n')": "cannot be trusted",
    "UPDATE ledger_checkpoint SET peaks = peaks[2:] || peaks[:1]": "not of the tree",
    "UPDATE ledger_checkpoint SET peaks = peaks[:1]": "not of the tree",
    "UPDATE ledger_checkpoint SET size = 5": "not of the tree",
    "UPDATE ledger_log SET origin = 'elsewhere/pref/juki'": "is named elsewhere",
    "INSERT INTO ledger_conflict (log_id, sender, size, note, parcel_digest)"
    " VALUES (1, '401307', 9, '', '')": "witnesses hold 1",
}


@pytest.mark.parametrize("harm", SPOILT)
async def test_nothing_is_signed_on_top_of_what_was_not_signed(
    dsn: str, owner: asyncpg.Connection, harm: str
) -> None:
    for _ in range(3):
        await add_leaf(owner)
    await _seal(dsn)
    await owner.execute(harm)
    await add_leaf(owner)
    async with sealer(dsn) as at_work:
        with pytest.raises(SealFault, match=SPOILT[harm]):
            await at_work.seal()
    assert await owner.fetchval("SELECT count(*) FROM ledger_checkpoint") == 1


async def test_a_log_whose_checkpoints_are_gone_is_not_begun_again(
    dsn: str, owner: asyncpg.Connection
) -> None:
    for _ in range(3):
        await add_leaf(owner)
    await _seal(dsn)
    await owner.execute("DELETE FROM ledger_checkpoint")
    async with sealer(dsn) as at_work:
        with pytest.raises(StoreFault):
            await at_work.seal()


async def test_a_key_is_replaced(dsn: str, owner: asyncpg.Connection) -> None:
    await add_leaf(owner)
    await _seal(dsn)
    fresh = LedgerKey(Ed25519PrivateKey.generate())
    await add_leaf(owner)
    async with sealer(dsn, LogName(TRUST_DOMAIN, "juki", (fresh.public,)), fresh) as at_work:
        with pytest.raises(SealFault, match="cannot be trusted"):
            await at_work.seal()
    both = LogName(TRUST_DOMAIN, "juki", (fresh.public, KEY.public))
    async with sealer(dsn, both, fresh) as at_work:
        assert await at_work.seal() == 1
    assert NAME.keys == (KEY.public,)


async def test_the_daemon_seals_what_it_answers(open_house: HouseMaker, tmp_path: Any) -> None:
    house = await open_house("juki", national=False, **ledger_sections(tmp_path))
    async with house.line() as line:
        await line.tell(*(juki_change() for _ in range(20)))

    async def sealed() -> bool:
        async with session(house.dsn) as owner:
            found = await kept(owner)
            return len(found.entries) >= 20 and not found.unplaced

    await until(sealed, 10)

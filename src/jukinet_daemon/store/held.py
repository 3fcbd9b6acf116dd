"""保留の保存: notices that wait for an operator, and how they are settled."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import asyncpg

from jukinet_daemon.domain.decide import Decision
from jukinet_daemon.domain.notice import Key, KeyKind, Notice
from jukinet_daemon.domain.person import PersonState
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store import rows
from jukinet_daemon.store.faults import store_faults
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.vouch import leaf_row, vouched, vouched_call
from jukinet_daemon.vault.fields import Vault


@dataclass(frozen=True, slots=True)
class Held:
    """A notice that waits: whom it keeps waiting, why, from whom and when it came, and what it says."""

    notice_id: str
    people: tuple[int, ...]
    code: str
    sender: str
    tied: tuple[Key, ...]
    notified_on: date
    held_at: datetime
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is to become of a held notice: states after of all it kept waiting, what it brings, evidence.

    `decision` is None where the notice is rejected.
    """

    held: Held
    states: tuple[PersonState, ...]
    notice: Notice | None
    decision: Decision | None
    leaf: Leaf


class HeldNotices:
    """The database behind the operators' work on held notices."""

    def __init__(self, database: Database, register: str, vault: Vault) -> None:
        self._database = database
        self._register = register
        self._vault = vault

    async def all(self) -> list[Held]:
        """Every notice that waits, the oldest first. Raises StoreFault or VaultFault."""
        return [self._held(row) for row in await self._database.fetch("find_held")]

    async def one(self, notice_id: str) -> Held | None:
        """One notice that waits, or None. Raises StoreFault or VaultFault."""
        found = await self._database.fetch("find_held_notice", notice_id)
        return self._held(found[0]) if found else None

    async def behind(self, people: Sequence[int]) -> list[Held]:
        """What waits of these persons, the oldest first. Raises StoreFault or VaultFault."""
        return [self._held(row) for row in await self._database.fetch("find_held_of", list(people))]

    async def states(self, people: Sequence[int]) -> list[PersonState]:
        """The states of persons. Raises StoreFault."""
        return [rows.state_of(row) for row in await self._database.fetch("find_states", list(people))]

    async def mark(self, notice_id: str, code: str) -> None:
        """Notes why a notice waits now. Raises StoreFault."""
        await self._database.fetch("mark_held", notice_id, code)

    async def record(self, leaf: Leaf) -> None:
        """Writes down an operation, durably, before its result is shown. Raises StoreFault."""
        await vouched_call(self._database, "add_leaf", *leaf_row(leaf))

    async def settle(self, settlement: Settlement) -> bool:
        """Settles a notice in one transaction; False when it or one of its persons moved on meanwhile.

        Raises StoreFault, and then nothing may be taken for done.
        """
        leaf = settlement.leaf
        values = (
            settlement.held.notice_id,
            [rows.person_row(state) for state in settlement.states],
            self._untied(settlement),
            *self._brought(settlement),
            leaf_row(leaf),
        )
        with store_faults():
            async with self._database.pool.acquire() as connection:
                with vouched(connection):
                    transaction = connection.transaction()
                    await transaction.start()
                    try:
                        settled: bool = await connection.fetchval(
                            self._database.queries["settle_held"], *values
                        )
                    except BaseException:
                        await transaction.rollback()
                        raise
                    await (transaction.commit() if settled else transaction.rollback())
        return settled

    def _untied(self, settlement: Settlement) -> list[tuple[object, ...]]:
        """What a rejected notice lets go: nobody must be found by a slip of its pen."""
        if settlement.decision is not None:
            return []
        held = settlement.held
        return list(rows.key_rows(held.tied, held.people[0]))

    def _brought(self, settlement: Settlement) -> tuple[object, object, object]:
        decision, day = settlement.decision, settlement.held.notified_on
        if decision is None or decision.after is None:
            return [], None, None
        keys = rows.key_rows(decision.new_keys, decision.after.person_id)
        return keys, *rows.brought(self._register, decision, settlement.notice, day, self._vault)

    def _held(self, row: asyncpg.Record) -> Held:
        notice_id = row["notice_id"]
        return Held(
            notice_id,
            (row["person_id"], *row["others"]),
            row["code"],
            row["sender"],
            tuple(Key(KeyKind(key["kind"]), key["value"]) for key in row["tied"]),
            row["notified_on"],
            row["held_at"],
            self._vault.open(f"held/{notice_id}", row["sealed"]),
        )

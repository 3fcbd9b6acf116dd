"""受付の保存: what is known of a batch, and its commit, one transaction a decision."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from jukinet_daemon.domain.decide import Decision
from jukinet_daemon.domain.notice import Key, KeyKind, Notice
from jukinet_daemon.domain.outcomes import OutcomeClass
from jukinet_daemon.domain.person import PersonState
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store import rows
from jukinet_daemon.store.faults import store_faults
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.vouch import vouched
from jukinet_daemon.unhurried import unhurried
from jukinet_daemon.vault.fields import Vault

DecisionRow = tuple[Any, ...]

_BLOCK = 1000
# same_notices() compares no more at once; a batch may be larger.
_COMPARED = 1000
_KINDS: Mapping[str, KeyKind] = MappingProxyType({kind.value: kind for kind in KeyKind})


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What was answered when a notice id was first seen.

    `same` are the fingerprints, of those that were asked about, of what was said then. The database compares;
    it shows none.
    """

    sender: str
    answer: str
    same: frozenset[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of a batch: answers given before, and persons by key."""

    answers: dict[str, FirstAnswer]
    people: dict[Key, PersonState]


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """A parcel as it is kept: sealed, with who signed it, when it came, and its summary."""

    parcel_id: int
    sender: str
    number: int
    digest: str
    thumbprint: str
    sealed: bytes = field(repr=False)
    received_at: datetime
    fingerprint: bytes = field(repr=False)
    notice_ids: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InboxRow:
    """The permanent memory of a notice id."""

    notice_id: str
    sender: str
    parcel_id: int
    fingerprint: bytes
    outcome: OutcomeClass
    code: str
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision ready to commit. `inbox` is None where no id can be remembered; `raw` is kept if held."""

    decision: Decision
    notice: Notice | None
    inbox: InboxRow | None
    leaf: Leaf
    raw: bytes = field(repr=False)
    sender: str
    notified_on: date


class Committed(StrEnum):
    """What became of an entry."""

    DONE = "done"
    SEEN = "seen"
    CONFLICT = "conflict"


class Inbox:
    """The database behind the notices door."""

    def __init__(self, database: Database, register: str, vault: Vault) -> None:
        self._database = database
        self._register = register
        self._vault = vault
        self._numbers: dict[str, deque[int]] = {
            "take_person_numbers": deque(),
            "take_parcel_numbers": deque(),
        }

    async def known(self, notices: Collection[tuple[str, bytes]], keys: Sequence[Key]) -> Known:
        """Reads what is known of notices, by id and fingerprint, and of the persons that keys name.

        Raises StoreFault.
        """
        kinds, values = [key.kind for key in keys], [key.value for key in keys]
        ids = list({name for name, _ in notices})
        with store_faults():
            async with self._database.pool.acquire() as connection:
                queries = self._database.queries
                found = await connection.fetch(queries["find_known"], ids, kinds, values)
                answers = [row for row in found if row["notice_id"]]
                same: dict[str, set[bytes]] = {row["notice_id"]: set() for row in answers}
                repeated = [notice for notice in notices if notice[0] in same]
                for start in range(0, len(repeated), _COMPARED):
                    some = zip(*repeated[start : start + _COMPARED], strict=True)
                    for row in await connection.fetch(queries["find_same"], *some):
                        same[row["notice_id"]].add(row["fingerprint"])
        return Known(
            {
                row["notice_id"]: FirstAnswer(row["sender"], row["answer"], frozenset(same[row["notice_id"]]))
                for row in answers
            },
            {Key(_KINDS[row["kind"]], row["value"]): rows.state_of(row) for row in found if row["kind"]},
        )

    async def person_numbers(self, count: int) -> list[int]:
        """Fresh person numbers. Raises StoreFault."""
        return await self._take("take_person_numbers", count)

    async def parcel_numbers(self, count: int) -> list[int]:
        """Fresh parcel numbers. Raises StoreFault."""
        return await self._take("take_parcel_numbers", count)

    async def _take(self, query: str, count: int) -> list[int]:
        numbers = self._numbers[query]
        if len(numbers) < count:
            fresh = await self._database.fetch(query, max(count, _BLOCK))
            numbers.extend(row["number"] for row in fresh)
        return [numbers.popleft() for _ in range(count)]

    async def decision_rows(self, entries: Iterable[Entry]) -> list[DecisionRow]:
        """Entries as the database takes them, sealed values and search keys worked out."""
        return [self._row(entry) async for entry in unhurried(entries)]

    async def commit(
        self, parcels: Iterable[ParcelRow], decisions: Sequence[DecisionRow], repeats: Sequence[str]
    ) -> list[Committed]:
        """Commits a batch durably, each decision in a transaction of its own; gives what became of each.

        Raises StoreFault when the database failed or did not vouch for durability: then anything may have
        been committed and nothing may be acknowledged.
        """
        with store_faults():
            async with self._database.pool.acquire() as connection:
                with vouched(connection):
                    results = await connection.fetchval(
                        self._database.queries["commit_batch"],
                        [_parcel(parcel) for parcel in parcels],
                        decisions,
                        repeats,
                        timeout=60,
                    )
        return [Committed(word) for word in results]

    def _row(self, entry: Entry) -> DecisionRow:
        decision, notice, after = entry.decision, entry.notice, entry.decision.after
        history = held = departure = None
        if after is not None and notice is not None:
            history, departure = rows.brought(
                self._register, decision, notice, entry.notified_on, self._vault
            )
            if decision.kind is OutcomeClass.HELD:
                sealed = self._vault.seal(f"held/{notice.id}", entry.raw)
                others = [other.person_id for other in decision.others]
                code, sender = decision.outcome.code, entry.sender
                tied = rows.key_rows(decision.new_keys, after.person_id)
                held = (notice.id, after.person_id, others, code, sender, tied, sealed, entry.notified_on)
        return (
            _inbox(entry.inbox),
            decision.before.version if decision.before else 0,
            rows.person_row(after) if after else None,
            rows.key_rows(decision.new_keys, after.person_id) if after else [],
            [rows.person_row(other) for other in decision.others],
            history,
            held,
            departure,
            (entry.leaf.hash, entry.leaf.salt, entry.leaf.payload),
        )


def _inbox(row: InboxRow | None) -> tuple[Any, ...] | None:
    if row is None:
        return None
    return (row.notice_id, row.sender, row.parcel_id, row.fingerprint, row.outcome, row.code, row.answer)


def _parcel(row: ParcelRow) -> tuple[Any, ...]:
    return (
        row.parcel_id,
        row.sender,
        row.number,
        row.digest,
        row.thumbprint,
        row.sealed,
        row.received_at,
        row.fingerprint,
        row.notice_ids,
        row.kinds,
    )

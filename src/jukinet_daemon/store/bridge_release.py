"""橋の保存 (都道府県サーバ): the last record of a person, the burning of requests, and what they give."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import asyncpg

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.overseas import LastStay
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store import rows
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.vouch import leaf_row, vouched_call
from jukinet_daemon.vault.fields import Vault, VaultFault

# Opened where there is no number to open, so that both ways do the same work.
_DECOY = "000000000000"


@dataclass(frozen=True, slots=True)
class Found:
    """What the file has of one code: the person (None: nobody), its version (0), and its last stay."""

    person_id: int | None
    version: int
    last: LastStay | None


@dataclass(frozen=True, slots=True)
class Given:
    """What an answer that is burnt gives: the sealed number of one record."""

    person_id: int
    record_version: int
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Burning:
    """One answer about to be given: whose request it burns, what it was decided on, what it comes to."""

    request_id: str
    case_id: str
    office: str
    basis: str
    affair: str
    thumbprint: str
    code: str
    resident_code: str = field(repr=False)
    expected: int | None
    leaf: Leaf


class Burnt(StrEnum):
    """What became of a burning."""

    DONE = "done"
    BURNT = "burnt"
    MOVED = "moved"


class ReleaseStore:
    """The database behind the bridge door of the 都道府県 server, in the role jukinet_bridge."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._decoy = vault.seal("bridge/decoy", _DECOY.encode())

    async def last_stays(self, codes: Sequence[str]) -> list[Found]:
        """What the file says of the person of each code, in order. Raises StoreFault."""
        return [_found(row) for row in await self._database.fetch("find_last_stays", list(codes))]

    async def given(self, ids: Sequence[str]) -> list[Given | None]:
        """What the answers to requests give, in order, once they are burnt. Raises StoreFault."""
        return [
            Given(row["person_id"], row["record_version"], row["individual_number"])
            if row["individual_number"]
            else None
            for row in await self._database.fetch("give_numbers", list(ids))
        ]

    def number(self, given: Given | None) -> str | None:
        """The 個人番号 that is given, or None; both cost the opening of one value. Raises StoreFault."""
        try:
            if given is None:
                self._vault.open("bridge/decoy", self._decoy_now())
                return None
            return rows.open_number(given.person_id, given.record_version, given.sealed, self._vault)
        except VaultFault as fault:
            raise StoreFault(f"a number cannot be opened: {fault}") from None

    def _decoy_now(self) -> bytes:
        """The value opened where there is none, under a key that is still in the ring."""
        if not self._vault.is_current(self._decoy):
            self._decoy = self._vault.seal("bridge/decoy", _DECOY.encode())
        return self._decoy

    async def burn(self, burnings: Sequence[Burning]) -> list[Burnt]:
        """Burns requests with their evidence in one durable transaction. Raises StoreFault."""
        answers = [_row(burning) for burning in burnings]
        leaves = [leaf_row(burning.leaf) for burning in burnings]
        words = await vouched_call(self._database, "burn_requests", answers, leaves)
        return [Burnt(word) for word in words]

    async def note(self, leaves: Sequence[Leaf]) -> None:
        """Writes evidence that belongs to no request. Raises StoreFault."""
        await vouched_call(self._database, "note_leaves", [leaf_row(leaf) for leaf in leaves])


def _found(row: asyncpg.Record) -> Found:
    if row["person_id"] is None:
        return Found(None, 0, None)
    last = LastStay(
        open=row["is_open"],
        waiting=row["waiting"],
        foreign=bool(row["is_foreign"]),
        change=Change(row["change"]) if row["change"] else None,
        cause=Cause(row["cause"]) if row["cause"] else None,
        event_date=row["event_date"],
        resident_code=row["resident_code"],
        numbered=row["numbered"],
    )
    return Found(row["person_id"], row["version"], last)


def _row(burning: Burning) -> tuple[object, ...]:
    return (
        burning.request_id,
        burning.case_id,
        burning.office,
        burning.basis,
        burning.affair,
        burning.thumbprint,
        burning.code,
        burning.resident_code,
        burning.expected,
    )

"""橋の保存 (附票都道府県サーバ): cases, requests, the numbers held for minutes, and their erasure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from jukinet_daemon.domain.notice import Key
from jukinet_daemon.domain.overseas import FuhyoEntry
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.vouch import leaf_row, vouched_call
from jukinet_daemon.vault.fields import Vault, VaultFault


@dataclass(frozen=True, slots=True)
class Entry:
    """What the file has of one key: the person (None: nobody), and the code of its record."""

    person_id: int | None
    entry: FuhyoEntry | None
    resident_code: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case about to be opened. `code` is why it is refused, or None."""

    case_id: str
    office: str
    basis: str
    affair: str
    requested_by: str
    approved_by: str
    code: str | None
    run: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A request about to be opened, or recorded as refused with `code`."""

    request_id: str
    case_id: str
    place: int
    addressee: str
    person_id: int | None
    key_digest: bytes | None
    code: str | None
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Settling:
    """What a request came to, and the number that came."""

    request_id: str
    place: int
    code: str
    number: str | None = field(repr=False)
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a call back finds it. `case` is None where there is no such request."""

    case: CaseRow | None
    expires_at: datetime | None
    key_digest: bytes | None
    stands_open: bool
    found: Entry


@dataclass(frozen=True, slots=True)
class Due:
    """A case whose numbers must go, and why."""

    case_id: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a delivery: its place in the office's list, the outcome, and the number."""

    place: int
    code: str | None
    number: str | None = field(repr=False)


class RequestStore:
    """The database behind the bridge of the 附票 server, in the role jukinet_bridge."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def entries(self, keys: Sequence[Key]) -> list[Entry]:
        """What the file says of the person of each key, in order. Raises StoreFault."""
        kinds, values = [key.kind for key in keys], [key.value for key in keys]
        return [_entry(row) for row in await self._database.fetch("find_entries", kinds, values)]

    async def open_case(self, case: CaseRow, seconds: int, leaf: Leaf) -> datetime:
        """Opens a case, or records its refusal; gives when it ends. Raises StoreFault."""
        row = tuple(getattr(case, name) for name in CaseRow.__slots__)
        ends: datetime = await vouched_call(self._database, "open_case", row, seconds, leaf_row(leaf))
        return ends

    async def open_requests(self, case_id: str, openings: Sequence[Opening]) -> None:
        """Opens requests of a case. Raises OverFault where it ended, StoreFault."""
        rows = [
            (o.request_id, o.case_id, o.place, o.addressee, o.person_id, o.key_digest, o.code)
            for o in openings
        ]
        leaves = [leaf_row(opening.leaf) for opening in openings]
        await vouched_call(self._database, "open_requests", case_id, rows, leaves)

    async def asked(self, ids: Sequence[str]) -> list[Asked]:
        """The requests that a call back names, in order. Raises StoreFault."""
        return [_asked(row) for row in await self._database.fetch("find_asked", list(ids))]

    async def confirm(self, ids: Sequence[str], leaves: Sequence[Leaf]) -> bool:
        """Confirms requests, once each, with this evidence; False where one is not open any more.

        Raises StoreFault.
        """
        rows = [leaf_row(leaf) for leaf in leaves]
        return bool(await vouched_call(self._database, "confirm_requests", list(ids), rows))

    async def settle(self, case_id: str, settlings: Sequence[Settling]) -> None:
        """Settles requests and holds what came, sealed. Raises OverFault where the case ended, StoreFault."""
        rows = [(s.request_id, s.code, self._sealed(case_id, s)) for s in settlings]
        leaves = [leaf_row(settling.leaf) for settling in settlings]
        await vouched_call(self._database, "settle_requests", case_id, rows, leaves)

    async def deliver(self, case_id: str, leaf: Leaf) -> bool:
        """Takes the one delivery of a case; False where it was taken or the case is over."""
        return bool(await vouched_call(self._database, "deliver_case", case_id, leaf_row(leaf)))

    async def lines(self, case_id: str, after: int, most: int) -> list[Line]:
        """The lines of a case after a place, in order. Raises StoreFault."""
        found = await self._database.fetch("find_lines", case_id, after, most)
        try:
            return [
                Line(row["place"], row["code"], self._opened(case_id, row["place"], row["sealed"]))
                for row in found
            ]
        except VaultFault as fault:
            raise StoreFault(f"a held number cannot be opened: {fault}") from None

    async def due(self, run: str) -> list[Due]:
        """The cases whose numbers must go. Raises StoreFault."""
        found = await self._database.fetch("find_due_cases", run)
        return [Due(row["case_id"], row["state"], row["why"]) for row in found]

    async def erase(self, case_id: str, leaf: Leaf) -> int | None:
        """Erases what is held of a case; gives how many numbers, or None where it was over already."""
        erased: int | None = await vouched_call(self._database, "erase_case", case_id, leaf_row(leaf))
        return erased

    async def cases(self, case_id: str | None, most: int) -> list[dict[str, Any]]:
        """The newest cases, or one, with the count of each outcome. Raises StoreFault."""
        return [dict(row) for row in await self._database.fetch("find_cases", case_id, most)]

    async def note(self, leaves: Sequence[Leaf]) -> None:
        """Writes evidence that belongs to no request. Raises StoreFault."""
        await vouched_call(self._database, "note_leaves", [leaf_row(leaf) for leaf in leaves])

    def _sealed(self, case_id: str, settling: Settling) -> bytes | None:
        if settling.number is None:
            return None
        return self._vault.seal(_place(case_id, settling.place), settling.number.encode())

    def _opened(self, case_id: str, place: int, sealed: bytes | None) -> str | None:
        return None if sealed is None else self._vault.open(_place(case_id, place), sealed).decode()


def _place(case_id: str, place: int) -> str:
    return f"bridge_held/sealed/{case_id}/{place}"


def _entry(row: asyncpg.Record) -> Entry:
    if row["person_id"] is None:
        return Entry(None, None, None)
    entry = FuhyoEntry(
        open=row["is_open"],
        overseas=bool(row["overseas"]),
        coded=row["resident_code"] is not None,
        waiting=row["waiting"],
        left_from=row.get("left_from"),
    )
    return Entry(row["person_id"], entry, row["resident_code"])


def _asked(row: asyncpg.Record) -> Asked:
    if row["case_id"] is None:
        return Asked(None, None, None, False, Entry(None, None, None))
    case = CaseRow(
        row["case_id"],
        row["office"],
        row["basis"],
        row["affair"],
        row["requested_by"],
        row["approved_by"],
        code=None,
        run="",
    )
    return Asked(case, row["expires_at"], row["key_digest"], bool(row["asked"]), _entry(row))

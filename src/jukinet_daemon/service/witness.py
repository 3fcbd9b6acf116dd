"""証人: the municipalities' CS carry the newest checkpoint; what they return is compared with the ledger.

What the door asks and tells here is memory; the loop does the rest beside it.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import structlog

from jukinet_daemon.ledger.checkpoint import CheckpointFault, open_checkpoint
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.ledger.tree import consistency_path
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.service.seal import LogName
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.seal import Log
from jukinet_daemon.store.tree import Newest
from jukinet_daemon.store.witness import Returned, WitnessStore
from jukinet_daemon.wire.envelope import base64url

log = structlog.get_logger()

# So many of the newest checkpoints are remembered; whoever returns an older one is known by the table.
REMEMBERED = 8

News = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Told:
    note: str
    parcel_digest: str


class Witnesses:
    """The witnesses of one register. `look` reads and writes; everything else is memory."""

    def __init__(self, store: WitnessStore, name: LogName, clock: Clock) -> None:
        self._store = store
        self._name = name
        self._clock = clock
        # What to tell somebody by the checkpoint that he names; whoever names none is a newcomer.
        self._news: Mapping[str | None, News] = MappingProxyType({})
        self._offered: tuple[Newest, bool, frozenset[str]] | None = None
        self._recent: deque[Newest] = deque(maxlen=REMEMBERED)
        self._returned: dict[str, _Told] = {}
        self._heard: dict[str, str] = {}

    def news(self, held: str | None) -> News | None:
        """The newest checkpoint, as a reply has it, for somebody who holds `held`; None if none is ready."""
        return self._news.get(held)

    def returned(self, sender: str, note: str, parcel_digest: str) -> None:
        """Takes note of a checkpoint that a municipality sent with an answered parcel."""
        if self._heard.get(sender) != note:
            self._returned[sender] = _Told(note, parcel_digest)

    async def look(self) -> None:
        """Looks at what was returned, then at what is new. Raises StoreFault."""
        # What was handed out before this moment was in the tables before it.
        waiting = list(self._returned.items())
        newest = await self._store.newest()
        current = newest.log if newest else await self._store.log()
        fault = await self._compare_all(current, waiting) if current else None
        if newest:
            await self._offer(newest)
        if fault:
            raise fault

    async def _compare_all(self, current: Log, waiting: list[tuple[str, _Told]]) -> StoreFault | None:
        """Gives what the database said against one of them, which comes last from now on: no witness that
        trips us silences the others.
        """
        for sender, told in waiting:
            try:
                await self._compare(current, sender, told)
            except StoreFault as fault:
                self._returned[sender] = self._returned.pop(sender)
                return fault
            self._heard[sender] = told.note
            if self._returned.get(sender) == told:
                del self._returned[sender]
        return None

    async def _compare(self, current: Log, sender: str, told: _Told) -> None:
        try:
            tree = open_checkpoint(told.note, self._name.verifiers(current.number))
        except CheckpointFault as fault:
            log.warning("checkpoint_not_ours", sender=sender, fault=str(fault))
            return
        returned = Returned(sender, tree.size, told.note, told.parcel_digest)
        if await self._has(current, tree):
            await self._store.witness(current, returned)
        elif await self._store.conflict(current, returned, self._leaf(current, returned)):
            log.error("checkpoint_conflict", sender=sender, size=tree.size, origin=current.origin)

    async def _has(self, current: Log, tree: Tree) -> bool:
        """Whether the log was sealed at that size with that root."""
        note = await self._store.checkpoint(current, tree.size)
        if note is None:
            return False
        try:
            return open_checkpoint(note, self._name.verifiers(current.number)) == tree
        except CheckpointFault:
            return False

    async def _offer(self, newest: Newest) -> None:
        """Makes the newest checkpoint ready for all whose own is known; a log in doubt is not handed out."""
        if newest not in self._recent:
            self._recent.append(newest)
        known = {one.note: one.size for one in self._recent if one.log == newest.log}
        known |= await self._store.held(newest.log)
        doubted = await self._store.doubted(newest.log)
        if (state := (newest, doubted, frozenset(known))) == self._offered:
            return
        self._news = MappingProxyType({} if doubted else await self._ready(newest, known))
        self._offered = state

    async def _ready(self, newest: Newest, known: Mapping[str, int]) -> dict[str | None, News]:
        # A row that is seen may still be this server's alone; once a later commit is durable it is not.
        await self._store.settle()
        older = {note: size for note, size in known.items() if size < newest.size}
        paths = [consistency_path(size, newest.size) for size in older.values()]
        proofs = await self._store.hashes(newest.log, paths)
        news: dict[str | None, News] = {None: _news(newest, [])}
        return news | {note: _news(newest, proof) for note, proof in zip(older, proofs, strict=True)}

    def _leaf(self, current: Log, returned: Returned) -> Leaf:
        payload = {
            "event": "checkpoint_conflict",
            "register": self._name.register,
            "origin": current.origin,
            "sender": returned.sender,
            "checkpoint": returned.note,
            "parcel_digest": returned.parcel_digest,
            "at": self._clock().isoformat(timespec="milliseconds"),
        }
        return evidence(payload)


def _news(newest: Newest, proof: list[bytes]) -> News:
    return {"note": newest.note, "consistency": [base64url(piece) for piece in proof]}

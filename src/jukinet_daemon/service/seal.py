"""封印: gives new leaves their places in the tree and signs a checkpoint over them, or stops."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from jukinet_daemon.ledger.checkpoint import (
    CheckpointFault,
    LedgerKey,
    Verifier,
    open_checkpoint,
    origin_of,
)
from jukinet_daemon.ledger.kept import kept_of
from jukinet_daemon.ledger.places import Gap, gaps_between, gaps_without, runs_of
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.ledger.tree import Frontier, Node
from jukinet_daemon.store.seal import Found, Growth, Log, Sealed, SealRound, SealStore

# What a round reads and writes at once holds the event loop, some two milliseconds.
MOST_LEAVES = 1000
# So many are hashed at a stretch, in less than one; then whoever is ready goes first.
PIECE = 250


class SealFault(Exception):
    """The log must not be signed as it stands; the message says why. People decide."""


@dataclass(frozen=True, slots=True)
class LogName:
    """Whose log it is, and the public keys it was ever sealed with, the current one first."""

    trust_domain: str
    register: str
    keys: tuple[bytes, ...] = field(repr=False)

    def origin(self, number: int) -> str:
        """The origin of one of its logs."""
        return origin_of(self.trust_domain, self.register, number)

    def verifiers(self, number: int) -> list[Verifier]:
        """What opens the checkpoints of one of its logs."""
        return [Verifier(self.origin(number), key) for key in self.keys]


class Sealer:
    """Seals the ledger of one register, a round at a time."""

    def __init__(self, store: SealStore, name: LogName, key: LedgerKey) -> None:
        self._store = store
        self._name = name
        self._key = key

    async def seal(self) -> int:
        """One round: gives how many leaves got their place, 0 when there are none or another seals.

        Raises SealFault, and nothing is signed; StoreFault.
        """
        async with self._store.round() as turn:
            if not turn.mine:
                return 0
            known = await turn.log()
            log = known or Log(1, self._name.origin(1))
            before = await self._sound(turn, log) if known else _NOTHING
            found = await turn.found(log, before.seen, MOST_LEAVES)
            if not found.entries:
                return 0
            if known is None:
                await turn.begin(log)
            closed = await turn.gaps(log) if found.late else set()
            await turn.store(log, await self._grown(log, before, found, closed))
            return len(found.entries)

    async def _sound(self, turn: SealRound, log: Log) -> Sealed:
        """How far the log is sealed, if what stands there is what was signed."""
        if log.origin != self._name.origin(log.number):
            raise SealFault(f"the log is named {log.origin}, not {self._name.origin(log.number)}")
        if conflicts := await turn.conflicts(log):
            raise SealFault(f"witnesses hold {conflicts} checkpoints that this log does not have")
        sealed = await turn.sealed(log)
        if sealed is None:
            return _NOTHING
        try:
            signed = open_checkpoint(sealed.note, self._name.verifiers(log.number))
        except CheckpointFault as fault:
            raise SealFault(f"the newest checkpoint cannot be trusted: {fault}") from None
        if not sealed.edge.sound or signed != Tree(sealed.edge.size, sealed.edge.root):
            raise SealFault("the newest checkpoint is not of the tree that is kept")
        return sealed

    async def _grown(self, log: Log, before: Sealed, found: Found, gaps: Set[Gap]) -> Growth:
        edge, nodes = await _hashed(before.edge, found.hashes)
        new = [entry for entry, _ in found.new]
        left = gaps_without(gaps, [entry for entry, _ in found.late])
        note = self._key.sealed(log.origin, Tree(edge.size, edge.root))
        return Growth(
            runs=runs_of(before.edge.size, found.entries),
            nodes=nodes,
            closed=set(gaps) - left,
            opened=(left - set(gaps)) | gaps_between(before.seen, new),
            grew_from=before.edge.size,
            sealed=Sealed(edge, note, new[-1] if new else before.seen),
        )


async def _hashed(edge: Frontier, hashes: Sequence[bytes]) -> tuple[Frontier, dict[Node, bytes]]:
    """A tree with more leaves, and what of it is kept, a piece at a time."""
    nodes: dict[Node, bytes] = {}
    for first in range(0, len(hashes), PIECE):
        edge, made = edge.grown(hashes[first : first + PIECE])
        nodes |= kept_of(made)
        await asyncio.sleep(0)
    return edge, nodes


_NOTHING = Sealed(Frontier(), "", 0)

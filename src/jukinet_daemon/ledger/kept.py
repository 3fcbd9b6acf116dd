"""保存する節: every fourth level of the tree is kept; the rest follows from at most eight of its nodes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jukinet_daemon.ledger.tree import Node, parent

# The leaves (level 0) and levels 4, 8, 12 ...: one hash for fifteen leaves, and a proof reads few rows.
KEPT_EVERY = 4


@dataclass(frozen=True, slots=True)
class Row:
    """Kept nodes side by side: level, the first index, the last."""

    level: int
    first: int
    last: int


def kept_of(made: Mapping[Node, bytes]) -> dict[Node, bytes]:
    """Those of freshly made nodes that are kept."""
    return {node: top for node, top in made.items() if node[0] % KEPT_EVERY == 0}


def kept_count(size: int) -> int:
    """How many nodes above the leaves are kept of a tree."""
    return sum(size >> level for level in range(KEPT_EVERY, size.bit_length(), KEPT_EVERY))


def rows_below(nodes: Iterable[Node]) -> list[Row]:
    """What must be read to know some nodes."""
    return [_row_below(node) for node in dict.fromkeys(nodes)]


def known_from(kept: Mapping[Node, bytes], nodes: Iterable[Node]) -> dict[Node, bytes]:
    """The hashes of nodes, from the kept ones below them. Raises KeyError."""
    return {node: _top(kept, _row_below(node)) for node in nodes}


def _row_below(node: Node) -> Row:
    level, index = node
    above = level % KEPT_EVERY
    return Row(level - above, index << above, ((index + 1) << above) - 1)


def _top(kept: Mapping[Node, bytes], row: Row) -> bytes:
    hashes = [kept[row.level, index] for index in range(row.first, row.last + 1)]
    while len(hashes) > 1:
        hashes = [parent(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]

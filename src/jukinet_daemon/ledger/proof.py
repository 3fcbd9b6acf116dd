"""証明の検査: whether proofs of inclusion and of consistency hold, as RFC 9162 writes the two checks."""

from collections.abc import Sequence
from dataclasses import dataclass

from jukinet_daemon.ledger.tree import parent

HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree as somebody tells of it: how many leaves, and the hash of them all."""

    size: int
    root: bytes


def includes(tree: Tree, position: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a leaf stands at a position of a tree (2.1.3.2)."""
    if not 0 <= position < tree.size or not _hashes(proof):
        return False
    place, last, top = position, tree.size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            top = parent(beside, top)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            top = parent(top, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and top == tree.root


def extends(old: Tree, new: Tree, proof: Sequence[bytes]) -> bool:
    """Whether a tree begins with all leaves of an older one, in their order (2.1.4.2)."""
    if old.size == new.size:
        return old.root == new.root and not proof
    if not 0 < old.size < new.size or not _hashes(proof):
        return False
    path = [old.root, *proof] if old.size.bit_count() == 1 else list(proof)
    if not path:
        return False
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = parent(beside, before), parent(beside, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = parent(after, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old.root and after == new.root


def _hashes(proof: Sequence[bytes]) -> bool:
    return all(len(piece) == HASH_BYTES for piece in proof)

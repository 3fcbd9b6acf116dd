"""木: the Merkle tree of the leaves (RFC 9162 2.1): how it grows, its root, and what proves a part of it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

# A complete subtree: the 2**level leaves that begin at index * 2**level.
Node = tuple[int, int]
# Leaves by position, the first of them and the first after them.
Span = tuple[int, int]

EMPTY_ROOT = hashlib.sha256().digest()


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree, which is all it takes to grow: its complete subtrees, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        return _together(self.peaks) if self.peaks else EMPTY_ROOT

    @property
    def sound(self) -> bool:
        """Whether a tree of this size has so many peaks."""
        return self.size >= 0 and len(self.peaks) == self.size.bit_count()

    def grown(self, leaves: Iterable[bytes]) -> "tuple[Frontier, dict[Node, bytes]]":
        """The tree with more leaves, and every subtree above them that became complete."""
        size, peaks, made = self.size, list(self.peaks), dict[Node, bytes]()
        for leaf in leaves:
            top, level, index = leaf, 0, size
            # An odd one stands right of a complete neighbour, and the last peak is that neighbour.
            while index & 1:
                top, level, index = parent(peaks.pop(), top), level + 1, index >> 1
                made[level, index] = top
            peaks.append(top)
            size += 1
        return Frontier(size, tuple(peaks)), made


def inclusion_path(position: int, size: int) -> list[Span]:
    """What proves that a leaf is in a tree (2.1.3.1), from the leaf upward, as spans of leaves."""
    if not 0 <= position < size:
        raise ValueError("no such position")
    begin, end, path = 0, size, list[Span]()
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if position < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency_path(old: int, size: int) -> list[Span]:
    """What proves that a tree begins with a smaller one (2.1.4.1), as spans of leaves."""
    if not 0 < old <= size:
        raise ValueError("no such tree")
    begin, end, path, whole = 0, size, list[Span](), True
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin, whole = middle, False
    # The smaller tree itself is known to whoever asks; a part of it is not.
    return ([] if whole else [(begin, end)]) + path[::-1]


def nodes_of(span: Span) -> Iterator[Node]:
    """The complete subtrees that a span consists of, from the left."""
    begin, end = span
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        yield level, begin >> level
        begin += 1 << level


def hashes_of(path: Iterable[Span], known: Mapping[Node, bytes]) -> list[bytes]:
    """The hashes of a path; `known` has those of its nodes. Raises KeyError."""
    return [_together(tuple(known[node] for node in nodes_of(span))) for span in path]


def _together(peaks: tuple[bytes, ...]) -> bytes:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = parent(peak, root)
    return root


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)

"""For any tree: roots and proofs are those of the definitions and of pymerkle, and nothing else verifies."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from jukinet_daemon.ledger.kept import KEPT_EVERY, kept_count, kept_of, known_from, rows_below
from jukinet_daemon.ledger.proof import Tree, extends, includes
from jukinet_daemon.ledger.tree import (
    Frontier,
    Node,
    Span,
    consistency_path,
    hashes_of,
    inclusion_path,
    nodes_of,
)
from support.merkle import leaf_hash, path_of, proof_of, root_of

MOST = 130
sizes = st.integers(1, MOST)
ENTRIES = [sha256(bytes([n % 256, n // 256])).digest() for n in range(MOST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@pytest.fixture(scope="module")
def kept() -> dict[Node, bytes]:
    """What a database would keep of the largest tree."""
    _, made = Frontier().grown(LEAVES)
    return kept_of(made) | {(0, index): leaf for index, leaf in enumerate(LEAVES)}


@pytest.fixture(scope="module")
def other() -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


def _proof(path: list[Span], kept: dict[Node, bytes]) -> list[bytes]:
    nodes = [node for span in path for node in nodes_of(span)]
    read = {
        (row.level, index): kept[row.level, index]
        for row in rows_below(nodes)
        for index in range(row.first, row.last + 1)
    }
    return hashes_of(path, known_from(read, nodes))


@given(size=sizes, cuts=st.lists(st.integers(0, MOST)))
def test_a_tree_grows_the_same_in_any_steps(size: int, cuts: list[int]) -> None:
    edge, made = Frontier(), dict[Node, bytes]()
    ends = sorted({min(cut, size) for cut in cuts} | {size})
    for begin, end in zip([0, *ends], ends, strict=False):
        edge, more = edge.grown(LEAVES[begin:end])
        assert not made.keys() & more.keys()
        made |= more
    assert edge.root == root_of(LEAVES[:size])
    assert made == Frontier().grown(LEAVES[:size])[1]
    assert len(kept_of(made)) == kept_count(size)


@given(size=sizes, data=st.data())
def test_inclusion_proofs_are_those_of_the_definition(
    size: int, data: st.DataObject, kept: dict[Node, bytes], other: InmemoryTree
) -> None:
    position = data.draw(st.integers(0, size - 1))
    proof = _proof(inclusion_path(position, size), kept)
    assert proof == path_of(position, LEAVES[:size])
    assert includes(Tree(size, other.get_root(size)), position, LEAVES[position], proof)
    theirs = other.prove_inclusion(position + 1, size)
    assert theirs.path[1:] == proof
    verify_inclusion(LEAVES[position], root_of(LEAVES[:size]), theirs)


@given(size=sizes, data=st.data())
def test_consistency_proofs_are_those_of_the_definition(
    size: int, data: st.DataObject, kept: dict[Node, bytes], other: InmemoryTree
) -> None:
    old = data.draw(st.integers(1, size))
    proof = _proof(consistency_path(old, size), kept)
    assert proof == proof_of(old, LEAVES[:size])
    before, after = root_of(LEAVES[:old]), root_of(LEAVES[:size])
    assert extends(Tree(old, before), Tree(size, after), proof)
    verify_consistency(before, after, other.prove_consistency(old, size))


@settings(max_examples=300)
@given(size=st.integers(2, 40), data=st.data())
def test_nothing_else_is_a_proof(size: int, data: st.DataObject) -> None:
    leaves, position, old = (
        LEAVES[:size],
        data.draw(st.integers(0, size - 1)),
        data.draw(st.integers(1, size)),
    )
    tree, before = Tree(size, root_of(leaves)), Tree(old, root_of(leaves[:old]))
    within, onward = path_of(position, leaves), proof_of(old, leaves)
    assert includes(tree, position, leaves[position], within)
    assert extends(before, tree, onward)
    for false in _spoilt(within, data):
        assert not includes(tree, position, leaves[position], false)
    for false in _spoilt(onward, data):
        assert not extends(before, tree, false)
    elsewhere = data.draw(st.integers(-2, size + 2).filter(lambda n: n != position))
    assert not includes(tree, elsewhere, leaves[position], within)
    assert not includes(tree, position, LEAVES[size], within)
    other_size = data.draw(st.integers(0, size + 2).filter(lambda n: n != old))
    assert not extends(Tree(other_size, before.root), tree, onward)
    assert not extends(Tree(old, LEAVES[-1]), tree, onward)
    assert not extends(before, Tree(size, LEAVES[-1]), onward)


def _spoilt(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The proof with a piece more or less, one bit changed, one piece cut short, two pieces exchanged."""
    spoilt = [[*proof, LEAVES[0]], [LEAVES[0], *proof]]
    if proof:
        place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        changed = (int.from_bytes(proof[place]) ^ (1 << bit)).to_bytes(32)
        spoilt += [proof[:-1], proof[1:]]
        spoilt += [[*proof[:place], piece, *proof[place + 1 :]] for piece in (changed, proof[place][:-1])]
    if len(proof) > 1:
        spoilt.append([proof[1], proof[0], *proof[2:]])
    return spoilt


@given(begin=st.integers(0, 60), length=st.integers(0, 60))
def test_nodes_of_a_span_are_its_leaves(begin: int, length: int) -> None:
    nodes = list(nodes_of((begin, begin + length)))
    leaves = [leaf for level, i in nodes for leaf in range(i << level, (i + 1) << level)]
    assert leaves == list(range(begin, begin + length))


@given(level=st.integers(0, 12), index=st.integers(0, 1000))
def test_a_node_needs_few_kept_rows(level: int, index: int) -> None:
    (row,) = rows_below([(level, index)])
    assert row.level % KEPT_EVERY == 0
    assert row.last - row.first < 1 << (KEPT_EVERY - 1)

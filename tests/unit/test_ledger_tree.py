"""The tree by known answers: the eight entries of the reference log of RFC 6962 and their roots."""

import pytest

from jukinet_daemon.ledger.proof import Tree, extends, includes
from jukinet_daemon.ledger.tree import EMPTY_ROOT, Frontier, consistency_path, hashes_of, inclusion_path
from support.merkle import leaf_hash

ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]


def _nodes(size: int) -> dict[tuple[int, int], bytes]:
    _, made = Frontier().grown(LEAVES[:size])
    return made | {(0, index): leaf for index, leaf in enumerate(LEAVES[:size])}


def test_the_empty_tree() -> None:
    assert Frontier().root == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_roots_of_the_reference_log() -> None:
    edge = Frontier()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        edge, _ = edge.grown([leaf])
        assert edge.root.hex() == root
        assert edge.sound


@pytest.mark.parametrize(("position", "size", "path"), INCLUSION)
def test_the_inclusion_proofs_of_the_reference_log(position: int, size: int, path: list[str]) -> None:
    proof = hashes_of(inclusion_path(position, size), _nodes(size))
    assert [piece.hex() for piece in proof] == path
    assert includes(Tree(size, bytes.fromhex(ROOTS[size - 1])), position, LEAVES[position], proof)


@pytest.mark.parametrize(("old", "size", "path"), CONSISTENCY)
def test_the_consistency_proofs_of_the_reference_log(old: int, size: int, path: list[str]) -> None:
    proof = hashes_of(consistency_path(old, size), _nodes(size))
    assert [piece.hex() for piece in proof] == path
    before, after = (Tree(n, bytes.fromhex(ROOTS[n - 1])) for n in (old, size))
    assert extends(before, after, proof)


@pytest.mark.parametrize(("position", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_position_that_is_not_there_has_no_path(position: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such position"):
        inclusion_path(position, size)


@pytest.mark.parametrize(("old", "size"), [(0, 3), (4, 3)])
def test_a_tree_that_is_no_beginning_has_no_path(old: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such tree"):
        consistency_path(old, size)

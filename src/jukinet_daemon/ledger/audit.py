"""証跡の検査: re-derives a log from its tables, step by step, and says everything that does not fit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jukinet_daemon.ledger.checkpoint import CheckpointFault, Verifier, open_checkpoint
from jukinet_daemon.ledger.kept import kept_count, kept_of
from jukinet_daemon.ledger.leaf import leaf_of
from jukinet_daemon.ledger.places import Gap
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.ledger.tree import Frontier, Node

RULES = {
    "leaf_missing": ("葉がない", "a leaf that has a place is gone"),
    "leaf_broken": ("葉が合わない", "a leaf is not the hash of its salt and payload"),
    "leaf_without_place": ("場所のない葉", "a leaf below the newest one sealed has no place"),
    "place_wrong": ("場所が合わない", "places are not one after another, or one leaf has two"),
    "place_unsealed": ("封印のない場所", "places above the newest checkpoint"),
    "chain_broken": ("控えが続かない", "a checkpoint did not grow from the one before it"),
    "not_signed": ("署名が合わない", "a checkpoint is not signed by a key of this log"),
    "another_tree": ("木が合わない", "a checkpoint was signed over other leaves"),
    "edge_wrong": ("縁が合わない", "what the sealer would go on from is not what is sealed"),
    "nodes_wrong": ("節が合わない", "kept nodes of the tree are not those of its leaves"),
    "gaps_wrong": ("飛び番が合わない", "numbers that were passed over are not those that are remembered"),
    "witness_contradicts": ("証人と食い違う", "a witness holds a checkpoint that this log does not have"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that does not hold, and where."""

    rule: str
    about: str


@dataclass(frozen=True, slots=True)
class PlacedLeaf:
    """What stands at a place of the tree. Without `hash` the leaf is gone."""

    position: int
    entry: int
    hash: bytes | None
    salt: bytes | None = field(repr=False)
    payload: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One checkpoint as it is kept, the leaves that it added, and the nodes that these completed."""

    size: int
    grew_from: int
    note: str
    edge: Frontier
    seen: int
    leaves: Sequence[PlacedLeaf] = field(repr=False)
    nodes: Mapping[Node, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rest:
    """What stands beside the steps: counts of everything, gaps, holes between the places, places left over.

    `below`: leaves up to the highest entry sealed, `late`: those of them that came into a gap and wait.
    """

    places_left: int
    nodes: int
    gaps: frozenset[Gap]
    holes: frozenset[Gap]
    below: int
    late: int
    above: int


class Audit:
    """Takes the steps of one log in order, then the rest. `findings` has everything that was found."""

    def __init__(self, keys: Sequence[Verifier], witnesses: Iterable[Tree]) -> None:
        self._keys = keys
        self._witnesses = sorted(set(witnesses), key=lambda tree: (tree.size, tree.root))
        self._edge = Frontier()
        self._sealed = 0
        self._seen = 0
        self._present = 0
        self.checkpoints = 0
        self.unsealed = 0
        self.findings: list[Finding] = []

    @property
    def tree(self) -> Tree:
        """The tree as far as it was re-derived."""
        return Tree(self._edge.size, self._edge.root)

    def take(self, step: Step) -> None:
        """The next checkpoint."""
        self.checkpoints += 1
        self._leaves(step.leaves)
        before = self._edge
        self._edge, made = self._edge.grown(leaf.hash or b"" for leaf in step.leaves)
        about = f"size {step.size}"
        self._check("chain_broken", about, step.grew_from == self._sealed)
        self._sealed = step.size
        self._seen = max([self._seen, *(leaf.entry for leaf in step.leaves)])
        try:
            signed = open_checkpoint(step.note, self._keys)
        except CheckpointFault:
            self._find("not_signed", about)
        else:
            self._check("another_tree", about, signed == self.tree and step.size == signed.size)
        self._check("edge_wrong", about, step.edge == self._edge and step.seen == self._seen)
        self._check("nodes_wrong", about, dict(step.nodes) == kept_of(made))
        self._compare(before.size)

    def end(self, rest: Rest) -> None:
        """The rest, after the last step."""
        self._check("place_unsealed", f"{rest.places_left} runs", rest.places_left == 0)
        self._check("nodes_wrong", f"{rest.nodes} nodes", rest.nodes == kept_count(self._edge.size))
        self._check("gaps_wrong", "gaps", rest.gaps == rest.holes)
        self._check("leaf_without_place", "leaves", rest.below == self._present + rest.late)
        for tree in self._witnesses:
            self._find("witness_contradicts", f"size {tree.size}")
        self.unsealed = rest.above + rest.late

    def _leaves(self, leaves: Sequence[PlacedLeaf]) -> None:
        for place, leaf in enumerate(leaves, self._edge.size):
            about = f"entry {leaf.entry}"
            self._check("place_wrong", about, leaf.position == place)
            if leaf.hash is None or leaf.salt is None or leaf.payload is None:
                self._find("leaf_missing", about)
                continue
            self._present += 1
            self._check("leaf_broken", about, leaf_of(leaf.payload, leaf.salt).hash == leaf.hash)

    def _compare(self, before: int) -> None:
        """Witnesses hold what was sealed, and nothing was sealed but at the sizes of checkpoints."""
        for tree in [tree for tree in self._witnesses if before < tree.size <= self._edge.size]:
            self._check("witness_contradicts", f"size {tree.size}", tree == self.tree)
            self._witnesses.remove(tree)

    def _check(self, rule: str, about: str, holds: bool) -> None:
        if not holds:
            self._find(rule, about)

    def _find(self, rule: str, about: str) -> None:
        self.findings.append(Finding(rule, about))

"""葉の証明: a leaf, its place in the tree, a checkpoint: one text, verified offline (C2SP tlog-proof)."""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field

from jukinet_daemon.ledger.checkpoint import CheckpointFault, Verifier, exact_base64, open_checkpoint
from jukinet_daemon.ledger.leaf import SALT_BYTES, leaf_of
from jukinet_daemon.ledger.proof import Tree, includes

_MAGIC = "c2sp.org/tlog-proof@v1"
_HEAD = re.compile(
    rf"{re.escape(_MAGIC)}\nextra (\S+)\nindex (0|[1-9][0-9]{{0,17}})\n((?:\S{{44}}\n){{0,63}})\n"
)


@dataclass(frozen=True, slots=True)
class LeafProof:
    """A leaf opened (its salt and payload), where it stands, what proves that, against which checkpoint."""

    salt: bytes = field(repr=False)
    payload: str = field(repr=False)
    position: int
    proof: tuple[bytes, ...]
    checkpoint: str

    def text(self) -> str:
        """The form of C2SP tlog-proof; its extra data is salt and payload, which the leaf is the hash of."""
        extra = b64encode(self.salt + self.payload.encode("utf-8")).decode()
        lines = [_MAGIC, f"extra {extra}", f"index {self.position}"]
        lines += [b64encode(piece).decode() for piece in self.proof]
        return "\n".join(lines) + f"\n\n{self.checkpoint}"

    def tree(self, keys: Iterable[Verifier]) -> Tree:
        """The sealed tree that the leaf is in. Raises CheckpointFault if it is not, or not our seal."""
        tree = open_checkpoint(self.checkpoint, keys)
        if not includes(tree, self.position, leaf_of(self.payload, self.salt).hash, self.proof):
            raise CheckpointFault("the leaf is not in the sealed tree")
        return tree


def read_leaf_proof(text: str) -> LeafProof:
    """Reads the text of a proof. Raises CheckpointFault."""
    head = _HEAD.match(text)
    if head is None:
        raise CheckpointFault("not a proof")
    extra, proof = exact_base64(head[1]), [exact_base64(line) for line in head[3].splitlines()]
    if extra is None or None in proof:
        raise CheckpointFault("not a proof")
    try:
        payload = extra[SALT_BYTES:].decode("utf-8")
    except ValueError:
        raise CheckpointFault("not a proof") from None
    pieces = tuple(piece for piece in proof if piece is not None)
    return LeafProof(extra[:SALT_BYTES], payload, int(head[2]), pieces, text[head.end() :])

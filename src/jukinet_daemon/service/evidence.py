"""証拠: what happened, as a leaf of the ledger."""

from collections.abc import Mapping
from typing import Any

from jukinet_daemon.ledger.leaf import Leaf, leaf_of, new_salt
from jukinet_daemon.wire.text import canonical


def evidence(payload: Mapping[str, Any]) -> Leaf:
    """The leaf of what is told, in the one form that its hash can be made from again."""
    return leaf_of(canonical(payload).decode("utf-8"), new_salt())

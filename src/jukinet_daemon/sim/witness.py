"""証人の模擬: what a CS holds of a server's ledger; a newer checkpoint is taken only if it grew from that."""

from collections.abc import Iterator
from typing import Any

from jukinet_daemon.ledger.checkpoint import CheckpointFault, Verifier, open_checkpoint
from jukinet_daemon.ledger.proof import Tree, extends
from jukinet_daemon.sim.journal import Journal, read_journal
from jukinet_daemon.wire.envelope import from_base64url
from jukinet_daemon.wire.reply import CheckpointMessage


class Witness:
    """Remembers in the journal of its CS. Without a key it believes, holds and returns nothing."""

    def __init__(self, journal: Journal, register: str, sender: str, key: Verifier | None) -> None:
        self._who = {"register": register, "sender": sender}
        self._keys = (key,) if key else ()
        self._tree: Tree | None = None
        self.note: str | None = None
        # What it was shown and did not take, and why: its staff has to talk to the prefecture.
        self.refused: str | None = None
        if key:
            for entry in read_journal(journal.path):
                if entry["event"] == "checkpoint" and entry["register"] == register:
                    self._remember(entry["note"])

    def hear(self, told: CheckpointMessage | None, named: str | None) -> Iterator[dict[str, Any]]:
        """Looks at what a reply told to a parcel that named a checkpoint; gives what to write down first.

        A reply to a parcel that went out before the newest was taken proves nothing about the newest.
        """
        if told is None or not self._keys or named != self.note:
            return
        why = self._doubt(told)
        if why is None:
            self._remember(told.note)
            yield {"event": "checkpoint", **self._who, "note": told.note}
        elif why != self.refused:
            yield {"event": "checkpoint_refused", **self._who, "note": told.note, "why": why}
        self.refused = why

    def _doubt(self, told: CheckpointMessage) -> str | None:
        """Why a checkpoint cannot be taken; None if it can."""
        try:
            tree = open_checkpoint(told.note, self._keys)
        except CheckpointFault as fault:
            return str(fault)
        if self._tree is None:
            return None
        if tree.size < self._tree.size:
            return f"the ledger was cut back from {self._tree.size} leaves to {tree.size}"
        proof = [from_base64url(piece) for piece in told.consistency]
        if not extends(self._tree, tree, proof):
            return f"the ledger of {tree.size} leaves does not begin with the {self._tree.size} that we know"
        return None

    def _remember(self, note: str) -> None:
        try:
            self._tree, self.note = open_checkpoint(note, self._keys), note
        except CheckpointFault:
            # Of a log that is no more: this CS was given the key of a new one.
            self._tree = self.note = None

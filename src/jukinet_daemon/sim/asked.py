"""求められた電文: parcels whose numbers the server never got, found again in the CS' own journal."""

from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from jukinet_daemon.sim.journal import read_journal


class Asked:
    """What is to be sent again on one connection, each parcel once."""

    def __init__(self, journal: Path, register: str) -> None:
        self._journal = journal
        self._register = register
        self._heard: set[tuple[int, int]] = set()
        self._found: dict[int, None] = {}
        self._waiting: deque[tuple[int, bytes]] = deque()

    def hear(self, missing: Iterable[list[int]]) -> None:
        """Takes what a reply says is missing; the journal is read only for ranges not heard of before."""
        new = {(first, last) for first, last in missing} - self._heard
        if not new:
            return
        self._heard |= new
        for entry in read_journal(self._journal):
            if entry["event"] == "parcel" and entry["register"] == self._register:
                number = entry["parcel"]
                if number not in self._found and any(first <= number <= last for first, last in new):
                    self._found[number] = None
                    self._waiting.append((number, _payload(entry["signed"])))

    def next(self) -> tuple[int, bytes] | None:
        """The next parcel to send again: its number and payload, word for word."""
        return self._waiting.popleft() if self._waiting else None


def _payload(signed: str) -> bytes:
    text = signed.split(".")[1]
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

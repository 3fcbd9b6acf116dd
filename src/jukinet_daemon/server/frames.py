"""枠の見張り: reads the heads of WebSocket frames as they pass, and finds what RFC 6455 has a server refuse.

The library behind takes unmasked frames, lengths written longer than they need to be, and any number of
fragments. A client must mask (5.1, 5.3), a length has one writing (5.2), and a message in thousands of pieces
is none of ours.
"""

from dataclasses import dataclass, field

MAX_FRAGMENTS = 512
# Pings, pongs and closes in one stretch of time (server/guard.py); each ping costs an answer.
MAX_CONTROLS = 32

_FIN, _CONTROL, _OPCODE = 0x80, 0x08, 0x0F
_MASKED, _LENGTH = 0x80, 0x7F
_MORE_LENGTH = {126: 2, 127: 8}
# What each writing of a length is for.
_LENGTHS = {126: range(126, 2**16), 127: range(2**16, 2**63)}
_MASK_BYTES = 4


@dataclass(slots=True)
class Frames:
    """The heads seen so far on one connection.

    `under_way` says whether a message or a frame has begun and not ended; `controls` counts control frames
    until somebody who knows the time sets it back.
    """

    fragments: int = 0
    controls: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _left: int = 0

    @property
    def under_way(self) -> bool:
        """Whether the peer owes the rest of a message."""
        return bool(self._left or self._head or self.fragments)

    def offence_in(self, data: bytes) -> int | None:
        """Takes note of what came next; gives where in it a frame begins that must be refused, or None."""
        place = 0
        while place < len(data):
            if self._left:
                taken = min(self._left, len(data) - place)
                self._left -= taken
                place += taken
                continue
            begins = place - len(self._head)
            self._head.append(data[place])
            place += 1
            if self._complete() and not self._admissible():
                return max(begins, 0)
        return None

    def _complete(self) -> bool:
        """Whether the head is whole; then the payload it announces is what comes next."""
        if len(self._head) < 2:
            return False
        length, more = self._head[1] & _LENGTH, _MORE_LENGTH.get(self._head[1] & _LENGTH, 0)
        masked = bool(self._head[1] & _MASKED)
        if masked and len(self._head) < 2 + more + _MASK_BYTES:
            return False
        self._left = int.from_bytes(self._head[2 : 2 + more], "big") if more else length
        return True

    def _admissible(self) -> bool:
        first, second = self._head[0], self._head[1]
        self._head.clear()
        length = second & _LENGTH
        if not second & _MASKED or (length in _LENGTHS and self._left not in _LENGTHS[length]):
            return False
        if first & _CONTROL:
            self.controls += 1
            return self.controls <= MAX_CONTROLS
        pieces = self.fragments + 1
        self.fragments = 0 if first & _FIN else pieces
        return pieces <= MAX_FRAGMENTS

"""門前: who stands before a gate without having shown who they are. No address keeps the others out."""

import asyncio
from functools import partial

# A full handshake at once from every municipality of a prefecture, twice.
MOST = 128

Entering = asyncio.Task[None]


class Porch:
    """The handshakes under way at one gate, by address, the one that began first before the others.

    Full, it has room only for an address with fewer here than another: the oldest of the most crowded address
    gives way. So whoever crowds a door crowds out itself.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._standing: dict[str, dict[Entering, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._standing.values()))

    def make_room(self, address: str) -> bool:
        """Whether there is room for one more of an address; whoever gives way to it is cancelled."""
        if len(self) < self._most:
            return True
        crowded = max(self._standing, key=lambda each: len(self._standing[each]))
        if len(self._standing[crowded]) <= len(self._standing.get(address, ())) + 1:
            return False
        oldest = next(iter(self._standing[crowded]))
        self._leave(crowded, oldest)
        oldest.cancel()
        return True

    def enter(self, address: str, handshake: Entering) -> None:
        """A handshake begins; it leaves when it ends."""
        self._standing.setdefault(address, {})[handshake] = None
        handshake.add_done_callback(partial(self._leave, address))

    async def clear(self) -> None:
        """Ends every handshake."""
        under_way = [handshake for standing in self._standing.values() for handshake in standing]
        for handshake in under_way:
            handshake.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _leave(self, address: str, handshake: Entering) -> None:
        standing = self._standing.get(address, {})
        standing.pop(handshake, None)
        if not standing:
            self._standing.pop(address, None)

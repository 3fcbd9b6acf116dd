"""門前: who stands before a gate without having shown who they are, whose turn is next, and who gives way."""

import asyncio
import socket
from dataclasses import dataclass

# A full handshake at once from every municipality of a prefecture, twice.
MOST = 128


@dataclass(eq=False, slots=True)
class Standing:
    """One who connected, from where, and its handshake once that has begun."""

    connection: socket.socket
    address: str
    handshake: asyncio.Task[None] | None = None

    def turn_away(self) -> None:
        """Ends it, whether or not its turn has come."""
        if self.handshake:
            self.handshake.cancel()
        else:
            self.connection.close()


# Those of each address, in the order they came.
_ByAddress = dict[str, dict[Standing, None]]


class Porch:
    """Who stands before one gate, by address.

    Full, it has room only for an address with fewer here than another: the oldest of the most crowded address
    gives way. And turns go round from address to address. So whoever crowds a door crowds out itself.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._here: _ByAddress = {}
        # Whose turn has not come; the address that waited longest for one comes first.
        self._waiting: _ByAddress = {}

    def __len__(self) -> int:
        return sum(map(len, self._here.values()))

    def enter(self, newcomer: Standing) -> Standing | None:
        """Takes one in. Gives who has to go for it, if any: the newcomer itself where it crowds the door."""
        goes = self._who_goes_for(newcomer) if len(self) == self._most else None
        if goes is newcomer:
            return goes
        if goes:
            self.leave(goes)
        for place in (self._here, self._waiting):
            place.setdefault(newcomer.address, {})[newcomer] = None
        return goes

    def next(self) -> Standing | None:
        """Whose turn it is, which then waits no longer; nobody where nobody waits."""
        if not self._waiting:
            return None
        address = next(iter(self._waiting))
        others = self._waiting.pop(address)
        one = next(iter(others))
        del others[one]
        if others:
            self._waiting[address] = others
        return one

    def leave(self, one: Standing) -> None:
        """One is here no longer; told of one who has left already, it does nothing."""
        for place in (self._here, self._waiting):
            _take_from(place, one)

    def everybody(self) -> list[Standing]:
        """All who stand here."""
        return [one for those in self._here.values() for one in those]

    def _who_goes_for(self, newcomer: Standing) -> Standing:
        crowded = max(self._here.values(), key=len)
        if len(crowded) <= len(self._here.get(newcomer.address, ())) + 1:
            return newcomer
        return next(iter(crowded))


def _take_from(place: _ByAddress, one: Standing) -> None:
    those = place.get(one.address, {})
    those.pop(one, None)
    if not those:
        place.pop(one.address, None)

"""門前: who stands before a gate without having shown who they are, whose turn is next, and who gives way."""

import asyncio
import socket
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice

# One whose turn has not come costs a socket and no work; turned away it would come again at once, which costs
# more than to let it stand. The kernel keeps some 160 KiB of what each sends (net.ipv4.tcp_rmem), 330 MiB in
# all; the units' MemoryMax= has room for that.
MOST = 2048
# Addresses of which we know when they had their last turn; more than can stand here.
REMEMBERED = 2 * MOST


@dataclass(eq=False, slots=True)
class Standing:
    """One who connected, from where, at what time of the loop, and its handshake once that has begun."""

    connection: socket.socket
    address: str
    came: float
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
    gives way. And the next turn is of the address that has had none for longest: one that waited in vain and
    comes again does not begin anew. So whoever crowds a door crowds out itself.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._here = _Crowds()
        # Whose turn has not come, in the order they came.
        self._queue: dict[Standing, None] = {}
        # Every address that we know; the one that has had no turn for longest comes first.
        self._turns: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._here)

    @property
    def waits(self) -> bool:
        """Whether there is anybody whose turn has not come."""
        return bool(self._queue)

    def enter(self, newcomer: Standing) -> Standing | None:
        """Takes one in. Gives who has to go for it, if any: the newcomer itself where it crowds the door."""
        goes = self._who_goes_for(newcomer) if len(self) == self._most else None
        if goes is newcomer:
            return goes
        if goes:
            self.leave(goes)
        self._here.add(newcomer)
        self._queue[newcomer] = None
        self._know(newcomer.address)
        return goes

    def next(self) -> Standing | None:
        """Whose turn it is, which then waits no longer; nobody where nobody waits."""
        in_turn = (one for known in self._turns for one in self._here.of(known) if one in self._queue)
        one = next(in_turn, None)
        if one:
            self._turns.move_to_end(one.address)
            del self._queue[one]
        return one

    def first_to_wait(self, most: int) -> list[Standing]:
        """Those who came first of whom no turn has come, so many at most."""
        return list(islice(self._queue, most))

    def leave(self, one: Standing) -> None:
        """One is here no longer; told of one who has left already, it does nothing."""
        self._here.take(one)
        self._queue.pop(one, None)

    def everybody(self) -> list[Standing]:
        """All who stand here."""
        return self._here.everybody()

    def _who_goes_for(self, newcomer: Standing) -> Standing:
        crowded = self._here.most_crowded()
        if len(crowded) <= len(self._here.of(newcomer.address)) + 1:
            return newcomer
        return next(iter(crowded))

    def _know(self, address: str) -> None:
        self._turns.setdefault(address)
        if len(self._turns) > REMEMBERED:
            del self._turns[next(known for known in self._turns if not self._here.of(known))]


class _Crowds:
    """Those of each address, and who has most; each step costs the same, however many there are."""

    def __init__(self) -> None:
        self._of: _ByAddress = {}
        # The addresses that have none here (never any), one, two and so on.
        self._having: list[dict[str, None]] = [{}]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def of(self, address: str) -> dict[Standing, None]:
        """Those of one address, in the order they came."""
        return self._of.get(address, {})

    def most_crowded(self) -> dict[Standing, None]:
        """Those of an address that has as many as any."""
        return self._of[next(iter(self._having[-1]))]

    def everybody(self) -> list[Standing]:
        """All of them."""
        return [one for those in self._of.values() for one in those]

    def add(self, one: Standing) -> None:
        """One more."""
        self._count += 1
        those = self._of.setdefault(one.address, {})
        self._having[len(those)].pop(one.address, None)
        those[one] = None
        if len(those) == len(self._having):
            self._having.append({})
        self._having[len(those)][one.address] = None

    def take(self, one: Standing) -> None:
        """One fewer, where it was here."""
        those = self.of(one.address)
        if one not in those:
            return
        self._count -= 1
        del self._having[len(those)][one.address]
        del those[one]
        if those:
            self._having[len(those)][one.address] = None
        else:
            del self._of[one.address]
        if not self._having[-1]:
            self._having.pop()

"""車線: parcels wait per sender and are taken in turn, so that one municipality's flood delays no other."""

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jukinet_daemon.wire.parcel import Parcel

# Notices of one sender in one batch, or its one parcel. A flood of one alone then makes small batches, which
# take a little longer in all and keep a notice of somebody else from waiting long for its turn.
SHARE = 64
# A sender with so few notices waiting is never put into one batch with senders that have more. It would wait
# for theirs; and what it sends meanwhile would wait for that batch, and join the next large one, for ever.
# Nor does it wait for its place behind all who have many: half of them may be making up for an outage.
FEW = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one notice: its text, whether it had been given before, its code for logs and counts."""

    text: str = field(repr=False)
    code: str
    repeated: bool = False
    later: bool = False


@dataclass(eq=False, slots=True)
class Line:
    """One conversation with a sender. Once a notice on it was answered LATER, so is all that follows on it:

    a later notice about the same person must not overtake the one that is to be sent again.
    """

    broken: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A parcel that came through the door: read, its signature verified, not yet looked into."""

    parcel: Parcel
    signed: str = field(repr=False)
    digest: str
    thumbprint: str
    received_at: datetime
    line: Line = field(default_factory=Line)


@dataclass(eq=False, slots=True)
class Waiting:
    """An arrival and the promise of its answers."""

    arrival: Arrival
    answers: "asyncio.Future[list[Answer]]"


class Lanes:
    """Bounded lanes. `put` waits while the sender's lane is full, which stops its socket from being read.

    A lane that is being worked on is not given out again until `release`, so a sender's parcels are applied
    in the order sent however many workers there are.
    """

    def __init__(self, lane_notices: int) -> None:
        self._lane_notices = lane_notices
        self._lanes: OrderedDict[str, deque[Waiting]] = OrderedDict()
        self._busy: set[str] = set()
        self._changed = asyncio.Condition()
        self._stopping = False
        self._few_were_last = True

    async def put(self, arrival: Arrival) -> "asyncio.Future[list[Answer]]":
        """Queues an arrival once its lane has room; the future gives an answer for each notice, in order."""
        waiting = Waiting(arrival, asyncio.get_running_loop().create_future())
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(arrival))
            self._lanes.setdefault(arrival.parcel.sender, deque()).append(waiting)
            self._changed.notify_all()
        return waiting.answers

    async def take(self, notices: int) -> list[Waiting]:
        """Takes parcels in turn, one a sender and round, up to so many notices, at least one parcel.

        No sender has more than its share of a batch, and few notices are not mixed with many: where both
        wait, batches of the one and of the other take turns.

        Waits until there is one. Gives nothing only when stopping and empty.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._free() or (self._stopping and not self._lanes))
            batch = self._pick(notices)
            self._changed.notify_all()
        return batch

    async def release(self, batch: list[Waiting]) -> None:
        """Gives back the lanes of a batch that is done with."""
        async with self._changed:
            self._busy -= {waiting.arrival.parcel.sender for waiting in batch}
            self._changed.notify_all()

    async def stop(self) -> None:
        """Lets `take` return empty-handed once nothing waits."""
        async with self._changed:
            self._stopping = True
            self._changed.notify_all()

    @property
    def depth(self) -> int:
        """How many parcels wait."""
        return sum(map(len, self._lanes.values()))

    def look(self) -> dict[str, Any]:
        """How many notices wait, by sender, and how many a lane holds (one parcel alone may be larger)."""
        waiting = {sender: self._queued(sender) for sender in sorted(self._lanes)}
        return {"bound": self._lane_notices, "waiting": waiting}

    def _queued(self, sender: str) -> int:
        return sum(len(waiting.arrival.parcel.notices) for waiting in self._lanes[sender])

    def _has_room(self, arrival: Arrival) -> bool:
        sender = arrival.parcel.sender
        if not self._lanes.get(sender):
            return True
        return self._queued(sender) + len(arrival.parcel.notices) <= self._lane_notices

    def _free(self) -> list[str]:
        return [sender for sender, lane in self._lanes.items() if lane and sender not in self._busy]

    def _of_one_kind(self) -> deque[str]:
        """The free senders with few notices or those with many, whoever was served longest ago first."""
        few, many = deque[str](), deque[str]()
        for sender in self._free():
            (few if self._queued(sender) <= FEW else many).append(sender)
        self._few_were_last = not many or (bool(few) and not self._few_were_last)
        return few if self._few_were_last else many

    def _pick(self, notices: int) -> list[Waiting]:
        batch: list[Waiting] = []
        room = notices
        taken: Counter[str] = Counter()
        senders = self._of_one_kind()
        while senders:
            sender = senders.popleft()
            lane = self._lanes[sender]
            size = len(lane[0].arrival.parcel.notices)
            if batch and size > room:
                continue
            batch.append(lane.popleft())
            room -= size
            taken[sender] += size
            self._busy.add(sender)
            if lane and taken[sender] < SHARE:
                senders.append(sender)
        for sender in taken:
            self._move_back(sender)
        return batch

    def _move_back(self, sender: str) -> None:
        """Those served last come last next time; an empty lane goes."""
        if self._lanes[sender]:
            self._lanes.move_to_end(sender)
        else:
            del self._lanes[sender]

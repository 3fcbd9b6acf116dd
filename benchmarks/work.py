"""仕事: what the sixty are to send, prepared before the clock starts, and one run of it against a server."""

import random
from collections.abc import Mapping
from itertools import count
from typing import Any

from benchmarks import load
from benchmarks.cpu import Meter
from benchmarks.parcels import Prepared, Press, cut
from benchmarks.stage import Server, Stage

Work = dict[str, list[Prepared]]

# Of five notices, one enters a person and four correct one who is held: pgbench does the same.
ENTRIES, CORRECTIONS = 1, 4
_NEW = 60_000_000


class Mix:
    """Notices for each of sixty senders: entries of new people, corrections of random people held.

    `people` were filled in by SQL before; those entered by notice are corrected later too.
    """

    def __init__(self, press: Press, senders: tuple[str, ...], people: int) -> None:
        self.press = press
        self._sixty = len(senders)
        self._place = {sender: place for place, sender in enumerate(senders)}
        self._filled = people // self._sixty - 1
        self._entered: dict[str, list[int]] = {sender: [] for sender in senders}
        self._new = count(_NEW // self._sixty)
        self._turn = count()
        self._chance = random.Random(1)

    def notice(self, sender: str) -> dict[str, Any]:
        """The next notice of a sender."""
        entered = self._entered[sender]
        held = max(self._filled, 0) + len(entered)
        if held == 0 or next(self._turn) % (ENTRIES + CORRECTIONS) < ENTRIES:
            person = next(self._new) * self._sixty + self._place[sender]
            entered.append(person)
            return self.press.entry(person)
        pick = self._chance.randrange(held)
        return self.press.correction(entered[pick]) if pick < len(entered) else self.correction(sender)

    def correction(self, sender: str) -> dict[str, Any]:
        """修正 of somebody who was filled in: sound whether or not anything else of the sender is sent."""
        person = self._chance.randrange(1, self._filled + 1)
        return self.press.correction(person * self._sixty + self._place[sender])


def prepare(stage: Stage, mix: Mix, notices: int, parcel_notices: int) -> Work:
    """So many notices in parcels of a size, the same number for each of the sixty."""
    each = max(notices // len(stage.senders), parcel_notices)
    return {sender: prepare_for(stage, mix, sender, each, parcel_notices) for sender in stage.senders}


def prepare_for(stage: Stage, mix: Mix, sender: str, notices: int, parcel_notices: int) -> list[Prepared]:
    """So many notices of one sender in parcels of a size."""
    key = stage.caller(sender).key
    told = [mix.notice(sender) for _ in range(notices)]
    return [mix.press.parcel(sender, some, key) for some in cut(told, parcel_notices)]


def prepare_singles(stage: Stage, mix: Mix, sender: str, notices: int) -> list[Prepared]:
    """So many corrections of one sender in parcels of their own, of which any may be left unsent."""
    key = stage.caller(sender).key
    return [mix.press.parcel(sender, [mix.correction(sender)], key) for _ in range(notices)]


async def acknowledge(
    stage: Stage, server: Server, work: Mapping[str, list[Prepared]], in_flight: int = load.IN_FLIGHT
) -> dict[str, Any]:
    """Sends prepared parcels from all senders at once; gives the rate of durable answers and what it cost."""
    async with load.senders(stage, server, stage.senders) as opened:
        meter = Meter({"daemon": server.pid, "postgres": stage.postgres.pid})
        seconds = await load.closed_loops(work, opened, in_flight)
        spent = meter.stop()
        notices = load.check(stage, opened)
    return {"rate": round(notices / seconds, 1), "count": notices} | spent.figures(notices)

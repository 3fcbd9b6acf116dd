"""The receiving loop when something in our own program trips: nothing overtakes what is to be sent again."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from structlog.testing import capture_logs

from jukinet_daemon.loops.receive import ReceiveLoop
from jukinet_daemon.service.lanes import Answer, Arrival, Lanes, Line
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.receive import Receiver
from jukinet_daemon.wire.parcel import Parcel


class Tripping:
    """A receiver that trips over one parcel wherever it meets it."""

    def __init__(self, stone: int) -> None:
        self._stone = stone
        self.received: list[int] = []

    async def receive(self, arrivals: Sequence[Arrival]) -> list[list[Answer]]:
        if any(arrival.parcel.number == self._stone for arrival in arrivals):
            raise RuntimeError
        self.received += [arrival.parcel.number for arrival in arrivals]
        return [[Answer("{}", "A100")] for _ in arrivals]


def arrival(number: int, line: Line) -> Arrival:
    parcel = Parcel("juki", "401307", number, ({},))
    return Arrival(parcel, "", f"digest {number}", "", datetime(2026, 11, 23, tzinfo=UTC), line)


async def test_what_follows_a_tripping_parcel_on_its_line_is_later_too() -> None:
    lanes, receiver = Lanes(1000), Tripping(stone=2)
    broken, sound = Line(), Line()
    promises = [await lanes.put(arrival(n, line)) for n, line in ((1, broken), (2, broken), (3, broken))]
    promises.append(await lanes.put(arrival(4, sound)))
    await lanes.stop()
    with capture_logs() as events:
        await ReceiveLoop(lanes, cast("Receiver", receiver), Metrics(), 256).run()
    # Only what is durable is called accepted.
    told = [parcel for event in events if event["event"] == "parcels_accepted" for parcel in event["parcels"]]
    assert [(parcel["digest"], parcel["notices"]) for parcel in told] == [("digest 1", 1), ("digest 4", 1)]
    answers = [answer for given in await asyncio.gather(*promises) for answer in given]
    assert [answer.later for answer in answers] == [False, True, True, False]
    assert receiver.received == [1, 4]
    assert (broken.broken, sound.broken) == (True, False)

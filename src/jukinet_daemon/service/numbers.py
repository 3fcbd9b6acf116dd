"""電文番号の見守り: finds numbers that never came and those that came twice, and knows what to ask for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog

from jukinet_daemon.domain.numbering import Numbering
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.numbers import Kept, NumberLook, NumberStore, Seen, twice

log = structlog.get_logger()

# What one reply asks for at most; the rest is asked for when these have come.
MOST_RANGES = 16
# Parcels under a number that is known to have come wait for a closer look; so many are looked at together.
MOST_SUSPECTS = 1_000
# Asked for and not come: then people must look.
GAP_WARNING = timedelta(minutes=10)
# A problem names so many ranges of a sender; `jukinetctl numbers list` has them all.
MOST_TOLD = 8

Range = tuple[int, int]


class Numbers:
    """The numbers of all senders. `look` reads them by index; everything else reads the memory it leaves."""

    def __init__(self, register: str, store: NumberStore, clock: Clock, grace: timedelta) -> None:
        self._register = register
        self._store = store
        self._clock = clock
        self._grace = grace
        self._known: dict[str, Numbering] = {}
        self._missing: dict[str, tuple[Range, ...]] = {}
        # A digest stands here once, however often its parcel came; what waits is of parcels that are kept.
        self._suspects: dict[Seen, None] = {}
        # Answered under a number that no look has met yet.
        self._recent: dict[Seen, None] = {}

    def missing(self, sender: str) -> tuple[Range, ...]:
        """The ranges of numbers to ask a sender for: skipped for longer than the grace, lowest first."""
        return self._missing.get(sender, ())

    def answered(self, sender: str, number: int, digest: str) -> None:
        """Takes note of an answered parcel; one whose number came before needs a closer look."""
        seen = Seen(sender, number, digest)
        (self._suspects if self._came_before(seen) else self._recent)[seen] = None

    def _came_before(self, seen: Seen) -> bool:
        known = self._known.get(seen.sender, Numbering())
        return seen.number <= known.highest and not any(g.first <= seen.number <= g.last for g in known.gaps)

    def _place(self, came: Sequence[Seen]) -> None:
        """What was answered while a look was under way may have missed it: then its number came before.

        What leapt no look will meet.
        """
        for seen in came:
            self._recent.pop(seen, None)
        leapt: dict[str, int] = {}
        for seen in list(self._recent):
            if self._came_before(seen):
                self._suspects[seen] = None
            elif self._known.get(seen.sender, Numbering()).leapt_to(seen.number):
                leapt[seen.sender] = min(seen.number, leapt.get(seen.sender, seen.number))
            else:
                continue
            del self._recent[seen]
        for sender, number in leapt.items():
            log.warning("number_leapt", sender=sender, number=number)

    async def look(self, senders: Sequence[str]) -> None:
        """Looks at what came since the last look. Raises StoreFault."""
        suspects = list(islice(self._suspects, MOST_SUSPECTS))
        async with self._store.look() as look:
            kept = await look.numberings()
            # Each is kept, also of a sender of whom nothing was followed yet: it may have begun with a leap.
            before = dict.fromkeys(senders, Numbering()) | kept
            came = await look.came({sender: before[sender].highest for sender in senders})
            after = self._followed(before, came)
            for sender, numbering in after.items():
                if numbering != kept.get(sender):
                    await look.store(sender, numbering)
            undecided = await self._check(look, [*twice(came), *suspects])
        for seen in suspects:
            del self._suspects[seen]
        self._suspects |= dict.fromkeys(undecided)
        self._known = after
        self._place(came)
        now = self._clock()
        self._missing = {sender: self._due(numbering, now) for sender, numbering in after.items()}

    def _followed(self, before: Mapping[str, Numbering], came: Sequence[Seen]) -> dict[str, Numbering]:
        now = self._clock()
        numbers: dict[str, list[int]] = {}
        for seen in came:
            numbers.setdefault(seen.sender, []).append(seen.number)
        after = dict(before)
        for sender, theirs in numbers.items():
            after[sender] = before[sender].with_seen(theirs, now)
            for gap in after[sender].gaps:
                if gap.found_at == now and gap not in before[sender].gaps:
                    log.info("numbers_missing", sender=sender, first=gap.first, last=gap.last)
        return after

    def _due(self, numbering: Numbering, now: datetime) -> tuple[Range, ...]:
        due = [gap for gap in numbering.gaps if now - gap.found_at >= self._grace]
        return tuple((gap.first, gap.last) for gap in due[:MOST_RANGES])

    async def _check(self, look: NumberLook, suspects: Iterable[Seen]) -> list[Seen]:
        """Keeps what was used again; gives what cannot be told apart before both have a summary."""
        undecided = []
        for seen in dict.fromkeys(suspects):
            reused = _reused(await look.kept(seen.sender, seen.number), seen.digest)
            if reused is None:
                undecided.append(seen)
            elif reused and await look.store_reuse(seen, self._leaf(seen)):
                log.warning("number_reused", sender=seen.sender, number=seen.number, digest=seen.digest)
        return undecided

    def _leaf(self, seen: Seen) -> Leaf:
        return evidence(
            {
                "event": "number_reused",
                "register": self._register,
                "sender": seen.sender,
                "number": seen.number,
                "parcel_digest": seen.digest,
                "at": self._clock().isoformat(timespec="milliseconds"),
            }
        )


def _reused(kept: Sequence[Kept], digest: str) -> bool | None:
    """Whether a parcel says something else than the first of its number; None where that cannot be told.

    The signature around the same may be a new one, after a certificate was renewed.
    """
    own = next((parcel for parcel in kept if parcel.digest == digest), None)
    if own is None or own.digest == kept[0].digest:
        return False
    return None if own.same is None else not own.same


def number_problems(report: Mapping[str, Any]) -> list[str]:
    """What of the numbers needs somebody, in words."""
    numbers = report.get("numbers")
    if numbers is None:
        return []
    lasting = [gap for gap in numbers["missing"] if gap["seconds"] > GAP_WARNING.total_seconds()]
    problems = [
        f"{sender}: 電文番号 {told} が届かない / parcel numbers are missing"
        for sender, told in _spans(lasting)
    ] + [
        f"{sender}: 電文番号 {told} が別の内容で使われた / a parcel number was used again"
        for sender, told in _spans(numbers["reused"])
    ]
    problems += [
        f"{leap['sender']}: 電文番号が {leap['highest']} から {leap['number']} へ飛んだ"
        " / a parcel number is far above the last"
        for leap in numbers["leapt"]
    ]
    if numbers["unsummarised"]:
        problems.append("摘要のない電文がある: jukinetctl summarise を行う / parcels without a summary")
    return problems


def _spans(ranges: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The ranges of each sender in words, the first ones named and the rest counted."""
    by_sender: dict[str, list[str]] = {}
    for item in ranges:
        first, last = item["first"], item["last"]
        by_sender.setdefault(item["sender"], []).append(str(first) if first == last else f"{first}-{last}")
    return [(sender, _first_of(told)) for sender, told in by_sender.items()]


def _first_of(told: Sequence[str]) -> str:
    more = len(told) - MOST_TOLD
    return "、".join(told[:MOST_TOLD]) + (f" ほか {more} か所" if more > 0 else "")

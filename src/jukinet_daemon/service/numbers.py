"""電文番号の見守り: finds numbers that never came and those that came twice, and knows what to ask for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog

from jukinet_daemon.domain.numbering import Gap, Numbering
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.numbers import Kept, NumberLook, NumberStore, Seen, twice

log = structlog.get_logger()

# What one reply asks for at most; the rest is asked for when these have come.
MOST_RANGES = 16
# Parcels under a number that is known to have come wait for a closer look; so many are looked at together.
MOST_SUSPECTS = 1_000
# Asked for and not come: then people must look.
GAP_WARNING = timedelta(minutes=10)

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


class NumberDesk:
    """What people see of the numbers, and what they settle."""

    def __init__(self, register: str, store: NumberStore, clock: Clock, metrics: Metrics) -> None:
        self._register = register
        self._store = store
        self._clock = clock
        self._metrics = metrics

    async def part(self) -> dict[str, Any]:
        """The part of the status report. Raises StoreFault."""
        now = self._clock()
        gaps = await self._store.gaps()
        missing = {sender: sum(g.last - g.first + 1 for g in theirs) for sender, theirs in gaps.items()}
        self._metrics.numbers_missing.clear()
        for sender, count in missing.items():
            self._metrics.numbers_missing.labels(sender).set(count)
        return {
            "missing": [_told(sender, gap, now) for sender, theirs in gaps.items() for gap in theirs],
            "reused": [
                {"sender": reuse.sender, "number": reuse.number, "digest": reuse.digest}
                for reuse in await self._store.reuses()
            ],
            "leapt": [asdict(leap) for leap in await self._store.leaps()],
            "unsummarised": await self._store.unsummarised(),
        }

    async def settle(
        self, sender: str, first: int, last: int, operator: str, *, apply: bool
    ) -> dict[str, Any]:
        """Stops waiting for numbers, and closes reuses of them, because people have agreed on it.

        All numbers between the highest and one that was leapt to: then the sender goes on from there. Gives
        what is, or would be, settled. Raises StoreFault.
        """
        async with self._store.look() as look:
            numbering = (await look.numberings()).get(sender, Numbering())
            met = [gap for gap in numbering.gaps if _meet(gap, first, last)]
            missing = [[max(gap.first, first), min(gap.last, last)] for gap in met]
            settled = numbering.without(first, last)
            leap = await look.leap(sender)
            if leap and first <= leap.highest + 1 and last == leap.number - 1:
                missing.append([leap.highest + 1, last])
                settled = settled.going_on_from(leap.number)
            told: dict[str, Any] = {
                "sender": sender,
                "missing": missing,
                "reused": await look.reused(sender, first, last),
                "applied": apply,
            }
            if apply and (told["missing"] or told["reused"]):
                await look.store(sender, settled)
                await look.settle_reuses(sender, first, last)
                await look.store_leaf(self._settled(told, operator))
        return told

    def _settled(self, told: Mapping[str, Any], operator: str) -> Leaf:
        return evidence(
            {
                "event": "numbers_settled",
                "register": self._register,
                "operator": operator,
                "sender": told["sender"],
                "missing": told["missing"],
                "reused": told["reused"],
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


def _meet(gap: Gap, first: int, last: int) -> bool:
    return gap.first <= last and first <= gap.last


def _told(sender: str, gap: Gap, now: datetime) -> dict[str, Any]:
    seconds = round((now - gap.found_at).total_seconds(), 1)
    return {"sender": sender, "first": gap.first, "last": gap.last, "seconds": seconds}


def number_problems(report: Mapping[str, Any]) -> list[str]:
    """What of the numbers needs somebody, in words."""
    numbers = report.get("numbers")
    if numbers is None:
        return []
    lasting = [gap for gap in numbers["missing"] if gap["seconds"] > GAP_WARNING.total_seconds()]
    problems = [
        f"{gap['sender']}: 電文番号 {gap['first']}-{gap['last']} が届かない / parcel numbers are missing"
        for gap in lasting
    ] + [
        f"{reuse['sender']}: 電文番号 {reuse['number']} が別の内容で使われた / a parcel number was used again"
        for reuse in numbers["reused"]
    ]
    problems += [
        f"{leap['sender']}: 電文番号が {leap['highest']} から {leap['number']} へ飛んだ"
        " / a parcel number is far above the last"
        for leap in numbers["leapt"]
    ]
    if numbers["unsummarised"]:
        problems.append("摘要のない電文がある: jukinetctl summarise を行う / parcels without a summary")
    return problems

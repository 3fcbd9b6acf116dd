"""電文番号の窓口: what people see of the numbers, and what they settle."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.numbering import Gap, Numbering, spans
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.ops.operator import OperatorFault
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.numbers import NumberStore


class NumberDesk:
    """What people see of the numbers, and what they settle."""

    def __init__(
        self, register: str, areas: Areas, store: NumberStore, clock: Clock, metrics: Metrics
    ) -> None:
        self._register = register
        self._areas = areas
        self._store = store
        self._clock = clock
        self._metrics = metrics

    async def part(self) -> dict[str, Any]:
        """The part of the status report: what was used again as ranges. Raises StoreFault."""
        told = await self.all()
        reused: dict[str, list[int]] = {}
        for reuse in told["reused"]:
            reused.setdefault(reuse["sender"], []).append(reuse["number"])
        ranges = [
            {"sender": sender, "first": first, "last": last}
            for sender, numbers in reused.items()
            for first, last in spans(numbers)
        ]
        return told | {"reused": ranges}

    async def all(self) -> dict[str, Any]:
        """What is missing, each parcel that used a number again, what leapt. Raises StoreFault."""
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
        what is, or would be, settled. Raises StoreFault, and OperatorFault for a slip of the keyboard.
        """
        if first > last:
            raise OperatorFault(
                f"最初の番号 {first} が最後の番号 {last} より大きい / the first number is above the last"
            )
        async with self._store.look() as look:
            known = await look.numberings()
            # One that was merged into another sends no more, and its numbers may still be settled.
            if sender not in known and (why := self._areas.why_no_sender(sender)):
                raise OperatorFault(why)
            numbering = known.get(sender, Numbering())
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


def _meet(gap: Gap, first: int, last: int) -> bool:
    return gap.first <= last and first <= gap.last


def _told(sender: str, gap: Gap, now: datetime) -> dict[str, Any]:
    seconds = round((now - gap.found_at).total_seconds(), 1)
    return {"sender": sender, "first": gap.first, "last": gap.last, "seconds": seconds}

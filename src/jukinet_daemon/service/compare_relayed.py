"""全国サーバとの日次照合: counts what it has receipted of a day, and sets its own counts beside that."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.compare import NATIONAL, TOLD_DAYS
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.comparison import Compared, Comparisons
from jukinet_daemon.wire.envelope import TALLY_TYPE, SigningKey, digest_of, seal
from jukinet_daemon.wire.reply import ReplyMessage
from jukinet_daemon.wire.tally import Counts, Tally, counts_of, counts_table, differing, write_tally

log = structlog.get_logger()

# Two clocks that differ by less put no record under a day that was compared already.
DAY_IS_OVER = timedelta(minutes=10)
LOOK_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A tally for the national server, and what we count of its day."""

    day: date
    ours: Counts
    signed: str = field(repr=False)


def days_due(compared: dict[date, bool], today: date) -> list[date]:
    """Days to compare, oldest first: those that differed, and those since the newest that was compared.

    Takes days that had ended when they were compared.
    """
    yesterday = today - timedelta(days=1)
    oldest = today - timedelta(days=TOLD_DAYS)
    newest = max(compared, default=yesterday - timedelta(days=1))
    since = max(newest + timedelta(days=1), oldest)
    fresh = [since + timedelta(days=n) for n in range((yesterday - since).days + 1)]
    return sorted(day for day, differs in compared.items() if differs and day < today) + fresh


class RelayedComparer:
    """Compares one register's days with its national server, on a line on which nothing is under way."""

    def __init__(self, register: str, prefecture: str, store: Comparisons, clock: Clock) -> None:
        self._register = register
        self._prefecture = prefecture
        self._store = store
        self._clock = clock
        self._due: deque[date] = deque()
        self._looked: datetime | None = None

    async def ask(self, key: SigningKey) -> Asked | None:
        """The next tally to send, if one is due. Raises StoreFault."""
        now = self._clock()
        if not self._due:
            # A clock that was set back must not put the next look off.
            if self._looked and abs(now - self._looked) < LOOK_AGAIN:
                return None
            self._looked = now
            today = (now - DAY_IS_OVER).date()
            compared = await self._store.compared_with(NATIONAL, today - timedelta(days=TOLD_DAYS), now)
            self._due.extend(days_due(compared, today))
        if not self._due:
            return None
        # Asked once: a line that breaks over it is not broken again before an hour has passed.
        day = self._due.popleft()
        ours = await self._store.relayed(day)
        tally = write_tally(Tally(self._register, self._prefecture, day, ours), self._now())
        return Asked(day, ours, seal(tally, TALLY_TYPE, key))

    async def hear(self, asked: Asked, reply: ReplyMessage, signed: str) -> None:
        """Compares with what the national server counts, and keeps the result. Raises StoreFault."""
        told = reply.comparison
        if (
            reply.parcel_digest != digest_of(asked.signed)
            or told is None
            or told.day != asked.day.isoformat()
        ):
            code = reply.refused.code if reply.refused else None
            log.warning("day_not_compared", day=asked.day.isoformat(), code=code)
            # It relays as well without; an hour later it is asked again.
            self._due.clear()
            return
        theirs = counts_of(told.counts)
        kinds = tuple(differing(theirs, asked.ours))
        compared = Compared(NATIONAL, asked.day, counts_table(theirs), counts_table(asked.ours), kinds)
        await self._store.store(compared, signed, self._leaf(compared, asked, signed))
        if kinds:
            log.warning("counts_differ", sender=NATIONAL, day=asked.day.isoformat(), kinds=list(kinds))

    def _leaf(self, compared: Compared, asked: Asked, signed: str) -> Leaf:
        payload = {
            "event": "days_compared",
            "register": self._register,
            "sender": NATIONAL,
            "day": compared.day.isoformat(),
            "tally_digest": digest_of(asked.signed),
            "reply_digest": digest_of(signed),
            "differing": list(compared.differing),
            "at": self._now(),
        }
        return evidence(payload)

    def _now(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")

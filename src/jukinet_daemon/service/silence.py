"""無通信の見守り: learns from the parcels how often each municipality sends, and says who is silent now."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.service_hours import ServiceHours
from jukinet_daemon.domain.silence import Habit, habit_of, silence_of
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.pool import Database

# A month and a half of service days: holidays, the turn of the fiscal year and quiet weeks are all in it.
LEARNT_DAYS = 30
LEARN_EVERY = timedelta(hours=6)
# A question in health waits for lessons so long; the next one goes on. Less than a part of health may take.
LESSONS_S = 0.8
# Moments heard nearer together than this are one: no silence of interest is shorter.
STEP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Silent:
    """A municipality that is silent for longer than it usually is: since when, and seconds of service."""

    sender: str
    since: datetime
    seconds: float
    usual: float


class Silence:
    """Who is silent, of all municipalities of a register; of whom no habit is known yet nobody is."""

    def __init__(
        self,
        database: Database,
        areas: Areas,
        clock: Clock,
        hours: ServiceHours,
        metrics: Metrics,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._areas = areas
        self._clock = clock
        self._hours = hours
        self._metrics = metrics
        self._monotonic = monotonic
        self._habits: dict[str, Habit] = {}
        self._learnt: dict[str, datetime] = {}
        self._turns = deque(areas.senders)

    async def look(self, lessons_s: float = inf) -> list[Silent]:
        """The municipalities that are silent beyond their usual pattern now. Raises StoreFault.

        No lesson begins after `lessons_s`: what is left is learnt by the next looks.
        """
        now = self._clock()
        await self._learn(now, self._monotonic() + lessons_s)
        rows = await self._database.fetch("last_parcels", list(self._areas.senders))
        last = {
            row["sender"]: row["received_at"].astimezone(now.tzinfo) for row in rows if row["received_at"]
        }
        silent = [
            Silent(sender, moment, seconds, self._habits[sender].usual)
            for sender, moment in last.items()
            if sender in self._habits
            and (seconds := silence_of(moment, now, self._habits[sender], self._hours)) is not None
        ]
        self._publish(silent)
        return silent

    async def part(self) -> dict[str, Any]:
        """The part of the status report. Raises StoreFault."""
        silent = await self.look(LESSONS_S)
        return {
            "silent": [
                {
                    "code": item.sender,
                    "name": self._areas[item.sender].name,
                    "since": item.since.isoformat(timespec="seconds"),
                    "service_seconds": round(item.seconds),
                    "usual_seconds": round(item.usual),
                }
                for item in silent
            ],
            "known": sum(habit.limit is not None for habit in self._habits.values()),
        }

    async def _learn(self, now: datetime, until: float) -> None:
        begin = datetime.combine(
            self._hours.days_back(now.date(), LEARNT_DAYS), self._hours.begins, now.tzinfo
        )
        for _ in range(len(self._turns)):
            # Its turn is over before it is asked of: a lesson that is cut off must not keep off the others.
            sender = self._turns[0]
            self._turns.rotate(-1)
            if not self._is_due(sender, now):
                continue
            rows = await self._database.fetch("heard_of_sender", sender, begin, STEP)
            heard = [row["heard_at"].astimezone(now.tzinfo) for row in rows if row["heard_at"]]
            self._habits[sender] = habit_of(heard, self._hours)
            self._learnt[sender] = now
            if self._monotonic() >= until:
                break

    def _is_due(self, sender: str, now: datetime) -> bool:
        """Whether it is time for a lesson; a clock that was set back must not put it off."""
        learnt = self._learnt.get(sender)
        return learnt is None or abs(now - learnt) > LEARN_EVERY

    def _publish(self, silent: Sequence[Silent]) -> None:
        self._metrics.silent.clear()
        for item in silent:
            self._metrics.silent.labels(item.sender).set(item.seconds)


def silence_problems(report: Mapping[str, Any]) -> list[str]:
    """Who is silent, in words."""
    silence = report.get("silence")
    return [
        f"{item['name']} ({item['code']}): 執務時間で {_words(item['service_seconds'])} 通知がない"
        f" (ふだんは {_words(item['usual_seconds'])} まで) / silent for unusually long"
        for item in (silence["silent"] if silence else ())
    ]


def _words(seconds: int) -> str:
    return f"{seconds // 3600} 時間 {seconds % 3600 // 60} 分"

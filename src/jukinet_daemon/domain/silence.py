"""無通信: how long a municipality is usually silent in service hours, and when it is so for too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from jukinet_daemon.domain.service_hours import ServiceHours

# The longest silence of a day is usual once two days have had it: one outage teaches nothing.
LEAST_DAYS = 5
FACTOR = 2.0
LEAST_LIMIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Habit:
    """The silence, in seconds of service, that is usual for a sender, and how much of it is too much.

    `limit` is None where too little is known to say.
    """

    usual: float
    limit: float | None


def habit_of(heard: Sequence[datetime], hours: ServiceHours) -> Habit:
    """What is usual for a sender, from the moments at which it was heard, in order.

    For each day the longest silence that ended on it; of these the second longest is the usual one.
    """
    longest: dict[date, float] = {}
    for before, after in pairwise(heard):
        silence = hours.between(before, after)
        longest[after.date()] = max(longest.get(after.date(), 0.0), silence)
    if len(longest) < LEAST_DAYS:
        return Habit(0.0, None)
    usual = sorted(longest.values())[-2]
    return Habit(usual, max(LEAST_LIMIT_S, FACTOR * usual))


def silence_of(last: datetime, now: datetime, habit: Habit, hours: ServiceHours) -> float | None:
    """Seconds of service that a sender has been silent for, if that is too long now; None where it is not.

    Never too long while offices are closed: nobody is there to be asked.
    """
    if habit.limit is None or not _at_work(now, hours):
        return None
    silent = hours.between(last, now)
    return silent if silent > habit.limit else None


def _at_work(now: datetime, hours: ServiceHours) -> bool:
    return hours.is_service_day(now.date()) and hours.begins <= now.time() <= hours.ends

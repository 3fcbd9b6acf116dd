"""執務時間: when municipalities are at work, and how much of it lies between two moments."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from jukinet_daemon.domain.holidays import is_closed

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """The hours of every day on which offices are open; `closed` days are closed besides those of the law."""

    begins: time = time(8, 30)
    ends: time = time(17, 15)
    closed: frozenset[date] = frozenset()

    def is_service_day(self, day: date) -> bool:
        """Whether offices are open on a day."""
        return day not in self.closed and not is_closed(day)

    def between(self, start: datetime, end: datetime) -> float:
        """Seconds of service from one moment to another, both in the zone of the hours."""
        seconds, day = 0.0, start.date()
        while day <= end.date():
            if self.is_service_day(day):
                opened = max(start, datetime.combine(day, self.begins, start.tzinfo))
                shut = min(end, datetime.combine(day, self.ends, start.tzinfo))
                seconds += max(0.0, (shut - opened).total_seconds())
            day += _DAY
        return seconds

    def days_back(self, day: date, service_days: int) -> date:
        """The day that lies so many service days before another."""
        while service_days > 0:
            day -= _DAY
            service_days -= self.is_service_day(day)
        return day

"""時計: the one place that asks what time it is."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]


def clock_of(timezone: str) -> Clock:
    """A clock that gives the present moment in a time zone (the day of a notification is a day in Japan)."""
    zone = ZoneInfo(timezone)
    return lambda: datetime.now(zone)

"""一日の時: how a service day runs from 8:30 to 17:15: morning burst, lunch dip, late-afternoon peak."""

from jukinet_daemon.sim.people.chance import Chance, Weighted

SERVICE_SECONDS = 31_500.0
_QUARTER = 900
# One weight for each quarter of an hour from 8:30; desks open, eat, and clear the day's papers.
_SHAPE = (
    *(9, 10, 9, 8, 7, 6),  # 8:30-10:00 what the evening before left over
    *(5, 5, 5, 5, 5, 5, 4, 4),  # 10:00-12:00
    *(2, 1, 1, 2),  # 12:00-13:00
    *(4, 5, 5, 5, 5, 6, 6, 6),  # 13:00-15:00
    *(7, 8, 9, 10, 10, 8, 5, 3, 1),  # 15:00-17:15
)
_QUARTERS = Weighted(range(len(_SHAPE)), _SHAPE)


def some_time(rng: Chance) -> float:
    """A moment of the service day at which something starts."""
    return (_QUARTERS.pick(rng) + rng.random()) * _QUARTER


def later(rng: Chance, at: float, hours: float) -> float:
    """A moment after `at`, within so many hours and before the close of the day."""
    span = min(hours * 3600, SERVICE_SECONDS - at)
    return at + span * rng.uniform(0.05, 0.95)

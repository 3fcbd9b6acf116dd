"""A batch planned at once."""

from collections.abc import Iterable, Iterator

from jukinet_daemon.service.batch import House, Item, Plan, Planner
from jukinet_daemon.store.inbox import Known


def plan_of(items: Iterable[Item], known: Known, fresh: Iterator[int], house: House) -> Plan:
    """What is to be done about notices, as the receiver plans it bit by bit."""
    planner = Planner(known, fresh, house)
    for item in items:
        planner.add(item)
    return planner.plan

"""人々と一日: invented people of the prefecture and an invented day of theirs, the same for the same seed."""

from jukinet_daemon.sim.people.day import make_day
from jukinet_daemon.sim.people.desk import DayPlan
from jukinet_daemon.sim.people.first_load import first_load
from jukinet_daemon.sim.people.geography import Municipality, load_municipalities
from jukinet_daemon.sim.people.notices import Posted
from jukinet_daemon.sim.people.population import Population, make_population

__all__ = [
    "DayPlan",
    "Municipality",
    "Population",
    "Posted",
    "first_load",
    "load_municipalities",
    "make_day",
    "make_population",
]

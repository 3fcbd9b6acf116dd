"""場: all that the stories of a day share: people, places, chance, the desk, the date."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from jukinet_daemon.sim.people.births import date_text
from jukinet_daemon.sim.people.chance import Chance
from jukinet_daemon.sim.people.desk import Desk
from jukinet_daemon.sim.people.folk import Folk
from jukinet_daemon.sim.people.geography import Geography
from jukinet_daemon.sim.people.maker import Maker
from jukinet_daemon.sim.people.names import some_family, some_nation
from jukinet_daemon.sim.people.resident import Resident

# 届出は14日以内 (法22条-24条).
_NOTIFICATION_DAYS = 14


@dataclass(slots=True)
class Scene:
    """One day. `echoes` is how many 附票 notices may still follow what happens to residents; the rest of that
    register's day is people elsewhere. `movers` are those who left an area today, as they stood then.
    """

    rng: Chance
    day: date
    geography: Geography
    maker: Maker
    folk: Folk
    desk: Desk
    echoes: int
    movers: list[Resident] = field(default_factory=list)

    @property
    def today(self) -> str:
        """The day in eight characters."""
        return date_text(self.day)

    def recent_date(self) -> str:
        """Today or a few days back, as people come to the counter."""
        back = 0 if self.rng.random() < 0.55 else self.rng.randrange(1, _NOTIFICATION_DAYS)
        return date_text(self.day - timedelta(days=back))

    def planned_date(self) -> str:
        """A day ahead, as a 転出届 names it."""
        return date_text(self.day + timedelta(days=self.rng.randrange(1, _NOTIFICATION_DAYS)))

    def newcomer(self, *, foreign: bool) -> Resident:
        """Somebody unknown to both files, about to live in the prefecture; a foreigner has no number yet."""
        rng, maker = self.rng, self.maker
        home = self.geography.home(rng, self.geography.some_area(rng))
        if foreign:
            person = maker.foreign(some_nation(rng), maker.some_sex(), rng.randint(18, 45), home)
            return replace(person, number=None)
        return maker.japanese(some_family(rng), maker.some_sex(), rng.randint(1, 65), home)

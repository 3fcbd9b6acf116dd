"""用件: one person's business on the day, told step by step while person and time move on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jukinet_daemon.domain.change import PLANNED_DATE_CAUSES, Cause, Change
from jukinet_daemon.sim.people.clock import later
from jukinet_daemon.sim.people.notices import fuhyo_notice, juki_notice
from jukinet_daemon.sim.people.resident import Resident, Sheet
from jukinet_daemon.sim.people.scene import Scene

_PLANNED = 0.3
_ECHO_TODAY = 0.65


class Affair:
    """What happens to one person. Each telling is a notice; afterwards some time has passed.

    `tell` speaks of the 住民票 as it stands now and needs one in the prefecture; `echo` is the 附票's notice
    of the same event, which the 本籍地 sends today or another day; `on_sheet` a 附票 notice in its own right.
    """

    def __init__(self, scene: Scene, person: Resident, at: float) -> None:
        self.scene = scene
        self.person = person
        self.at = at
        self.date = scene.recent_date()
        self._next = at

    def becomes(self, **changes: Any) -> None:
        """The person from now on."""
        self.person = replace(self.person, **changes)

    def tell(
        self, cause: Cause, *, of: Resident | None = None, date: str | None = None, **previous: str | None
    ) -> None:
        """A notice of the 住民票; of an earlier state of the person if given."""
        when = date or self._date_of(cause)
        notice = juki_notice(self.scene.rng, of or self.person, cause, when, **previous)
        self.scene.desk.post("juki", self._step(), notice)

    def echo(self, change: Change = Change.CORRECTION) -> bool:
        """The 附票's notice of what was told, if the 本籍 is here and its desk comes to it today."""
        scene = self.scene
        quiet = min(scene.echoes, scene.desk.left("fuhyo")) <= 0 or scene.rng.random() > _ECHO_TODAY
        if self.person.sheet is None or self.person.foreign or quiet:
            return False
        scene.echoes -= 1
        self.on_sheet(change)
        return True

    def echo_new_sheet(self, sheet: Sheet) -> None:
        """The 記載 in a new 附票; without it the person has none yet."""
        self.becomes(sheet=sheet)
        if not self.echo(Change.ENTRY):
            self.becomes(sheet=None)

    def echo_end(self) -> None:
        """The 消除 from the 附票; without it the sheet is still open."""
        if self.echo(Change.DELETION):
            self.becomes(sheet=None)

    def on_sheet(self, change: Change, **previous: str | None) -> None:
        """A notice of the 附票."""
        notice = fuhyo_notice(self.scene.rng, self.person, change, self.date, **previous)
        self.scene.desk.post("fuhyo", self._step(), notice)

    def departs(self) -> None:
        """Remembers the person as they leave: the municipality they go to will confirm it."""
        self.scene.movers.append(self.person)

    def _date_of(self, cause: Cause) -> str:
        if cause in PLANNED_DATE_CAUSES and self.scene.rng.random() < _PLANNED:
            return self.scene.planned_date()
        return self.date

    def _step(self) -> float:
        self.at = self._next
        self._next = later(self.scene.rng, self.at, hours=1.5)
        return self.at


Who = Callable[[Scene, float], Resident | None]


@dataclass(frozen=True, slots=True)
class Story:
    """A kind of affair: how often (thousands a year), how many notices, to whom, and what is told."""

    weight: float
    notices: int
    who: Who
    told: Callable[[Affair], None]


def play(scene: Scene, story: Story, at: float) -> bool:
    """Lets a story happen to somebody; False where nobody fits."""
    person = story.who(scene, at)
    if person is None:
        return False
    affair = Affair(scene, person, at)
    story.told(affair)
    scene.folk.settle(affair.person, affair.at)
    return True

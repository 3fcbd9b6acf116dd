"""人々: everybody as they stand at the moment, so that nothing happens to anyone that cannot."""

from collections.abc import Callable, Iterable

from jukinet_daemon.sim.people.chance import Chance
from jukinet_daemon.sim.people.resident import Resident

Wish = Callable[[Resident], bool]
_TRIES = 400


class Folk:
    """People by serial, each with the time of the last notice about them, so that each one's are in order."""

    def __init__(self, rng: Chance, people: Iterable[Resident]) -> None:
        self._rng = rng
        self._people = {one.serial: one for one in people}
        self._serials = tuple(self._people)
        self._last: dict[int, float] = {}

    def pick(self, at: float, wish: Wish) -> Resident | None:
        """Somebody of whom the wish is true and about whom nothing was told at `at` or later."""
        tries = (self._rng.choice(self._serials) for _ in range(_TRIES))
        return next((self._people[s] for s in tries if self.last(s) < at and wish(self._people[s])), None)

    def last(self, serial: int) -> float:
        """When somebody was last told about; before the day if not at all."""
        return self._last.get(serial, -1.0)

    def settle(self, person: Resident, at: float) -> None:
        """What has become of somebody, as told up to `at`."""
        self._people[person.serial] = person
        self.told(person, at)

    def told(self, person: Resident, at: float) -> None:
        """Something was told that leaves the person as they are."""
        self._last[person.serial] = at

"""一日: a service day of the prefecture, as many notices as planned, in the order of time."""

from collections.abc import Sequence
from datetime import timedelta

from jukinet_daemon.sim.people.affair import Story, play
from jukinet_daemon.sim.people.births import AS_OF
from jukinet_daemon.sim.people.chance import Chance, Weighted, chance
from jukinet_daemon.sim.people.clock import later, some_time
from jukinet_daemon.sim.people.desk import DayPlan, Desk
from jukinet_daemon.sim.people.flaws import flawed, planned_flaws
from jukinet_daemon.sim.people.folk import Folk
from jukinet_daemon.sim.people.fuhyo_stories import FUHYO_FILLER, FUHYO_STORIES
from jukinet_daemon.sim.people.identifiers import Issuer
from jukinet_daemon.sim.people.juki_stories import JUKI_FILLER, JUKI_STORIES
from jukinet_daemon.sim.people.maker import Maker
from jukinet_daemon.sim.people.notices import Posted, RegisterName, departure_notice
from jukinet_daemon.sim.people.population import Population
from jukinet_daemon.sim.people.resident import Resident
from jukinet_daemon.sim.people.scene import Scene
from jukinet_daemon.sim.people.who import is_resident

_ECHOES = 0.7
_TRIES = 20
_FIRST_DAY = AS_OF + timedelta(days=15)


def make_day(population: Population, seed: int, plan: DayPlan) -> list[Posted]:
    """Makes the notices of one day.

    Takes the population as the first load left it, a seed and the plan; gives exactly the planned numbers,
    sorted by time, each person's own in causal order. Raises ValueError for a day before the population's.
    """
    if plan.day < _FIRST_DAY:
        raise ValueError(f"the population is of {AS_OF}; a day of it is {_FIRST_DAY} or later")
    flaws = planned_flaws(plan.flaws, plan.juki, plan.fuhyo)
    scene = _scene(population, chance(seed, "day", plan.day), plan, flaws)
    _fill(scene, "juki", JUKI_STORIES, JUKI_FILLER)
    _fill(scene, "fuhyo", FUHYO_STORIES, FUHYO_FILLER)
    spoiled = [flawed(scene, register, flaw) for register, flaw in flaws]
    _confirm_departures(scene, plan.departures)
    return sorted((*scene.desk.posted, *spoiled), key=lambda posted: posted.at)


def _scene(
    population: Population, rng: Chance, plan: DayPlan, flaws: Sequence[tuple[RegisterName, str]]
) -> Scene:
    people = (*population.residents, *population.elsewhere)
    spoiled = [register for register, _ in flaws]
    return Scene(
        rng=rng,
        day=plan.day,
        geography=population.geography,
        maker=Maker(rng, Issuer(rng, _taken(people)), population.serials, population.sheets),
        folk=Folk(rng, people),
        desk=Desk(
            population.geography,
            juki=plan.juki - spoiled.count("juki"),
            fuhyo=plan.fuhyo - spoiled.count("fuhyo"),
        ),
        echoes=int(plan.fuhyo * _ECHOES),
    )


def _taken(people: Sequence[Resident]) -> set[str]:
    return {text for one in people for text in (one.code, one.number) if text}


def _fill(scene: Scene, register: RegisterName, stories: Sequence[Story], filler: Story) -> None:
    for story in stories:
        _once(scene, register, story)
    often = Weighted(stories, [story.weight for story in stories])
    while scene.desk.left(register) > 0:
        story = often.pick(scene.rng)
        fits = story.notices <= scene.desk.left(register)
        play(scene, story if fits else filler, some_time(scene.rng))


def _once(scene: Scene, register: RegisterName, story: Story) -> None:
    for _ in range(_TRIES):
        if story.notices > scene.desk.left(register) or play(scene, story, some_time(scene.rng)):
            return


def _confirm_departures(scene: Scene, count: int) -> None:
    """転出確定通知, first for the day's movers, then for people whose 転出届 is of another day."""
    scene.rng.shuffle(scene.movers)
    movers, rest = scene.movers[:count], count - len(scene.movers)
    for mover in movers:
        at = later(scene.rng, scene.folk.last(mover.serial), hours=2)
        _confirm(scene, mover, at)
    while rest > 0:
        at = some_time(scene.rng)
        person = scene.folk.pick(at, is_resident)
        if person:
            _confirm(scene, person, at)
            rest -= 1


def _confirm(scene: Scene, mover: Resident, at: float) -> None:
    scene.desk.post_departure(at, departure_notice(scene.rng, mover, scene.recent_date()))
    scene.folk.told(mover, at)

"""初期登録: the notices that fill both files from empty."""

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.sim.people.births import AS_OF, date_text
from jukinet_daemon.sim.people.chance import chance
from jukinet_daemon.sim.people.notices import Posted, fuhyo_notice, juki_notice
from jukinet_daemon.sim.people.population import Population


def first_load(population: Population) -> list[Posted]:
    """One 記載 for each resident, then one for each person in a 附票; all at the start of service."""
    rng = chance(population.seed, "first load")
    sender_of, day = population.geography.sender_of, date_text(AS_OF)
    juki = [
        Posted("juki", sender_of(one.home.area), 0.0, juki_notice(rng, one, Cause.ENTRY_EX_OFFICIO, day))
        for one in population.residents
        if one.home
    ]
    fuhyo = [
        Posted("fuhyo", sender_of(one.sheet.area), 0.0, fuhyo_notice(rng, one, Change.ENTRY, day))
        for one in population.on_sheets
        if one.sheet
    ]
    return juki + fuhyo

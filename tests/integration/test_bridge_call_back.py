"""What the 附票 server may say to a call back, and what the database does not believe of the judgement."""

from datetime import date, timedelta

import pytest
from structlog.testing import capture_logs

from jukinet_daemon.domain import bridge_outcomes as outcomes
from jukinet_daemon.domain.outcomes import OUTCOMES, Outcome
from jukinet_daemon.domain.overseas import LastStay, left_overseas
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.service import bridge_confirm, bridge_release
from jukinet_daemon.wire.bridge import Ask, Release
from support.bridge import Bridged, an_ask, emigrate, entry, put, shown_overseas
from support.notices import resident_code

# Codes that no 附票 server says to a call back, though some are ours; 「B100」 says that a number was given.
NO_REASON = (
    outcomes.ANSWERED,
    outcomes.NOT_HERE,
    outcomes.CAME_BACK,
    outcomes.ALREADY_ANSWERED,
    outcomes.UNREACHABLE,
    next(iter(OUTCOMES.values())),
)


async def _put(world: Bridged, code: str) -> tuple[Ask, Release]:
    """A question that the 附票 server never opened, about one person."""
    asker = world.inquirer("juki", world.pki.files(Role.PREF, "fuhyo"))
    ask, keys = an_ask([code])
    try:
        (release,) = await put(asker, ask, keys)
    finally:
        await asker.close()
    return ask, release


@pytest.mark.parametrize("said", NO_REASON, ids=lambda outcome: outcome.code)
async def test_what_is_neither_a_confirmation_nor_a_reason_confirms_nothing(
    bridge_world: Bridged, monkeypatch: pytest.MonkeyPatch, said: Outcome
) -> None:
    monkeypatch.setattr(bridge_confirm, "confirmation", lambda *_values: said)
    (gone,) = await emigrate(bridge_world)
    here = entry()
    await bridge_world.tell("juki", here)
    # Trap 25: whoever probes for residents so leaves as much behind as one who asks rightly.
    for person in (gone, here["person"]):
        ask, release = await _put(bridge_world, person["resident_code"])
        assert (release.code, release.number) == ("B330", None)
        refused = (await bridge_world.leaves("juki", "bridge_refused"))[-1]
        assert (refused["request"], refused["code"]) == (ask.requests[0].id, "B330")
        assert refused["key"]["index"]
    assert await bridge_world.leaves("juki", "bridge_answered") == []
    assert len(await bridge_world.juki.rows("SELECT FROM bridge_answer")) == 2


@pytest.mark.parametrize("said", outcomes.UNCONFIRMED, ids=lambda outcome: outcome.code)
async def test_a_reason_of_the_fuhyo_server_is_told_as_it_gave_it(
    bridge_world: Bridged, monkeypatch: pytest.MonkeyPatch, said: Outcome
) -> None:
    monkeypatch.setattr(bridge_confirm, "confirmation", lambda *_values: said)
    _, release = await _put(bridge_world, resident_code())
    assert release.code == said.code


def _long_after(last: LastStay | None, code: str, today: date) -> Outcome:
    """The judgement of a server whose clock is not the database's."""
    return left_overseas(last, code, today + timedelta(days=36500))


async def test_whom_the_database_withholds_is_refused_on_record_and_costs_no_other_its_answer(
    bridge_world: Bridged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_release, "left_overseas", _long_after)
    first, last = await emigrate(bridge_world, 2)
    ahead = entry()
    code = ahead["person"]["resident_code"]
    leaves = {"change": "deletion", "cause": "overseas_move_out", "event_date": "20991231"}
    await bridge_world.tell("juki", ahead, entry(person=ahead["person"], **leaves))
    await bridge_world.tell("fuhyo", shown_overseas(code))
    with capture_logs() as logs:
        lines = await bridge_world.numbers(first["resident_code"], code, last["resident_code"])
    assert [(line["code"], line["individual_number"]) for line in lines] == [
        ("B100", first["individual_number"]),
        ("B332", None),
        ("B100", last["individual_number"]),
    ]
    assert [line["log_level"] for line in logs if line["event"] == "bridge_withheld"] == ["error"]
    (refused,) = await bridge_world.leaves("juki", "bridge_refused")
    (received,) = await bridge_world.leaves("fuhyo", "bridge_refused")
    assert refused["request"] == received["request"]
    assert (refused["code"], received["code"]) == ("B332", "B332")
    assert refused["person"]
    burnt = await bridge_world.juki.rows("SELECT code FROM bridge_answer")
    assert sorted(row["code"] for row in burnt) == ["B100", "B100", "B332"]
    assert len(await bridge_world.leaves("juki", "bridge_answered")) == 2

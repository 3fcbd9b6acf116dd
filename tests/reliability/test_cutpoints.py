"""Every protocol step of one notice, harmed before and after: always the same final state.

Here each step with one harm in turn; `make cutpoints` is every step with every harm.
"""

import pytest

from campaign.cutpoints import Enumeration, Harm, House, cases, enumerate_all, short_pauses, try_case
from campaign.prefecture import Ground
from campaign.tap import Moment, Step
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.inbox import Committed, Inbox


async def test_whatever_is_cut_the_same_final_state_is_reached(ground: Ground) -> None:
    found = await enumerate_all(ground, "cutpoints", rotate=True, tell=print)
    print("\n".join(found.table()))
    hops = {step.hop for step in found.steps}
    assert hops == {"CS", "national", "database (notices)", "database (relay)"}
    assert {(moment, harm) for _, moment, harm in found.done} == {(m, h) for m in Moment for h in Harm}
    assert [case for case, same in found.done.items() if not same] == []
    assert found.sound, found.verdict


async def test_a_server_that_swallows_an_error_ends_in_another_state(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Inbox.commit

    async def careless(self: Inbox, *batch: object) -> list[Committed]:
        try:
            return await commit(self, *batch)  # type: ignore[arg-type] # whatever it was given
        except StoreFault:
            return [Committed.DONE]

    house, found = House(ground, "careless"), Enumeration()
    with short_pauses():
        await house.open()
        try:
            steps = await house.clean()
            found.reference = await house.notify()
            monkeypatch.setattr(Inbox, "commit", careless)
            for step in steps:
                if (step.hop, step.label) == ("database (notices)", "Execute"):
                    await try_case(house, found, (step, Moment.BEFORE, Harm.RST))
        finally:
            monkeypatch.undo()
            await house.close()
    assert not all(found.done.values())
    assert any("X" in row for row in _with_steps(found).table())


def _with_steps(found: Enumeration) -> Enumeration:
    found.steps = [step for step, _, _ in found.done]
    return found


def test_every_step_is_tried_before_and_after_with_every_harm() -> None:
    steps = [Step("CS", "to server", place, "ApplicationData") for place in range(1, 9)]
    assert len(set(cases(steps, rotate=False))) == len(steps) * len(Moment) * len(Harm)
    rotated = list(cases(steps, rotate=True))
    assert len(rotated) == len(steps) * len(Moment)
    assert {(moment, harm) for _, moment, harm in rotated} == {(m, h) for m in Moment for h in Harm}

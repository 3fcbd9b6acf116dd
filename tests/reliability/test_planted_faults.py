"""The judge has teeth: each error planted in the running server is caught, and none is seen where none is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from campaign import planted, scenes
from campaign.planted import HERE
from campaign.prefecture import Prefecture
from campaign.scenes import Scene, Visible, answered, nothing_visible
from support.stall import life_of_a_person

from .conftest import OpenPrefecture

ITOSHIMA = "402303"


def _life() -> list[dict[str, Any]]:
    return [notice | {"area": ITOSHIMA} for notice in life_of_a_person(corrections=2)]


@dataclass(frozen=True)
class Plant:
    """A fault, the scene that makes it visible, and the rules of which the judge must find one broken."""

    scene: Scene
    found: frozenset[str]
    visible: Visible = nothing_visible
    national: bool = False
    schema: str | None = None
    procedure: Callable[[str], str] | None = None

    def programs(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """What is started instead of the sound programs."""
        if self.national:
            return {"national": (HERE, name)}
        return {"daemon": (HERE, name if name in planted.FAULTS else "sound")}


PLANTS: dict[str, Plant] = {
    "acknowledge_before_commit": Plant(
        scenes.session_lost_before_commit, frozenset({"acknowledged_not_stored"}), answered
    ),
    "swallow_an_io_error": Plant(
        scenes.session_lost_while_committing, frozenset({"acknowledged_not_stored"}), answered
    ),
    "outbox_in_a_second_transaction": Plant(
        scenes.session_lost_at_the_gate,
        frozenset({"no_outbox_row"}),
        procedure=planted.outbox_in_a_second_transaction,
    ),
    "leaf_after_commit": Plant(
        scenes.session_lost_at_the_gate, frozenset({"not_one_leaf"}), procedure=planted.leaf_after_commit
    ),
    "forgetful_deduplication": Plant(
        scenes.line_cut_before_the_reply, frozenset({"not_applied_once"}), schema=planted.FORGETFUL
    ),
    "answer_altered": Plant(scenes.line_cut_before_the_reply, frozenset({"answer_differs"})),
    "unordered_relay": Plant(scenes.national_away, frozenset({"national_out_of_order"})),
    "mark_sent_before_sending": Plant(scenes.relay_parcel_lost, frozenset({"closed_not_received"})),
    "forgetful_national": Plant(scenes.receipt_lost, frozenset({"national_twice"}), national=True),
}


async def _lived_through(prefecture: Prefecture, *acts: tuple[Scene, Visible]) -> None:
    """Plays scenes, one life each, and waits for rest."""
    cs = await prefecture.cs(ITOSHIMA)
    for scene, visible in acts:
        cs.post(_life())
        await cs.done()
        await prefecture.relayed()
        await scene(prefecture, cs, _life(), visible)
        await cs.done()
    await prefecture.relayed()


def _replant(prefecture: Prefecture, alter: Callable[[str], str]) -> None:
    source = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'commit_batch'"
    prefecture.sql(alter(prefecture.sql(source)))


async def test_no_scene_breaks_a_rule_on_the_sound_server(open_prefecture: OpenPrefecture) -> None:
    prefecture = await open_prefecture((ITOSHIMA,), daemon=(HERE, "sound"), national=(HERE, "sound"))
    await _lived_through(
        prefecture, *((scene, nothing_visible) for scene in {plant.scene for plant in PLANTS.values()})
    )
    verdict = prefecture.judge()
    assert verdict.sound, verdict.findings[:5]
    assert verdict.counts["applied"] == 8 * len({plant.scene for plant in PLANTS.values()})


@pytest.mark.parametrize("name", PLANTS)
async def test_the_judge_catches(name: str, open_prefecture: OpenPrefecture) -> None:
    plant = PLANTS[name]
    prefecture: Prefecture = await open_prefecture((ITOSHIMA,), **plant.programs(name))
    if plant.schema:
        prefecture.sql(plant.schema)
    if plant.procedure:
        _replant(prefecture, plant.procedure)
    await _lived_through(prefecture, (plant.scene, plant.visible))
    assert plant.found & prefecture.judge().rules_broken


def test_every_fault_that_can_be_planted_is_tried() -> None:
    assert set(planted.FAULTS) - {"sound"} <= set(PLANTS)

"""A short campaign: every kind of harm once, under load; then the judge. `make chaos` is the long one."""

from campaign.chaos import Campaign, run
from campaign.harms import HARMS
from campaign.prefecture import Ground
from judge.findings import Finding, Verdict


async def test_every_kind_of_harm_once_and_the_judge_finds_nothing(ground: Ground) -> None:
    campaign = Campaign(len(HARMS), seed=20261124, tell=print)
    await run(campaign, ground)
    print("\n".join(campaign.summary()))
    assert campaign.never_hit == []
    assert campaign.sound
    # A chapter of each register.
    juki, fuhyo = campaign.verdicts
    assert juki.counts["acknowledged"] + fuhyo.counts["acknowledged"] > len(HARMS)
    assert fuhyo.counts["acknowledged"]


def _ended(campaign: Campaign, *findings: Finding) -> Campaign:
    campaign.hits.update(dict.fromkeys(HARMS, 1))
    campaign.verdicts.append(Verdict(campaign.hits, findings))
    return campaign


def test_a_campaign_in_which_a_kind_never_hit_is_not_sound() -> None:
    assert _ended(Campaign(18, 1, print)).sound
    campaign = _ended(Campaign(18, 1, print))
    del campaign.hits["relay killed"]
    assert not campaign.sound
    assert "! relay killed never hit" in campaign.summary()


def test_a_campaign_of_which_the_judge_finds_something_is_not_sound_and_claims_no_bound() -> None:
    campaign = _ended(Campaign(18, 1, print), Finding("out_of_order", "some id"))
    assert not campaign.sound
    assert "3/n" not in campaign.summary()[-1]


def test_the_same_seed_draws_the_same_harms() -> None:
    first, second = (Campaign(60, 7, print) for _ in range(2))
    drawn = [first.draw(60) for _ in range(40)]
    assert drawn == [second.draw(60) for _ in range(40)]
    assert {kind for kinds in drawn for kind in kinds} == set(HARMS)

"""What `make powerloss` says of itself; the runs are its own, for they need a file system in user space."""

from collections import Counter

from campaign.prefecture import Prefecture
from judge.findings import Finding, Verdict
from powerloss.__main__ import passed, summary
from powerloss.campaign import Outages, closing_commit_asynchronous
from powerloss.volume import Lost

from .conftest import OpenPrefecture

LOST = Finding("acknowledged_not_stored", "some id")


def _outages(*findings: Finding, hits: int = 20) -> Outages:
    outages = Outages(20, 1, print)
    outages.losses += [Lost(3, 0)] * hits
    outages.verdicts.append(Verdict(Counter(acknowledged=500), findings))
    return outages


def test_it_passes_when_nothing_is_lost_and_the_planted_error_loses_something() -> None:
    assert passed(_outages(), _outages(LOST))
    assert "15.0%" in summary(_outages(), _outages(LOST))[-1]


def test_it_fails_when_something_is_lost_and_claims_no_bound() -> None:
    lost = _outages(LOST)
    assert not passed(lost, _outages(LOST))
    assert "3/n" not in summary(lost, _outages(LOST))[-1]


def test_it_fails_when_the_planted_error_loses_nothing() -> None:
    assert not passed(_outages(), _outages())
    assert any("no teeth" in line for line in summary(_outages(), _outages()))


def test_a_loss_of_power_that_takes_nothing_does_not_count() -> None:
    idle = _outages(hits=19)
    idle.losses.append(Lost(0, 0))
    assert not passed(idle, _outages(LOST))


async def test_the_planted_error_fits_the_commit_procedure(open_prefecture: OpenPrefecture) -> None:
    prefecture: Prefecture = await open_prefecture(())
    procedure = prefecture.sql("SELECT pg_get_functiondef('commit_batch'::regproc)")
    prefecture.sql(closing_commit_asynchronous(procedure))
    planted = prefecture.sql("SELECT prosrc FROM pg_proc WHERE proname = 'commit_batch'")
    assert planted.count("SET LOCAL synchronous_commit = off") == procedure.count("synchronous_commit") + 1

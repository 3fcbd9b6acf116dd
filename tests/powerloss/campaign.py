"""停電の演習: PostgreSQL on a disk that forgets, under a prefecture at work; power gone, again and again."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from campaign.chaos import SENDERS, progress, senders_of
from campaign.prefecture import REST_S, Ground, Prefecture
from campaign.program import Program
from judge.findings import Finding, Verdict
from jukinet_daemon.sim.postgres import EmbeddedPostgres, PostgresFault

from .volume import Lost, Volume

# The longest that the load runs between the first answer after a start and the loss of power.
LONGEST_LOAD_S = 1.0
# Small, so that pages leave the buffers under way, and checkpoints often, so that power is lost within one.
SETTINGS = {
    "shared_buffers": "8MB",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "checkpoint_timeout": "30s",
    "bgwriter_delay": "20ms",
}
_CLOSING = "    UPDATE closing SET batches = batches + 1"


def closing_commit_asynchronous(procedure: str) -> str:
    """The commit procedure with its closing commit made asynchronous: it returns before its flush."""
    assert procedure.count(_CLOSING) == 1, "the commit procedure is no longer what this fault was made for"
    return procedure.replace(_CLOSING, f"    SET LOCAL synchronous_commit = off;\n{_CLOSING}")


@dataclass
class Outages:
    """What is asked for, and what became of it. `alter`: an error to plant in the commit procedure."""

    wanted: int
    seed: int
    tell: Callable[[str], None]
    alter: Callable[[str], str] | None = None
    losses: list[Lost] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    @property
    def hits(self) -> int:
        """How often something was lost that had been written and not fsynced."""
        return sum(map(bool, self.losses))

    @property
    def findings(self) -> Sequence[Finding]:
        """What the judge finds wrong, at the last outage that it judged."""
        return tuple(self.verdicts[-1].findings) if self.verdicts else ()

    @property
    def acknowledged_lost(self) -> int:
        """How many notices were acknowledged and are not there."""
        return Counter(finding.rule for finding in self.findings)["acknowledged_not_stored"]

    @property
    def decided(self) -> bool:
        """Whether it is over before its time: something is wrong; the planted error has lost something."""
        return self.acknowledged_lost > 0 if self.alter else bool(self.findings)

    @property
    def acknowledged(self) -> int:
        """How many were acknowledged in all."""
        return self.verdicts[-1].counts["acknowledged"] if self.verdicts else 0


def lay_out(folder: Path, python: Path, seed: int) -> tuple[EmbeddedPostgres, Volume]:
    """A PostgreSQL made on the real disk, then moved under a Volume, which is mounted; not started."""
    postgres = EmbeddedPostgres(folder / "postgres", SETTINGS)
    postgres.start()
    postgres.stop()
    data, kept = postgres.folder / "pgdata", folder / "kept"
    data.rename(kept)
    data.mkdir()
    volume = Volume(kept, data, python, seed)
    volume.mount()
    return postgres, volume


async def run(outages: Outages, ground: Ground, volume: Volume) -> None:
    """Loses power as often as asked for, or until that is decided."""
    async with AsyncExitStack() as stack:
        prefecture = Prefecture(ground, "powerloss", SENDERS)
        stack.push_async_callback(prefecture.close)
        await prefecture.open()
        if outages.alter:
            _plant(prefecture, outages.alter)
        senders = senders_of(prefecture, outages.seed)
        stack.push_async_callback(senders.stop)
        await senders.start()
        while outages.hits < outages.wanted and not outages.decided:
            await progress(prefecture)
            await _outage(outages, prefecture, volume)
        if not outages.decided:
            senders.tell_to_end()
            async with asyncio.timeout(REST_S):
                await senders.ended()
            await prefecture.relayed()
            outages.verdicts.append(await asyncio.to_thread(prefecture.judge))


def _plant(prefecture: Prefecture, alter: Callable[[str], str]) -> None:
    source = "SELECT pg_get_functiondef('commit_batch'::regproc)"
    prefecture.sql(alter(prefecture.sql(source)))


async def _outage(outages: Outages, prefecture: Prefecture, volume: Volume) -> None:
    """Load; power gone from the disk and, at once, from all that runs on that machine; on again; judged."""
    within_checkpoint = outages.dice.random() < 0.5
    moment = outages.dice.uniform(0, LONGEST_LOAD_S)
    checkpoint = asyncio.create_task(_checkpoint(prefecture, moment * 0.9)) if within_checkpoint else None
    await asyncio.sleep(moment)
    programs = (prefecture.daemon, prefecture.relay)
    # The disk first: what is acknowledged after this was acknowledged without it.
    lost = volume.drop()
    for program in programs:
        program.kill()
    prefecture.postgres.kill()
    await asyncio.to_thread(volume.clear)
    if checkpoint:
        await checkpoint
    await asyncio.to_thread(volume.mount)
    await asyncio.to_thread(prefecture.postgres.start)
    # Before the daemon is back, so that nothing can be sent again: what is there now came through the outage.
    verdict = await asyncio.to_thread(prefecture.judge, at_rest=False)
    outages.losses.append(lost)
    outages.verdicts.append(verdict)
    outages.tell(_said(outages, lost, within_checkpoint=within_checkpoint))
    await _up(programs)


def _said(outages: Outages, lost: Lost, *, within_checkpoint: bool) -> str:
    return (
        f"[{outages.hits:>{len(str(outages.wanted))}}/{outages.wanted}] {lost.pages:,} pages, {lost.names:,} "
        f"changes of names gone{', in a checkpoint' if within_checkpoint else ''}: "
        f"{outages.acknowledged:,} acknowledged so far, {outages.acknowledged_lost:,} of them lost"
    )


async def _checkpoint(prefecture: Prefecture, after_s: float) -> None:
    await asyncio.sleep(after_s)
    with suppress(PostgresFault):
        await asyncio.to_thread(prefecture.sql, "CHECKPOINT")


async def _up(programs: Sequence[Program]) -> None:
    await asyncio.gather(*(program.ensure() for program in programs))

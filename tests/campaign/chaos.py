"""混沌: python -m campaign.chaos N [--seed S]: N harms to a prefecture under load, then the judge.

One to three harms at once, each of every kind in turn (drawn from a shuffled deck); the registers take turns,
a chapter each. A campaign in which a kind never hit anything fails, as does one of which the judge finds
anything wrong.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from judge.findings import Verdict
from support.world import REGISTERS, TRUST_DOMAIN, new_pki, postgres

from .harms import HARMS, Target
from .prefecture import REST_S, Ground, Prefecture
from .program import Program, poll

SENDERS = ("402303", "402192", "402176", "402184", "402214", "402206")
# A long campaign is judged in chapters, each with a database and journals of its own.
CHAPTER = 250
LONGEST_HARM_S = 0.3
LONGEST_APART_S = 0.05


@dataclass
class Campaign:
    """What is asked for, and what became of it."""

    harms: int
    seed: int
    tell: Callable[[str], None]
    registers: tuple[str, ...] = REGISTERS
    drawn: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    verdicts: list[Verdict] = field(default_factory=list)
    ended_by_themselves: int = 0
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._deck: list[str] = []

    @property
    def chapter(self) -> int:
        """How many harms one database sees: at most so many, and each register has its turn."""
        return max(1, min(CHAPTER, -(-self.harms // len(self.registers))))

    def draw(self, until: int) -> list[str]:
        """One to three kinds of harm, no kind again before each has had its turn."""
        drawn: list[str] = []
        for _ in range(min(self.dice.randint(1, 3), until - self.hits.total())):
            if not self._deck:
                self._deck = self.dice.sample(sorted(HARMS), len(HARMS))
            drawn.append(self._deck.pop())
        return drawn

    def missed(self, kind: str) -> None:
        """A harm that met nothing is drawn again."""
        self._deck.insert(0, kind)

    @property
    def never_hit(self) -> list[str]:
        """The kinds that have hit nothing so far."""
        return [kind for kind in HARMS if not self.hits[kind]]

    @property
    def sound(self) -> bool:
        """Whether the judge found nothing in any chapter, and every kind of harm hit."""
        return bool(self.verdicts) and all(v.sound for v in self.verdicts) and not self.never_hit

    def summary(self) -> list[str]:
        """The end: a row a kind, the verdict in one line, the figure."""
        width = max(map(len, HARMS))
        rows = [f"  {kind:<{width}}  {self.drawn[kind]:>6} tried  {self.hits[kind]:>6} hit" for kind in HARMS]
        counts = sum((verdict.counts for verdict in self.verdicts), Counter())
        found = [finding for verdict in self.verdicts for finding in verdict.findings]
        hits = self.hits.total()
        figure = f"{hits:,} harms hit, {counts['acknowledged']:,} acknowledged, {len(found)} findings"
        if not found and hits:
            figure += f": a harm breaks a rule in at most {3 / hits:.2%} of cases (95 %, 3/n)"
        return [
            *rows,
            *(f"! {kind} never hit" for kind in self.never_hit),
            *(f"! {finding}" for finding in found[:50]),
            *(f"{what}: {seconds / max(hits, 1):.2f} s a harm" for what, seconds in self.spent.items()),
            f"processes that ended by themselves and were started again: {self.ended_by_themselves}",
            Verdict(counts, found).line(),
            f"{figure}; seed {self.seed}",
        ]


async def run(campaign: Campaign, ground: Ground) -> None:
    """Runs the whole campaign, chapter by chapter. Raises TimeoutError when something does not come back."""
    chapter = 0
    while campaign.hits.total() < campaign.harms and (not campaign.verdicts or campaign.verdicts[-1].sound):
        chapter += 1
        register = campaign.registers[(chapter - 1) % len(campaign.registers)]
        prefecture = Prefecture(ground, f"chaos_{chapter}_{register}", SENDERS, register=register)
        try:
            await prefecture.open()
            await _chapter(campaign, prefecture, min(campaign.harms, chapter * campaign.chapter))
        finally:
            await prefecture.close()


async def _chapter(campaign: Campaign, prefecture: Prefecture, until: int) -> None:
    senders = senders_of(prefecture, campaign.seed)
    target = Target(prefecture, senders, campaign.dice)
    await senders.start()
    try:
        await progress(prefecture)
        tries = 0
        while campaign.hits.total() < until and tries < 3 * campaign.harms + len(HARMS):
            tries += 1
            await _round(campaign, target, until)
        senders.tell_to_end()
        async with asyncio.timeout(REST_S):
            await senders.ended()
        await prefecture.relayed()
        campaign.verdicts.append(await asyncio.to_thread(prefecture.judge))
    finally:
        await target.heal()
        campaign.ended_by_themselves += sum(program.ended_by_itself for program in target.programs[:-1])
        await senders.stop()


async def _round(campaign: Campaign, target: Target, until: int) -> None:
    """Harms, waits a moment, heals, and waits until notices pass from sender to national server again."""
    begun, said = monotonic(), []
    for kind in campaign.draw(until):
        campaign.drawn[kind] += 1
        hit = await HARMS[kind](target)
        campaign.hits[kind] += hit
        said.append(kind if hit else f"({kind}: missed)")
        if not hit:
            campaign.missed(kind)
        await asyncio.sleep(campaign.dice.uniform(0, LONGEST_APART_S))
    await asyncio.sleep(campaign.dice.uniform(0, LONGEST_HARM_S))
    harmed = monotonic()
    campaign.spent["harming"] += harmed - begun
    await target.heal()
    healed = monotonic()
    campaign.spent["healing"] += healed - harmed
    await progress(target.prefecture)
    campaign.spent["until notices pass"] += monotonic() - healed
    reached = f"[{campaign.hits.total():>{len(str(campaign.harms))}}/{campaign.harms}]"
    campaign.tell(f"{reached} {target.prefecture.register} {' + '.join(said)}")


async def progress(prefecture: Prefecture) -> None:
    """Waits until one more notice was answered and one more record has arrived."""
    answered, arrived = _answers(prefecture), _size(prefecture.national_journal)
    await poll(lambda: _answers(prefecture) > answered, REST_S, "an answer after the harm")
    await poll(lambda: _size(prefecture.national_journal) > arrived, REST_S, "a record after the harm")


def _answers(prefecture: Prefecture) -> int:
    """How many notices have been answered, by the senders' journals."""
    return sum(_replies(path) for path in prefecture.journals.glob("*.ndjson"))


_read: dict[Path, tuple[int, int]] = {}


def _replies(journal: Path) -> int:
    position, count = _read.get(journal, (0, 0))
    with journal.open("rb") as file:
        file.seek(position)
        new = file.read()
    whole = new[: new.rfind(b"\n") + 1]
    _read[journal] = position + len(whole), count + whole.count(b'"event":"answered"')
    return _read[journal][1]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def senders_of(prefecture: Prefecture, seed: int) -> Program:
    """The senders of a prefecture as one process, not started."""
    return Program(
        "senders",
        prefecture.folder,
        (
            *("campaign.senders", "--pki", str(prefecture.ground.pki.folder)),
            *("--trust-domain", TRUST_DOMAIN, "--register", prefecture.register),
            *("--journals", str(prefecture.journals), "--seed", str(seed)),
            *(f"{code}={port}" for code, port in prefecture.ports.items()),
        ),
        notifies=False,
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs a campaign; gives 0 only if the judge finds nothing and every kind of harm hit."""
    parser = argparse.ArgumentParser(prog="chaos", description="県を害して審判にかける / harm, then judge")
    parser.add_argument("harms", type=int, nargs="?", default=60, help="害の数 / how many harms")
    parser.add_argument("--seed", type=int, default=None, help="前の回を繰り返す / the seed of a run before")
    parser.add_argument("--register", choices=REGISTERS, action="append", help="一方だけ / of one alone")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    campaign = Campaign(options.harms, seed, lambda line: print(line, flush=True))
    campaign.registers = tuple(options.register or REGISTERS)
    campaign.tell(f"種 / seed {seed}: {options.harms:,} harms of {len(HARMS)} kinds")
    folder = Path(tempfile.mkdtemp(prefix="jukinet-chaos-"))
    with postgres() as server:
        ground = Ground(folder, server, new_pki(folder / "pki"))
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(campaign, ground))
    print("\n".join(campaign.summary()))
    if campaign.sound:
        shutil.rmtree(folder)
        return 0
    print(f"日誌と記録はここに残る / logs and journals are kept in {folder}")
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""過負荷: python -m campaign.overload: twice what is sustained, from sixty CS; then storms of reconnects.

The queue must grow at the senders, not in the daemon; everyone is served; nothing is lost. Then the judge.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from judge.findings import Verdict
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.line import Harm
from jukinet_daemon.sim.municipality import MunicipalCs
from support.notices import juki_change
from support.world import new_pki, postgres

from .prefecture import Ground, Prefecture

WARM_S = 8.0
TICK_S = 0.05
STORMS = 5
AHEAD = 100
# What a daemon may grow by while it is overloaded: lanes, buffers of sixty sockets, and no backlog.
MOST_GROWTH_MIB = 96.0
# A designated city writes under the codes of its wards.
WARDS = {"401005": "401013", "401307": "401315"}


@dataclass
class Report:
    """What was measured."""

    sustained: float = 0.0
    offered: float = 0.0
    backlog: int = 0
    memory_mib: list[float] = field(default_factory=list)
    served: Counter[str] = field(default_factory=Counter)
    verdict: Verdict | None = None

    @property
    def growth_mib(self) -> float:
        """By how much the daemon grew under overload."""
        return max(self.memory_mib) - self.memory_mib[0]

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, everyone was served and the daemon stayed small."""
        served = len(self.served) == len(senders()) and min(self.served.values()) > 0
        return bool(self.verdict and self.verdict.sound) and served and self.growth_mib < MOST_GROWTH_MIB

    def lines(self) -> Iterator[str]:
        """The end, with the verdict and the figure."""
        least, most = min(self.served.values(), default=0), max(self.served.values(), default=0)
        yield f"持続 / sustained {self.sustained:,.0f}/s, 投入 / offered {self.offered:,.0f}/s"
        yield f"過負荷の終わりの未回答 / waiting at the senders when it ended: {self.backlog:,}"
        yield f"回答 / answered to each of {len(self.served)} senders meanwhile: {least:,} to {most:,}"
        yield f"常駐メモリ / daemon's memory {self.memory_mib[0]:.0f} MiB, at most {self.growth_mib:+.0f} MiB"
        if self.verdict:
            yield self.verdict.line()


def senders() -> tuple[str, ...]:
    """All municipalities that notify."""
    return tuple(sorted(read_areas().senders))


class Sixty:
    """The CS of all municipalities in this process, with what each has been posted and answered."""

    def __init__(self, prefecture: Prefecture) -> None:
        self._prefecture = prefecture
        self._offices: dict[str, MunicipalCs] = {}
        self.posted: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    async def open(self) -> None:
        """Opens every CS."""
        for code in self._prefecture.senders:
            cs = await self._prefecture.cs(code)
            cs._answered = lambda _answer, code=code: self.answered.update([code])  # type: ignore[misc]
            self._offices[code] = cs

    def post(self, code: str, count: int) -> None:
        """Posts so many entries."""
        area = WARDS.get(code, code)
        self._offices[code].post([juki_change(area=area) for _ in range(count)])
        self.posted[code] += count

    async def done(self) -> None:
        """Waits until all is answered."""
        for cs in self._offices.values():
            await cs.done()


async def run(ground: Ground, seconds: float) -> Report:
    """Runs it all."""
    prefecture, report = Prefecture(ground, "overload", senders()), Report()
    try:
        await prefecture.open()
        sixty = Sixty(prefecture)
        await sixty.open()
        report.sustained = await _sustained(sixty)
        print(f"持続 / sustained: {report.sustained:,.0f}/s", flush=True)
        await _overload(sixty, prefecture, report, seconds)
        await _storms(sixty, prefecture)
        print("残りの回答を待つ / waiting for the rest", flush=True)
        await sixty.done()
        await prefecture.relayed()
        report.verdict = await asyncio.to_thread(prefecture.judge)
    finally:
        await prefecture.close()
    return report


async def _sustained(sixty: Sixty) -> float:
    """Answers a second when everyone always has something to send."""
    began, before = time.monotonic(), 0
    counted_from = began + WARM_S / 3
    while (now := time.monotonic()) < began + WARM_S:
        for code in sixty.posted.keys() | set(senders()):
            missing = AHEAD - (sixty.posted[code] - sixty.answered[code])
            if missing > 0:
                sixty.post(code, missing)
        if now < counted_from:
            before, counted = sixty.answered.total(), now
        await asyncio.sleep(TICK_S)
    rate = (sixty.answered.total() - before) / (time.monotonic() - counted)
    await sixty.done()
    return rate


async def _overload(sixty: Sixty, prefecture: Prefecture, report: Report, seconds: float) -> None:
    codes = senders()
    before, due, posted = sixty.answered.copy(), 0.0, 0
    began = last = time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        due += (now - last) * 2 * report.sustained
        last = now
        while posted < due:
            sixty.post(codes[posted % len(codes)], 1)
            posted += 1
        report.memory_mib.append(memory_mib(prefecture.daemon.pid))
        await asyncio.sleep(TICK_S)
    report.offered = posted / (time.monotonic() - began)
    report.served = sixty.answered - before
    report.backlog = sixty.posted.total() - sixty.answered.total()
    print(f"過負荷の後 / after overload: {report.backlog:,} wait at their senders", flush=True)


async def _storms(sixty: Sixty, prefecture: Prefecture) -> None:
    """All lines are reset at one moment, again and again; each time everyone comes back."""
    for number in range(STORMS):
        for line in prefecture.lines.values():
            await line.cut(Harm.RST)
        for line in prefecture.lines.values():
            line.restore()
        before = sixty.answered.copy()
        for code in senders():
            sixty.post(code, 1)
        while len(sixty.answered - before) < len(senders()):  # noqa: ASYNC110 - events of sixty tasks
            await asyncio.sleep(TICK_S)
        print(f"再接続の嵐 / storm {number + 1}: all {len(senders())} served again", flush=True)


def memory_mib(pid: int) -> float:
    """The resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * 4096 / 2**20


def main(arguments: list[str] | None = None) -> int:
    """Runs an overload; gives 0 only if nothing was lost, everyone was served, and memory was bounded."""
    parser = argparse.ArgumentParser(prog="overload", description="二倍の過負荷と再接続の嵐 / overload")
    parser.add_argument("--seconds", type=float, default=30.0, help="過負荷の秒数 / how long")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="jukinet-overload-"))
    with postgres() as server:
        report = asyncio.run(run(Ground(folder, server, new_pki(folder / "pki")), options.seconds))
    print("\n".join(report.lines()))
    shutil.rmtree(folder)
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())

"""荒らしの結果: what was measured, the bars it must meet, and both as a table."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from abuse.bad import Tally
from abuse.good import Times

CLOSED_S = 10.0
WIDTH = 110
MOST_RATIO = 2.0
# What the daemon may grow by while it bears them, and by how much more the second time: nothing is kept.
MOST_GROWTH_MIB = 256.0
MOST_KEPT_MIB = 16.0


@dataclass
class Report:
    """What one run saw. `memory`: MiB before, and at most during each wave."""

    quiet: Times = field(default_factory=Times)
    abused: Times = field(default_factory=Times)
    waves: list[dict[str, Tally]] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    descriptors: tuple[int, int] = (0, 0)
    judged: str = ""
    nothing_lost: bool = False

    @property
    def tallies(self) -> dict[str, Tally]:
        """What became of each kind, over all waves."""
        found: dict[str, Tally] = {}
        for wave in self.waves:
            for name, tally in wave.items():
                known = found.setdefault(name, Tally())
                known.held += tally.held
                known.turned_away += tally.turned_away
                known.unconnected += tally.unconnected
                known.still_open += tally.still_open
        return found

    @property
    def ratio(self) -> float:
        """The good peers' p99 under abuse, to that without."""
        return share(self.abused.acknowledged, 99) / share(self.quiet.acknowledged, 99)

    def seconds(self) -> list[float]:
        """The seconds to its close of every connection that the server closed."""
        return [seconds for tally in self.tallies.values() for seconds in tally.held + tally.turned_away]

    def missed(self) -> Iterator[str]:
        """Each bar that was not met."""
        yield from self.broken()
        slowest = max(self.seconds())
        if slowest > CLOSED_S:
            yield f"閉じるのが遅い / closed after {slowest:.1f} s, not within {CLOSED_S:.0f} s"
        if self.ratio > MOST_RATIO:
            yield f"p99 が {self.ratio:.2f} 倍 / p99 rose to {self.ratio:.2f} times, not {MOST_RATIO:.0f}"

    def broken(self) -> Iterator[str]:
        """Each bar that was not met, of those that hold on a machine with other work too."""
        if sum(tally.still_open + tally.unconnected for tally in self.tallies.values()):
            yield "開いたまま、又はつながらない / some stayed open or never connected"
        if max(self.memory) - self.memory[0] > MOST_GROWTH_MIB:
            yield f"メモリ / the daemon grew by more than {MOST_GROWTH_MIB:.0f} MiB"
        if self.memory[-1] - self.memory[1] > MOST_KEPT_MIB:
            yield f"メモリが戻らない / each wave adds more than {MOST_KEPT_MIB:.0f} MiB"
        if self.descriptors[1] > self.descriptors[0]:
            yield "記述子が残る / file descriptors were left open"
        if self.quiet.kept_out + self.abused.kept_out or not self.abused.let_in:
            yield "良い新顔が入れない / a good newcomer was kept out"
        if not self.nothing_lost:
            yield "通知が失われた / the judge found that notices were lost or doubled"

    def show(self) -> None:
        """Prints the tables and the verdict."""
        console = Console(width=WIDTH)
        console.print(self._of_bad())
        console.print(self._of_good())
        memory = ", ".join(f"{mib:.0f}" for mib in self.memory)
        console.print(f"メモリ / memory of the daemon, before and at most in each wave: {memory} MiB")
        console.print("記述子 / its descriptors, before and after: {}, {}".format(*self.descriptors))
        console.print(self.judged)
        missed = list(self.missed())
        console.print("\n".join(f"不合格 / missed: {line}" for line in missed) or "合格 / every bar was met")

    def _of_bad(self) -> Table:
        table = Table(title="悪い相手 / bad peers")
        for heading in ("種類 / kind", "held", "p50 s", "max s", "turned away", "max s"):
            table.add_column(heading, justify="left" if "kind" in heading else "right", no_wrap=True)
        for name, tally in self.tallies.items():
            away = tally.turned_away
            held = tally.held or [0.0]
            table.add_row(
                *(name, str(len(tally.held)), f"{statistics.median(held):.1f}", f"{max(held):.1f}"),
                *(str(len(away)), f"{max(away, default=0.0):.1f}"),
            )
        return table

    def _of_good(self) -> Table:
        table = Table(title="良い相手 / good peers, ms")
        for heading in ("", "静か / quiet", "荒らし / under abuse"):
            table.add_column(heading, justify="right")
        both = (self.quiet.acknowledged, self.abused.acknowledged)
        table.add_row("受領 / acknowledged", *(f"{len(times):,}" for times in both))
        for percent in (50, 99):
            table.add_row(f"p{percent}", *(f"{share(times, percent) * 1000:.1f}" for times in both))
        table.add_row("p99 ratio", "", f"{self.ratio:.2f}")
        both = (self.quiet.let_in, self.abused.let_in)
        table.add_row("新顔 / newcomers let in", *(str(len(times)) for times in both))
        table.add_row("max", *(f"{max(times) * 1000:.0f}" for times in both))
        return table


def share(times: list[float], percent: int) -> float:
    """The time that so many of a hundred do not exceed."""
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]

"""画面: the live view of a day, and the table at its end."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from jukinet_daemon.sim.demo.verdict import Counts, Tally

TITLES = {"juki": "本人確認情報", "fuhyo": "附票本人確認情報"}
SHORT_TITLES = {"juki": "住基 juki", "fuhyo": "附票 fuhyo"}
PHASES = {
    "load": "初期登録 / first load",
    "day": "一日の通知 / the day",
    "done": "全国サーバの受領を待つ / waiting for receipts",
}
_OUTCOMES = ("ACCEPTED", "HELD", "REFUSED")
_MEASURES: tuple[tuple[str, Callable[[Counts], int]], ...] = (
    ("送信 sent", lambda counts: counts.sent),
    ("適用 accepted", lambda counts: counts.outcomes["ACCEPTED"]),
    ("保留 held", lambda counts: counts.outcomes["HELD"]),
    ("拒否 refused", lambda counts: counts.outcomes["REFUSED"]),
    ("送り relayed", lambda counts: counts.relayed),
    ("全国 national", lambda counts: counts.received),
)


def live_view(
    phase: str, counts: Mapping[str, Any], totals: Mapping[str, int], received: Mapping[str, int]
) -> Group:
    """What is going on: for each register, how far the phase is and what the national server has."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("", "", "送信\nsent", "適用\naccepted", "保留\nheld", "拒否\nrefused", "全国\nnational"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for register, title in TITLES.items():
        now = counts.get(register, {})
        answered = sum(now.get(outcome, 0) for outcome in _OUTCOMES)
        bar: RenderableType = ProgressBar(total=max(totals[register], 1), completed=answered, width=10)
        table.add_row(
            title,
            bar,
            f"{now.get('posted', 0):,}/{totals[register]:,}",
            *(f"{now.get(outcome, 0):,}" for outcome in _OUTCOMES),
            f"{received[register]:,}",
        )
    return Group(Text(PHASES[phase], style="bold"), table)


def show_tallies(console: Console, tallies: Iterable[Tally], day_seconds: float) -> None:
    """The end: the counts of each register, and in one line whether all agree."""
    tallies = tuple(tallies)
    table = Table(title=f"結果 / result (一日を {day_seconds:.1f} 秒で / the day in {day_seconds:.1f} s)")
    table.add_column("")
    for tally in tallies:
        table.add_column(f"{SHORT_TITLES[tally.register]}\n一日 day", justify="right")
        table.add_column("初期登録とも\nin all", justify="right")
    for name, measure in _MEASURES:
        cells = [f"{measure(counts):,}" for tally in tallies for counts in (tally.day, tally.whole)]
        table.add_row(name, *cells)
    console.print(table)
    for tally in tallies:
        for disagreement in tally.disagreements:
            console.print(f"! {tally.register}: {disagreement}")
    if all(tally.agrees for tally in tallies):
        console.print(
            "一致: 送信・記録・全国サーバが一件残らず一致した / all agree, to the notice", style="bold green"
        )
    else:
        console.print("不一致: 上の通り / they do not agree", style="bold red")

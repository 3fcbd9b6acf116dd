"""画面: progress while it measures, and the table at the end."""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.targets import TARGETS, Target

_WIDTH_OF_A_LOG = 110
_MARKS = {True: "[green]達成 / met[/]", False: "[red]未達 / not met[/]", None: ""}


class Screen:
    """Says what is being done: one changing line on a terminal, a line each elsewhere."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = _WIDTH_OF_A_LOG
        self._status = self._console.status("")
        self._begun = time.monotonic()

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._status.stop()

    def say(self, text: str) -> None:
        """What is being done now."""
        line = f"{time.monotonic() - self._begun:4.0f} s  {text}"
        if self._console.is_terminal:
            self._status.update(line)
        else:
            self._console.print(line)

    def done(self, text: str) -> None:
        """Something that stays on the screen."""
        self._console.print(f"{time.monotonic() - self._begun:4.0f} s  {text}")

    def table(self, figures: Mapping[str, Any]) -> None:
        """The figures beside their targets."""
        self._status.stop()
        table = Table(title="性能 / performance", show_lines=True)
        for heading in ("項目 / what", "値 / value", "条件 / bar", "目標 / aim", ""):
            table.add_column(heading, overflow="fold")
        for target in TARGETS:
            if target.key in figures:
                table.add_row(*_row(target, figures[target.key]))
        self._console.print(table)


def _row(target: Target, value: Any) -> tuple[str, ...]:
    sign = "≤" if target.most else "≥"
    bar = "" if target.bar is None else f"{sign} {target.bar:g}"
    aim = "" if target.aim is None else f"{sign} {target.aim:g}"
    met = target.met(value) if isinstance(value, int | float) else None
    return f"{target.text}\n[dim]{target.key}[/]", _shown(value, target.unit), bar, aim, _MARKS[met]


def _shown(value: Any, unit: str) -> str:
    if value is None:
        return "測れない / not measured"
    if isinstance(value, Mapping):
        parts = (
            f"{name}: " + " / ".join(f"{times[q]:g}" for q in ("p50", "p99", "p999"))
            for name, times in value.items()
            if isinstance(times, Mapping) and "p999" in times
        )
        return "\n".join((*parts, f"(p50 / p99 / p999, {unit})"))
    return f"{value:g} {unit}".strip()

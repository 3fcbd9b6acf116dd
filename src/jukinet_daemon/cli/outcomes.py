"""橋の結果の表: how many persons came to which outcome, for an operator."""

from collections.abc import Mapping

from rich.table import Table

from jukinet_daemon.domain.bridge_outcomes import BRIDGE_OUTCOMES


def outcomes_table(title: str, counts: Mapping[str, int]) -> Table:
    """A line for each outcome."""
    table = Table(title=title)
    for heading in ("コード", "人", "結果"):
        table.add_column(heading, justify="right" if heading == "人" else "left")
    for code, count in sorted(counts.items()):
        outcome = BRIDGE_OUTCOMES.get(code)
        table.add_row(code, f"{count:,}", outcome.ja if outcome else "")
    return table

"""一覧表: lists on a terminal of any width and in a pipe: a code, a date or a state is never cut."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.table import Table

from jukinet_daemon.cli.plain import as_it_stands

# Left and right of each column; what a text that folds needs at least.
_PADDING, _LEAST = 2, 16
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: whether its text may fold, and whether it is left out where there is no room for all."""

    heading: str
    folds: bool = False
    spare: bool = False
    right: bool = False


def show_list(title: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Prints a list: on a terminal within its width if that can be; in a pipe a line each row."""
    console, cells = Console(), [tuple(row) for row in rows]
    widths = [_width(column, [row[at] for row in cells]) for at, column in enumerate(columns)]
    if console.is_terminal:
        least = [min(w, _LEAST) if c.folds else w for c, w in zip(columns, widths, strict=True)]
        kept = _fitting(columns, least, console.width)
        width = max(console.width, _total(least, kept))
    else:
        kept = list(range(len(columns)))
        width = max(_total(widths, kept), cell_len(title))
    console.size = ConsoleDimensions(width, console.height)
    table = Table(title=title, box=SIMPLE_HEAD)
    for at in kept:
        column = columns[at]
        table.add_column(column.heading, no_wrap=not column.folds, overflow="fold")
        table.columns[-1].justify = "right" if column.right else "left"
    for row in cells:
        table.add_row(*(as_it_stands(row[at]) for at in kept))
    console.print(table)
    if left_out := [column.heading for at, column in enumerate(columns) if at not in kept]:
        console.print(f"幅に入らない列 / columns left out: {', '.join(left_out)} (--json)", highlight=False)


def _fitting(columns: Sequence[Column], least: Sequence[int], room: int) -> list[int]:
    """Which columns are shown: spare ones go, the last first, until the others have room."""
    kept = list(range(len(columns)))
    for at in reversed(range(len(columns))):
        if columns[at].spare and _total(least, kept) > room:
            kept.remove(at)
    return kept


def _total(widths: Sequence[int], kept: Sequence[int]) -> int:
    """How wide a table of these columns is: the box is a space on each side."""
    return sum(widths[at] + _PADDING for at in kept) + len(kept) + 1


def _width(column: Column, cells: Sequence[str]) -> int:
    return max(cell_len(line) for cell in (column.heading, *cells) for line in cell.split("\n"))

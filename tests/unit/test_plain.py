"""What others wrote stands on an operator's terminal as it is, and neither breaks nor drives it."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.plain import as_it_stands, plain
from jukinet_daemon.cli.status import status_table

DRIVING = ("\x1b]0;a title\x07", "\x9b2J", "over\rwritten", "\u202egnp", "\x7f")


@pytest.mark.parametrize("text", DRIVING)
def test_nothing_drives_the_terminal(text: str) -> None:
    assert plain(text) != text
    assert plain(text).isprintable()
    assert plain(plain(text)) == plain(text)


def test_everything_else_is_shown_as_it_is() -> None:
    assert plain("残り 3 日 / 髙島\n[/b]") == "残り 3 日 / 髙島\n[/b]"


def test_brackets_are_no_markup() -> None:
    report = {
        "server": "juki",
        "register": "juki",
        "time": "-",
        "database": {"ok": True},
        "problems": [],
        "doors": {"notices": {"open": True, "listen": "[/red]", "connections": 0}},
        "certificates": [{"name": "[bold]", "days_left": 1}],
    }
    shown = _shown(status_table(report))
    assert "[/red]" in shown
    assert "[bold]" in shown


def _shown(table: Table) -> str:
    screen = io.StringIO()
    console = Console(file=screen, width=100)
    console.print(table)
    console.print(as_it_stands("[/x]"))
    return screen.getvalue()

"""A list keeps its codes whole on any terminal, and in a pipe every row is one line."""

import pytest

from jukinet_daemon.cli.tables import Column, show_list

CODE, STATE, WHY = "0198e5b0-7b1c-7cc0-8000-0123456789ab", "delivered", "理由の長い文 " * 8
COLUMNS = (
    Column("事案"),
    Column("所属", spare=True),
    Column("状態"),
    Column("理由", folds=True),
    Column("人", spare=True, right=True),
)
ROW = (CODE, "[bold]office", STATE, WHY, "1,234")


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_list("一覧", COLUMNS, [ROW, ROW])
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {"TTY_COMPATIBLE": "1", "NO_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_in_a_pipe_a_row_is_a_line_and_nothing_is_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    rows = [line for line in told(capsys) if CODE in line]
    assert len(rows) == 2
    assert all(cell.strip() in rows[0] for cell in ROW)


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_on_a_terminal_no_code_is_cut(
    capsys: pytest.CaptureFixture[str], terminal: pytest.MonkeyPatch, width: int
) -> None:
    terminal.setenv("COLUMNS", str(width))
    rows = [line for line in told(capsys) if CODE in line]
    assert len(rows) == 2
    assert all(STATE in line for line in rows)


def test_what_has_no_room_is_left_out_and_named(
    capsys: pytest.CaptureFixture[str], terminal: pytest.MonkeyPatch
) -> None:
    terminal.setenv("COLUMNS", "80")
    narrow = "\n".join(told(capsys))
    assert "1,234" not in narrow
    assert "columns left out: 所属, 人" in narrow
    terminal.setenv("COLUMNS", "120")
    wide = "\n".join(told(capsys))
    assert "[bold]office" in wide
    assert "1,234" in wide
    assert "left out" not in wide

"""The shape of the house: small files, small functions, each file saying its one duty in its first line."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "jukinet_daemon"
MOST_LINES_A_FILE = 500
MOST_LINES_A_FUNCTION = 60
FILES = sorted(SOURCE.rglob("*.py"))


def test_there_is_a_house() -> None:
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_is_small_and_says_its_duty(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MOST_LINES_A_FILE
    assert ast.get_docstring(tree), "the first line of a file says its one duty"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert _length(node) <= MOST_LINES_A_FUNCTION, node.name
        if isinstance(node, ast.Name):
            assert node.id.isascii()


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_only_files_of_sql_hold_sql_for_the_register() -> None:
    """Queries stand in .sql files; the few words of SQL elsewhere are the migration table and the demo's."""
    allowed = {"store/migrate.py", "sim/demo/verdict.py", "sim/demo/stage.py", "sim/demo/bridge.py"}
    for path in FILES:
        name = str(path.relative_to(SOURCE))
        constants = (
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant)
        )
        found = [
            c
            for c in constants
            if isinstance(c, str) and c.lstrip().startswith(("SELECT ", "INSERT ", "UPDATE "))
        ]
        assert not found or name in allowed, name

"""The judge of the campaigns shares no code with what it judges: it imports the standard library alone."""

import ast
import sys
from pathlib import Path

import pytest

JUDGE = Path(__file__).parents[1] / "judge"
FILES = sorted(JUDGE.glob("*.py"))


def test_there_is_a_judge() -> None:
    assert len(FILES) > 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_the_judge_imports_nothing_but_the_standard_library_and_itself(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        assert [name for name in names if name.split(".")[0] not in sys.stdlib_module_names] == []
        if isinstance(node, ast.ImportFrom):
            assert node.level < 2, "a relative import must stay in the judge's own folder"

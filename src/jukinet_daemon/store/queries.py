"""名前つき問合せ: loads the .sql files. A query begins with a line `-- name: its_name` and a comment."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: ([a-z_]+)$", re.MULTILINE)


def load_queries(register: str) -> Mapping[str, str]:
    """The queries of a register by name: the common ones and its own. Raises ValueError on a name twice."""
    queries: dict[str, str] = {}
    for file in sorted((*_FOLDER.glob("*.sql"), *(_FOLDER / register).glob("*.sql"))):
        for name, text in _parse(file.read_text("utf-8")):
            if name in queries:
                raise ValueError(f"query {name} stands twice")
            queries[name] = text
    return MappingProxyType(queries)


def _parse(text: str) -> list[tuple[str, str]]:
    parts = _NAME.split(text)
    return [(name, body.strip()) for name, body in zip(parts[1::2], parts[2::2], strict=True)]

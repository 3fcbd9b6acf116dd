"""日誌: what a simulator did, one JSON value a line, on the disk before anybody is told of it."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_TAIL_BYTES = 65536


class Journal:
    """An append-only file of JSON lines. A last line that a crash cut short is dropped: nobody was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")
        self._file.truncate(_whole_lines(path))

    def write(self, entries: Iterable[dict[str, Any]]) -> None:
        """Appends entries; they are on the disk when this returns."""
        lines = (json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in entries)
        self._file.write("".join(f"{line}\n" for line in lines).encode("utf-8"))
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _whole_lines(path: Path) -> int:
    """How many bytes of a file are whole lines."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        while size:
            file.seek(start := max(0, size - _TAIL_BYTES))
            cut = file.read(size - start).rfind(b"\n")
            if cut >= 0:
                return start + cut + 1
            size = start
    return 0


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a journal. A last line that a crash cut short is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)

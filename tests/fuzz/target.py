"""的: one parser under test, what it may raise, and bytes to begin with."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

# What no message may hold: text that is not ours, digits that could be somebody's.
_FOREIGN = re.compile(r"[^\x20-\x7e]|[0-9]{4}")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Target:
    """A parser: `run` takes any bytes and raises only where the parser is wrong."""

    name: str
    run: Callable[[bytes], object]
    corpus: tuple[bytes, ...]


def only(call: Callable[[], _T], *documented: type[Exception]) -> _T | None:
    """What a parser gives, or None where it refused as documented, in words that tell no value."""
    try:
        return call()
    except documented as fault:
        # A message says the same in Japanese and English; a value that came would stand in both.
        told = str(fault).rpartition(" / ")[2]
    assert not _FOREIGN.search(told), "a message repeats what came"
    return None


def in_file(data: bytes, read: Callable[[Path], object], fault: type[Exception], *secrets: bytes) -> None:
    """Has a file of these bytes read, that only we may open; a message names the file, never a secret."""
    with tempfile.NamedTemporaryFile(prefix="fuzz-") as file:
        file.write(data)
        file.flush()
        told = ""
        try:
            read(Path(file.name))
        except fault as refusal:
            told = str(refusal)
    assert not any(secret.decode() in told for secret in secrets), "a message tells a secret"

"""投函: notices on their way to the CS, as a file of JSON lines between two programs of the simulation."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from jukinet_daemon.sim.people import Posted


def write_posts(path: Path, posts: Iterable[Posted]) -> None:
    """Writes posts, one a line."""
    with path.open("w", encoding="utf-8") as file:
        for post in posts:
            file.write(json.dumps(asdict(post), ensure_ascii=False) + "\n")


def read_posts(path: Path) -> list[Posted]:
    """Reads posts."""
    with path.open(encoding="utf-8") as file:
        return [Posted(**json.loads(line)) for line in file]

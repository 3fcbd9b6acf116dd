"""What a kept demo prints to try: the commands of both READMEs, no more and no less."""

import re
from pathlib import Path

import pytest

from jukinet_daemon.sim.demo.kept import commands
from jukinet_daemon.sim.world import Site, World

ROOT = Path(__file__).parents[2]
# A command by its program and what is asked of it; of curl, by its flags and the end of its address.
_NAMED = re.compile(r"(?:\.venv|/[^ ]*)/bin/(jukinet\S+ [a-z-]+)|^(curl -\S+) .*(/[a-z]+)$|^(psql) ")


def named(command: str) -> str:
    found = _NAMED.search(command)
    assert found, command
    return " ".join(filter(None, found.groups()))


@pytest.fixture
def printed() -> dict[str, set[str]]:
    sites = tuple(
        Site(
            register,
            "wss://127.0.0.1:1/notices",
            "http://127.0.0.1:2",
            "c",
            "n",
            f"{register}.toml",
            "d",
            "j",
        )
        for register in ("juki", "fuhyo")
    )
    world = World(Path("build/demo"), "jukinet.example", "400009", sites)
    return {site.register: {named(command) for command in commands(world, site)} for site in sites}


@pytest.mark.parametrize("page", ["README.md", "README.ja.md"])
def test_the_commands_of_the_readme_are_printed(page: str, printed: dict[str, set[str]]) -> None:
    rows = re.findall(
        r"^\| `((?:curl|psql|\.venv/bin/jukinet)[^`]+)` \|", (ROOT / page).read_text("utf-8"), re.MULTILINE
    )
    assert {named(row) for row in rows} == printed["fuhyo"]
    assert printed["fuhyo"] - printed["juki"] == {"jukinetctl bridge"}

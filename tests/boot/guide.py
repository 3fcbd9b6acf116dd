"""The commands of docs/operator/install.md, as they stand there."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "operator" / "install.md"
_SECTION = re.compile(r"^## (\d) .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(guide: str) -> dict[str, list[str]]:
    """Section number -> its blocks of commands, in order."""
    found = {match[1]: _BLOCK.findall(match[0]) for match in _SECTION.finditer(guide)}
    return {number: blocks for number, blocks in found.items() if blocks}


def write_steps(folder: Path) -> None:
    """A script for each block: 3-1.sh is the first of section 3. The guide's operator gets a name."""
    folder.mkdir()
    for number, blocks in steps(GUIDE.read_text("utf-8")).items():
        for place, block in enumerate(blocks, start=1):
            text = block.replace("OPERATOR", "operator1")
            (folder / f"{number}-{place}.sh").write_text(text, "utf-8")

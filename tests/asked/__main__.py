"""make http: a table of doors, operations, cases, failures; exit status 1 where anything failed."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from asked.aftermath import alive, written
from asked.asking import Pace, Verdict, ask
from asked.doors import doors
from jukinet_daemon.pki.groups import start_with_our_groups

SEED = 20260401


async def run(program: Path, only: list[str], pace: Pace, folder: Path) -> tuple[list[Verdict], list[str]]:
    """Every door, one after another; gives what came of each, and what was amiss afterwards."""
    console = Console(stderr=True)
    stage, asked = folder / "stage", folder / "asked"
    asked.mkdir()
    async with doors(stage, console.print) as found:
        verdicts = []
        for door in found:
            if not only or door.name in only:
                console.print(f"{door.name} ...")
                verdicts.append(await ask(program, door, asked, pace))
        faults = await alive(found)
    return verdicts, [*faults, *written(stage)]


def main() -> int:
    """Asks and tells."""
    parser = argparse.ArgumentParser(prog="make http")
    parser.add_argument("--st", type=Path, required=True, help="schemathesis")
    parser.add_argument("--examples", type=int, default=10, help="操作ごとの数 / cases of an operation")
    parser.add_argument("--seconds", type=int, default=0, help="戸口ごとに少なくとも / a door, at least")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("door", nargs="*", help="これだけ / only these")
    options = parser.parse_args()
    start_with_our_groups()
    pace = Pace(options.examples, options.seconds, options.seed)
    with tempfile.TemporaryDirectory(prefix="jukinet-asked-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs below as an account of its own
        verdicts, faults = asyncio.run(run(options.st.absolute(), options.door, pace, folder))
    tell(verdicts, faults, pace.seed)
    return 1 if faults or any(verdict.failures for verdict in verdicts) else 0


def tell(verdicts: list[Verdict], faults: list[str], seed: int) -> None:
    """What schemathesis said of the doors that failed, with the requests to repeat; then the table."""
    console = Console()
    for verdict in verdicts:
        if verdict.failures:
            console.rule(verdict.door)
            console.print(verdict.text, markup=False, highlight=False)
    table = Table(title=f"問われた戸口 / doors as asked (SEED={seed})")
    for heading in ("戸口 / door", "操作 / operations", "件 / cases", "失敗 / failures"):
        table.add_column(heading)
    for verdict in verdicts:
        failures = "\n".join(verdict.failures) or "0"
        table.add_row(verdict.door, str(verdict.operations), str(verdict.cases), failures)
    console.print(table)
    for fault in faults:
        console.print(f"その後 / afterwards: {fault}", markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())

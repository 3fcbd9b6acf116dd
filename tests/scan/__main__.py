"""make scan: a table of doors and scanners; exit status 1 where one finds anything that is not allowed."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from jukinet_daemon.pki.groups import start_with_our_groups
from scan.scanners import Verdict, sslyze, testssl
from scan.targets import targets


async def scan(sslyze_python: Path, folder: Path) -> list[Verdict]:
    """Every scanner at every door, one after another."""
    console = Console(stderr=True)
    verdicts = []
    async with targets(folder) as doors:
        for target in doors:
            console.print(f"{target.name}: sslyze ...")
            verdicts.append(await sslyze(sslyze_python, target))
            console.print(f"{target.name}: testssl.sh ...")
            verdicts.append(await testssl(folder, target))
    return verdicts


def main() -> int:
    """Scans and tells."""
    parser = argparse.ArgumentParser(prog="make scan")
    parser.add_argument("--sslyze-python", type=Path, required=True)
    options = parser.parse_args()
    if not shutil.which("testssl"):
        print("testssl.sh がありません / not installed: apt-get install testssl.sh", file=sys.stderr)
        return 2
    start_with_our_groups()
    with tempfile.TemporaryDirectory(prefix="jukinet-scan-") as folder:
        verdicts = asyncio.run(scan(options.sslyze_python, Path(folder)))
    table = Table(title="TLSの走査 / TLS as scanners see it")
    for heading in ("戸口 / door", "走査 / scanner", "結果 / verdict"):
        table.add_column(heading)
    for verdict in verdicts:
        table.add_row(verdict.door, verdict.scanner, "\n".join(verdict.findings) or f"OK: {verdict.said}")
    Console().print(table)
    return 1 if any(verdict.findings for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())

"""停電: python -m powerloss [N]: N losses of power under load, judged; then once with an error planted."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from campaign.prefecture import Ground
from support.debian import require
from support.world import new_pki

from .campaign import Outages, closing_commit_asynchronous, lay_out, run


def main(arguments: list[str] | None = None) -> int:
    """Gives 0 only if nothing acknowledged is lost, and the planted error loses something."""
    parser = argparse.ArgumentParser(prog="powerloss", description="停電と審判 / loss of power, judged")
    parser.add_argument("losses", type=int, nargs="?", default=20, help="停電の数 / how many")
    parser.add_argument("--seed", type=int, default=None, help="前の回の種 / the seed of a run before")
    parser.add_argument("--fuse-python", type=Path, required=True, help="mfusepy のある Python / has mfusepy")
    options = parser.parse_args(arguments)
    require({"fusermount3": "fuse3"})
    if not Path("/dev/fuse").exists():
        raise SystemExit("この機械に /dev/fuse がありません / this machine has no /dev/fuse")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"種 / seed {seed}: {options.losses} losses of power", flush=True)
    sound = _played(options, seed)
    print("歯 / teeth: the closing commit made asynchronous, until the judge finds a loss", flush=True)
    planted = _played(options, seed, closing_commit_asynchronous)
    print("\n".join(summary(sound, planted)))
    return 0 if passed(sound, planted) else 1


def _played(options: argparse.Namespace, seed: int, alter: Callable[[str], str] | None = None) -> Outages:
    outages = Outages(options.losses, seed, lambda line: print(line, flush=True), alter)
    folder = Path(tempfile.mkdtemp(prefix="jukinet-power-"))
    postgres, volume = lay_out(folder, options.fuse_python.absolute(), seed)
    try:
        with postgres:
            asyncio.run(run(outages, Ground(folder, postgres, new_pki(folder / "pki")), volume))
    finally:
        volume.drop()
        volume.clear()
    if outages.findings and not alter:
        print(f"日誌と記録はここに残る / logs and journals are kept in {folder}")
    else:
        shutil.rmtree(folder)
    return outages


def passed(sound: Outages, planted: Outages) -> bool:
    """Whether the server lost nothing as often as asked for, and the planted error was caught."""
    return sound.hits >= sound.wanted and not sound.findings and planted.acknowledged_lost > 0


def summary(sound: Outages, planted: Outages) -> list[str]:
    """The end: what was found, the planted error, the verdict and the figure in one line."""
    figure = (
        f"{sound.hits} losses of power that took something, {sound.acknowledged:,} acknowledged, "
        f"{len(sound.findings)} findings"
    )
    if not sound.findings and sound.hits:
        figure += f": a loss of power breaks a rule in at most {3 / sound.hits:.1%} of cases (95 %, 3/n)"
    caught = (
        f"planted error: {planted.acknowledged_lost:,} acknowledged notices lost at loss {planted.hits}"
        if planted.acknowledged_lost
        else f"! planted error: nothing lost in {planted.hits} losses of power: this run has no teeth"
    )
    return [
        *(f"! {finding}" for finding in sound.findings[:50]),
        caught,
        *(verdict.line() for verdict in sound.verdicts[-1:]),
        f"{figure}; seed {sound.seed}",
    ]


if __name__ == "__main__":
    sys.exit(main())

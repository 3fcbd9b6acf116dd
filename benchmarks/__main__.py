"""測定の入口: `python -m benchmarks` measures everything, `python -m benchmarks ack` one thing."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

import uvloop

from benchmarks.measure import ack
from benchmarks.stage import open_stage

FOLDER = Path("build/bench")


async def _measure(options: argparse.Namespace) -> None:
    async with open_stage(FOLDER, lambda text: print(text, file=sys.stderr, flush=True)) as stage:
        size = ack.QUICK if options.quick else ack.FULL
        print(json.dumps(await ack.measure(stage, size), indent=1, ensure_ascii=False))


def main() -> None:
    """Measures what the arguments ask for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="性能の測定 / measures the server"
    )
    parser.add_argument("what", choices=("ack",), help="測定するもの / what to measure")
    parser.add_argument("--quick", action="store_true", help="小さな規模で / at a small scale")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_measure(parser.parse_args()))


if __name__ == "__main__":
    main()

"""測定の入口: `python -m benchmarks` measures everything, `python -m benchmarks ack` one thing."""

import argparse
import asyncio
import os

import uvloop

from benchmarks.run import MEASUREMENTS, measured, run


def main() -> None:
    """Measures what the arguments ask for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="性能の測定 / measures the server"
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"測定するもの。省けばすべて / what to measure, by default all: {', '.join(MEASUREMENTS)}",
    )
    parser.add_argument("--quick", action="store_true", help="小さな規模で / at a small scale")
    options = parser.parse_args()
    unknown = [name for name in options.what if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"知らない測定 / no such measurement: {', '.join(unknown)}")
    # What starts is compiled, as an installation is (packaging/install.sh).
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(options.what or measured(quick=options.quick), quick=options.quick))


if __name__ == "__main__":
    main()

"""起動: importing the daemon's code, and process start to READY=1 on a migrated database."""

import asyncio
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.parcels import Press
from benchmarks.people import base
from benchmarks.stage import Stage

_IMPORT = "import jukinet_daemon.cli.jukinetd"


@dataclass(frozen=True, slots=True)
class Size:
    """How many starts."""

    starts: int


FULL = Size(starts=3)
QUICK = Size(starts=1)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Starts Python for the imports alone, and the server with every door and loop; gives medians."""
    stage.say("起動 / starting")
    imports, bare, starts = [], [], []
    async with (
        stage.copy(await base(stage, Press(stage.senders)), "starting"),
        stage.national() as (url, _pid),
    ):
        for _ in range(size.starts):
            bare.append(await asyncio.to_thread(_python, "pass"))
            imports.append(await asyncio.to_thread(_python, _IMPORT))
            async with stage.server("starting", url) as server:
                starts.append(server.start_s)
    return {
        "import_s": round(statistics.median(imports), 3),
        "start_s": round(statistics.median(starts), 3),
        "python_alone_s": round(statistics.median(bare), 3),
        "imports": [round(seconds, 3) for seconds in imports],
        "starts": [round(seconds, 3) for seconds in starts],
    }


def _python(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun

"""pgbench: how many records a second PostgreSQL takes when nothing but SQL is asked of it (比較の相手)."""

import asyncio
import re
import resource
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import Meter, Spent
from benchmarks.stage import SQL, Stage
from jukinet_daemon.sim.postgres_wheel import PostgresFault
from jukinet_daemon.sim.postgres_wheel import run as run_program

# Of five notices, one enters a person and four correct one: both sides do the same.
ENTRIES, CORRECTIONS = 1, 4
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_COUNT = re.compile(r"^number of transactions actually processed: ([0-9]+)", re.MULTILINE)
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Records:
    """What one run of pgbench came to."""

    clients: int
    rate: float
    count: int
    spent: Spent

    def figures(self) -> dict[str, object]:
        """What goes into the raw figures."""
        return {
            "clients": self.clients,
            "rate": round(self.rate, 1),
            "count": self.count,
        } | self.spent.figures(self.count)


async def prepare(stage: Stage, database: str) -> None:
    """Puts the functions into a database that is already filled with people."""
    await stage.psql(database, (SQL / "record.sql").read_text("utf-8"))


async def run(
    stage: Stage, database: str, people: int, clients: int, seconds: int, *, reads: bool = True
) -> Records:
    """Runs pgbench once. Raises PostgresFault."""
    kind = "" if reads else "_unread"
    command: list[str | Path] = [
        *(stage.postgres.binary("pgbench"), "--no-vacuum", "--protocol=prepared", f"--time={seconds}"),
        *(f"--client={clients}", f"--jobs={_THREADS}", f"--define=people={people}"),
        *(f"--file={SQL / f'correct{kind}.pgbench'}@{CORRECTIONS}",),
        *(f"--file={SQL / f'enter{kind}.pgbench'}@{ENTRIES}",),
        stage.postgres.dsn(database),
    ]
    meter = Meter({"postgres": stage.postgres.pid})
    before = _children()
    told = await asyncio.to_thread(run_program, command)
    spent = meter.stop()
    rate, count = _TPS.search(told), _COUNT.search(told)
    if rate is None or count is None:
        raise PostgresFault(f"pgbench ended early:\n{told}")
    by_process = {"postgres": spent.by_process["postgres"], "client": _children() - before}
    return Records(clients, float(rate[1]), int(count[1]), Spent(spent.seconds, by_process, spent.others))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

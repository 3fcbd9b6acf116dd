"""pgbench: how many records a second PostgreSQL takes when nothing but SQL is asked of it (比較の相手)."""

import asyncio
import re
import resource
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import Meter, Spent
from benchmarks.stage import SQL, Stage
from benchmarks.work import CORRECTIONS, ENTRIES
from jukinet_daemon.sim.postgres_wheel import PostgresFault
from jukinet_daemon.sim.postgres_wheel import run as run_program

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
    await _all_gone(stage, database)
    spent = meter.stop()
    rate, count = _TPS.search(told), _COUNT.search(told)
    if rate is None or count is None:
        raise PostgresFault(f"pgbench ended early:\n{told}")
    by_process = {"postgres": spent.by_process["postgres"], "client": _children() - before}
    return Records(clients, float(rate[1]), int(count[1]), Spent(spent.seconds, by_process, spent.others))


async def rate(stage: Stage, database: str, script: Path, seconds: int, clients: int = 8) -> float:
    """Transactions a second of a script of its own. Raises PostgresFault."""
    command: list[str | Path] = [
        *(stage.postgres.binary("pgbench"), "--no-vacuum", "--protocol=prepared", f"--time={seconds}"),
        *(f"--client={clients}", f"--jobs={_THREADS}", f"--file={script}", stage.postgres.dsn(database)),
    ]
    told = await asyncio.to_thread(run_program, command)
    found = _TPS.search(told)
    if found is None:
        raise PostgresFault(f"pgbench ended early:\n{told}")
    return float(found[1])


async def _all_gone(stage: Stage, database: str) -> None:
    """Waits for the ends of the sessions: what a process used goes to the account of its parent then."""
    look = f"SELECT count(*) FROM pg_stat_database WHERE datname = '{database}' AND numbackends > 0"
    while await stage.psql("postgres", look) != "0":  # noqa: ASYNC110 - other processes end
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

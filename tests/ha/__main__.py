"""実演: python -m ha: the leader of a cluster is killed under load; the table says what that cost."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.table import Table

from campaign.lives import lives
from campaign.prefecture import REGISTER, Ground, Prefecture
from campaign.program import poll
from judge.evidence import Evidence, gather
from judge.findings import Verdict
from judge.tables import copy_tables
from judge.verdict import judge
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.municipality import Answered, MunicipalCs
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.debian import require
from support.world import new_pki

from .cluster import Cluster

# Towns and cities without wards: a life is notified under the code of its sender.
SENDERS = tuple(code for code in sorted(read_areas().senders) if code.startswith("402"))[:4]
PROGRAMS = {"patroni": "patroni", "etcd": "etcd-server"}
# How many notices a municipality has under way at most, and how many are answered before and after the kill.
UNDER_WAY = 60
WARM_UP, AFTERWARDS = 400, 400
PATIENCE_S = 180.0

console = Console()


@dataclass
class Load:
    """Who sends, and when something was last acknowledged."""

    posted: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)
    last: float = field(default_factory=time.monotonic)
    longest: float = 0.0

    @property
    def total(self) -> int:
        """How many final answers came."""
        return sum(self.heard.values())

    def answered(self, answer: Answered) -> None:
        """Takes note of a final answer, and of the silence before it."""
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now
        self.heard[answer.notice["area"]] += 1

    async def keep(self, code: str, cs: MunicipalCs, seed: int) -> None:
        """Keeps a municipality busy until cancelled."""
        for life in lives(str(seed), code):
            while self.posted[code] - self.heard[code] >= UNDER_WAY:  # noqa: ASYNC110 - looked at by hand
                await asyncio.sleep(0.01)
            self.posted[code] += len(life)
            cs.post(life)
            await asyncio.sleep(0)


async def failover(cluster: Cluster, prefecture: Prefecture, load: Load) -> tuple[str, str]:
    """Kills the leader under load and waits until all is well again; gives the old and the new leader."""
    await poll(lambda: load.total > WARM_UP, PATIENCE_S, "the first answers")
    old = cluster.leader()
    assert old is not None
    load.longest = 0.0
    console.print(f"リーダー {old.name} を kill -9 / killing the leader {old.name} ...")
    await asyncio.to_thread(old.kill)
    before = load.total
    await poll(lambda: load.total > before + AFTERWARDS, PATIENCE_S, "answers after the failover")
    new = await asyncio.to_thread(cluster.leader)
    assert new is not None
    console.print(f"{new.name} が引き継いだ。{old.name} を戻す / {new.name} leads, {old.name} comes back ...")
    await asyncio.to_thread(old.start)
    await asyncio.to_thread(cluster.whole)
    return old.name, new.name


async def campaign(cluster: Cluster, folder: Path, kills: int, seed: int) -> int:
    """Opens a prefecture on the cluster, kills the leader so many times, judges; gives the exit status."""
    pki_folder = folder / "pki"
    pki_folder.mkdir()
    # A cluster has all that a prefecture asks of its server.
    ground = Ground(folder, cast("EmbeddedPostgres", cluster), new_pki(pki_folder))
    prefecture = Prefecture(ground, "juki", SENDERS)
    load = Load()
    rounds: list[tuple[str, str, float]] = []
    tasks: list[asyncio.Task[None]] = []
    try:
        await prefecture.open()
        pids = prefecture.daemon.pid, prefecture.relay.pid
        senders = {code: await prefecture.cs(code, heard=load.answered) for code in SENDERS}
        tasks = [asyncio.create_task(load.keep(code, cs, seed)) for code, cs in senders.items()]
        for _ in range(kills):
            names = await failover(cluster, prefecture, load)
            rounds.append((*names, load.longest))
        for task in tasks:
            task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(cs.done() for cs in senders.values()))
        await prefecture.relayed()
        same = pids == (prefecture.daemon.pid, prefecture.relay.pid) and prefecture.daemon.alive
        tables = copy_tables(cluster.binary("psql"), prefecture.dsn)
        journals = sorted(prefecture.journals.glob("*.ndjson"))
        evidence = gather(journals, prefecture.national_journal, tables, REGISTER)
        return show(rounds, evidence, judge(evidence), same_daemon=same)
    finally:
        for task in tasks:
            task.cancel()
        await prefecture.close()


def show(
    rounds: list[tuple[str, str, float]], evidence: Evidence, verdict: Verdict, *, same_daemon: bool
) -> int:
    """The table, and the verdict in a line; gives the exit status."""
    told = {answer.id for answer in evidence.told}
    stored = Counter(row["notice_id"] for row in evidence.tables["inbox"])
    recorded = Counter(row["notice_id"] for row in evidence.tables["history"])
    lost = sum(name not in stored for name in told)
    doubled = sum(count > 1 for count in (*stored.values(), *recorded.values()))
    table = Table(title="リーダーを失ったとき / the leader is killed under load", show_header=False)
    for old, new, seconds in rounds:
        table.add_row(f"停止 / outage  {old} → {new}", f"{seconds:.1f} s")
    table.add_row("応答した通知 / acknowledged", str(len(told)))
    table.add_row("失われた / lost", str(lost))
    table.add_row("二重になった / doubled", str(doubled))
    table.add_row("デーモンの再起動 / restarts of the daemon", "0" if same_daemon else "!")
    console.print(table)
    for finding in verdict.findings[:20]:
        console.print(f"! {finding}")
    console.print(f"審判 / the judge: {verdict.line()}")
    return 0 if verdict.sound and not lost and not doubled and same_daemon else 1


def main() -> int:
    """Gives the exit status: 0 if nothing was lost, doubled or found wrong."""
    parser = argparse.ArgumentParser(
        prog="ha", description="リーダーを失う実演 / a leader is killed under load"
    )
    parser.add_argument("--kills", type=int, default=1, help="何度殺すか / how many times (1)")
    parser.add_argument("--seed", type=int, default=1, help="通知の種 / seed of the notices (1)")
    options = parser.parse_args()
    require(PROGRAMS)
    with tempfile.TemporaryDirectory(prefix="jukinet-ha-") as name:
        folder = Path(name)
        console.print("etcd と Patroni 3 台を起動しています / starting etcd and three nodes ...")
        try:
            with Cluster(folder) as cluster:
                return asyncio.run(campaign(cluster, folder, options.kills, options.seed))
        except Exception:
            # The folder is about to go: what its programs said last is all that can explain it.
            for log in sorted(folder.rglob("*.log")):
                console.print(f"== {log.relative_to(folder)}", *log.read_text().splitlines()[-5:], sep="\n")
            raise


if __name__ == "__main__":
    sys.exit(main())

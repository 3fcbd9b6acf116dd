"""make abuse: waves of bad peers at a real server; exit status 0 only if every bar of the report is met."""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop

from abuse.bad import Tally
from abuse.good import Good, Times
from abuse.report import Report
from abuse.stage import NotDone, Stage
from campaign.overload import memory_mib
from campaign.prefecture import Ground, Prefecture
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.ports import free_port
from support.bridge import OFFICES, pin
from support.world import new_pki, postgres

# Ten send steadily, one comes anew; the other municipalities lend bad peers their certificates.
GOOD = ("402028", "402036", "402044", "402052", "402061", "402079", "402109", "402117", "402125", "402133")
NEWCOMER = "402141"
LOOK_S = 0.2
TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many bad peers at once, how many times, and how many seconds of quiet before each.

    `given_up_s`: what a door has not closed by then counts as left open. `aside`: bad peers get only what
    processor time nobody else wants, for they have machines of their own; on a busy machine that is none.
    """

    count: int
    waves: int
    quiet_s: float = 10.0
    given_up_s: float = 15.0
    aside: bool = True


@asynccontextmanager
async def prefecture(ground: Ground, bridge: str) -> AsyncIterator[Prefecture]:
    """A daemon for the notices door and one for the bridge door, a relay and a national server."""
    section = (
        f'[bridge]\nlisten = "{bridge}"\npeer = "https://127.0.0.1:{free_port()}/bridge"\n'
        f'pins = ["{pin(ground.pki, "fuhyo")}"]\n[rules]\noffices = "{OFFICES}"\n'
    )
    made = Prefecture(ground, "abuse", GOOD, beside={"bridge": section})
    try:
        await made.open()
        # What is measured is the door; the lines of the campaigns are left out.
        made.ports = dict.fromkeys(GOOD, int(made.notices.rpartition(":")[2]))
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def crowd(place: Prefecture, bridge: str, plan: Plan) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process of the bad peers, ready to go: what it costs to start is not what is measured."""
    told = {
        "doors": {"notices": place.notices, "bridge": bridge},
        "pki": str(place.ground.pki.folder),
        "municipalities": lenders(),
        "count": plan.count,
        "given_up_s": plan.given_up_s,
        "aside": plan.aside,
    }
    bad = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "abuse.bad"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=TESTS,
        limit=2**24,
    )
    try:
        await _tell(bad, json.dumps(told))
        assert bad.stdout is not None
        if not await bad.stdout.readline():
            raise RuntimeError("the process of the bad peers did not begin")
        yield bad
    finally:
        if bad.returncode is None:
            bad.kill()
        await bad.wait()


async def _tell(bad: asyncio.subprocess.Process, line: str) -> None:
    assert bad.stdin is not None
    bad.stdin.write(line.encode() + b"\n")
    await bad.stdin.drain()


async def wave(
    bad: asyncio.subprocess.Process, place: Prefecture, stage: Stage
) -> tuple[dict[str, Tally], float]:
    """Sends the bad peers, to the close of the last; and the most memory the daemon had meanwhile."""
    await _tell(bad, "go")
    assert bad.stdout is not None
    most = 0.0
    async for line in bad.stdout:
        said = json.loads(line)
        most = max(most, memory_mib(place.daemon.pid))
        if "tallies" in said:
            return {name: Tally(**tally) for name, tally in said["tallies"].items()}, most
        waiting = ", ".join(f"{name}: {number}" for name, number in said["waiting"].items())
        left = sum(said["waiting"].values())
        stage.begins(f"閉じていない / not closed for good: {left:,}", f"({waiting})")
    raise RuntimeError("the process of the bad peers ended by itself")


def lenders() -> list[str]:
    """The municipalities whose certificates bad peers have."""
    return [code for code in read_areas().senders if code not in (*GOOD, NEWCOMER)]


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open, but no Unix sockets: the database's pool grows."""
    unix = {line.split()[6] for line in Path("/proc/net/unix").read_text("utf-8", "replace").splitlines()[1:]}
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found += str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]") not in unix
    return found


async def run(ground: Ground, plan: Plan) -> Report:
    """Quiet, a wave, quiet, a wave: so that what else the machine does meets both alike. Raises NotDone."""
    report, stage = Report(), Stage()
    bridge = f"127.0.0.1:{free_port()}"
    stage.begins("県を作る / making a prefecture")
    async with stage.deadline(), prefecture(ground, bridge) as place:
        good = Good(place, NEWCOMER)
        async with good.at_work():
            await asyncio.sleep(plan.quiet_s / 4)
            before = descriptors(place.daemon.pid)
            report.memory.append(memory_mib(place.daemon.pid))
            for number in range(plan.waves):
                async with crowd(place, bridge, plan) as bad:
                    stage.begins("静か / quiet")
                    good.times = report.quiet
                    await asyncio.sleep(plan.quiet_s)
                    stage.begins(f"荒らし / wave {number + 1}: {plan.count:,}")
                    good.times = report.abused
                    tallies, memory = await wave(bad, place, stage)
                report.waves.append(tallies)
                report.memory.append(memory)
                good.times = Times()
                stage.begins("記述子が戻る / descriptors to be given back")
                report.descriptors = (before, await settled(place.daemon.pid, before))
            stage.begins("良い相手の最後の回答 / the last answers to good peers")
        stage.begins("全国サーバの受領 / the last receipts of the national server")
        await place.relayed()
        stage.begins("審判 / the judge")
        verdict = await asyncio.to_thread(place.judge)
    report.judged, report.nothing_lost = verdict.line(), verdict.sound
    return report


async def settled(pid: int, before: int) -> int:
    """How many descriptors there are once what is closing has closed."""
    for _ in range(50):
        if descriptors(pid) <= before:
            break
        await asyncio.sleep(LOOK_S)
    return descriptors(pid)


def main() -> int:
    """Runs it and tells."""
    parser = argparse.ArgumentParser(prog="make abuse", description="荒らし / abuse")
    parser.add_argument("--count", type=int, default=2000, help="悪い相手の数 / how many bad peers at once")
    parser.add_argument("--waves", type=int, default=2, help="何度 / how many times")
    options = parser.parse_args()
    # In memory: what the good peers' journals cost the disk is not what is measured.
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="jukinet-abuse-", dir=memory if memory.is_dir() else None))
    try:
        with postgres() as server:
            ground = Ground(folder, server, new_pki(folder / "pki"))
            report = uvloop.run(run(ground, Plan(**vars(options))))
        report.show()
    except NotDone as fault:
        print(f"不合格 / missed: {fault}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if list(report.missed()) else 0


if __name__ == "__main__":
    sys.exit(main())

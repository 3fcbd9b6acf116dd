"""滞留: notices that waited at half of the CS during an outage, while the other half goes on as ever."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import load, work
from benchmarks.figures import milliseconds
from benchmarks.measure.latency import schedule
from benchmarks.parcels import Press
from benchmarks.people import BASE_PEOPLE, base
from benchmarks.receipts import all_relayed
from benchmarks.stage import Connection, Server, Stage

FRESH_A_SECOND = 100
_FRESH_FOR_S = 120


@dataclass(frozen=True, slots=True)
class Size:
    """Notices that waited."""

    notices: int


FULL = Size(notices=50_000)
QUICK = Size(notices=6_000)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Gives the time until all are durable and all are relayed, and how long fresh notices took meanwhile."""
    stage.say(f"滞留 {size.notices:,} 件の用意 / preparing a backlog")
    press = Press(stage.senders)
    mix = work.Mix(press, stage.senders, BASE_PEOPLE)
    late, others = stage.senders[::2], stage.senders[1::2]
    each = size.notices // len(late)
    backlog = {sender: work.prepare_for(stage, mix, sender, each, 64) for sender in late}
    fresh_each = FRESH_A_SECOND * _FRESH_FOR_S // len(others)
    fresh = {sender: work.prepare_singles(stage, mix, sender, fresh_each) for sender in others}
    async with (
        stage.copy(await base(stage, press), "backlog"),
        stage.national() as (url, _pid),
        stage.server("backlog", url) as server,
    ):
        stage.say("滞留を送る / sending the backlog")
        look = await stage.connect("backlog")
        made = await _worked_off(stage, server, look, backlog, fresh)
        await look.close()
    return {"notices": each * len(late)} | made


async def _worked_off(
    stage: Stage, server: Server, look: Connection, backlog: work.Work, fresh: work.Work
) -> dict[str, Any]:
    async with load.senders(stage, server, stage.senders) as opened:
        begun = time.perf_counter()
        sending = asyncio.create_task(load.closed_loops(backlog, opened))
        due = schedule(fresh, FRESH_A_SECOND, begun)
        others = [sender for sender in opened if sender.name in due]
        going_on = [s.open_loop(load.as_long_as(sending, due[s.name])) for s in others]
        await asyncio.gather(sending, *going_on)
        all_durable = sending.result()
        await all_relayed(look)
        relayed = time.perf_counter() - begun
        load.check(stage, opened)
        waited = milliseconds(seconds for sender in others for seconds in sender.latencies())
    return {
        "all_durable_s": round(all_durable, 2),
        "all_relayed_s": round(relayed, 2),
        "fresh_of_others_ms": waited,
    }

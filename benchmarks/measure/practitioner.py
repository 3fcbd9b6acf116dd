"""実務家の作り方: the same notices to nginx, FastAPI on granian and asyncpg, and to the daemon, in turn."""

import statistics
from dataclasses import dataclass
from typing import Any

from benchmarks import work
from benchmarks.cpu import Meter
from benchmarks.parcels import Press
from benchmarks.peers import client, serve
from benchmarks.peers.install import CannotInstall
from benchmarks.people import BASE_PEOPLE, base
from benchmarks.stage import Stage

# Until every connection of the peer has its statements prepared.
_WARM_UP = 600


@dataclass(frozen=True, slots=True)
class Size:
    """Rounds, notices of each run of ours and of the peer's."""

    rounds: int
    notices: int
    peer_notices: int


FULL = Size(rounds=2, notices=9_000, peer_notices=2_400)
QUICK = Size(rounds=1, notices=6_000, peer_notices=1_200)


async def measure(stage: Stage, size: Size) -> dict[str, Any]:
    """Gives the ratio of medians, or says why the peer cannot be run here."""
    press = Press(stage.senders)
    mix = work.Mix(press, stage.senders, BASE_PEOPLE)
    theirs_mix = work.Mix(press, stage.senders, BASE_PEOPLE)
    ours, theirs = [], []
    stage.say("実務家の作り方の用意 / preparing the practitioner's way")
    async with stage.copy(await base(stage, press), "beside", "beside_peer"):
        try:
            async with serve.serving(stage, "beside_peer") as peer, stage.server("beside") as server:
                await _theirs(stage, peer, theirs_mix, _WARM_UP)
                for number in range(size.rounds):
                    stage.say(
                        f"実務家の作り方と交互に {number + 1}/{size.rounds} / the practitioner's way in turn"
                    )
                    theirs.append(await _theirs(stage, peer, theirs_mix, size.peer_notices))
                    parcels = work.prepare(stage, mix, size.notices, 64)
                    ours.append(await work.acknowledge(stage, server, parcels))
        except CannotInstall as fault:
            stage.say(f"測れません / not measured: {fault}")
            return {"ack_vs_practitioner": None, "skipped": str(fault)}
    ratio = statistics.median(run["rate"] for run in ours) / statistics.median(run["rate"] for run in theirs)
    return {"ack_vs_practitioner": round(ratio, 2), "ours": ours, "practitioner": theirs}


async def _theirs(stage: Stage, peer: serve.Peer, mix: work.Mix, notices: int) -> dict[str, Any]:
    each = notices // len(stage.senders)
    requests = [
        (stage.caller(sender), [client.request(mix.notice(sender)) for _ in range(each)])
        for sender in stage.senders
    ]
    count = each * len(requests)
    meter = Meter(peer.pids | {"postgres": stage.postgres.pid})
    seconds = await client.closed_loops(peer.port, requests)
    return {"rate": round(count / seconds, 1), "count": count} | meter.stop().figures(count)

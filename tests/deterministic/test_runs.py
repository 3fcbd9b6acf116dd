"""Receiving and relaying under ten thousand seeds: nothing lost, doubled, reordered, acknowledged too early.

A seed that fails is named and played again by JUKINET_SEED=n; JUKINET_SEEDS=n plays another number of them.
"""

import asyncio
import os
import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from deterministic.file import ModelOutbox
from deterministic.peers import Violation
from deterministic.world import EVENTS, Seen, play
from jukinet_daemon.domain.decide import decide
from jukinet_daemon.loops import receive as receive_loop
from jukinet_daemon.service import batch
from jukinet_daemon.service import receive as receive_service
from jukinet_daemon.service.lanes import Lanes, Waiting
from jukinet_daemon.service.receive import Receiver
from jukinet_daemon.service.relay import Packer
from jukinet_daemon.store.inbox import Inbox, Known
from jukinet_daemon.wire.reply import ReplyMessage

SEEDS = int(os.environ.get("JUKINET_SEEDS", "10000"))
ONE = os.environ.get("JUKINET_SEED")
# A planted fault must be found within so many seeds.
TEETH = 3000
RECEIVING = ("idle", "read", "commit", "flush", "flushed")
RELAYING = ("away", "idle", "looking", "announcing", "announced", "sending", "sent", "closing", "closed")


def violation_of(seed: int, seen: Seen) -> str | None:
    """What goes wrong in the run of a seed."""
    try:
        play(seed, seen)
    except Violation as violation:
        return f"{violation}: JUKINET_SEED={seed}"
    return None


def test_nothing_goes_wrong_under_any_seed(capsys: pytest.CaptureFixture[str]) -> None:
    seen: Seen = Counter()
    for seed in [int(ONE)] if ONE else range(SEEDS):
        assert violation_of(seed, seen) is None
    receiving = {(event, state) for event, state, _ in seen}
    relaying = {(event, state) for event, _, state in seen}
    missing = [(e, s) for e in EVENTS for s in RECEIVING if (e, s) not in receiving]
    missing += [(e, s) for e in EVENTS for s in RELAYING if (e, s) not in relaying]
    pairs = len(EVENTS) * (len(RECEIVING) + len(RELAYING))
    with capsys.disabled():
        runs = 1 if ONE else SEEDS
        met = pairs - len(missing)
        print(f"\ndeterministic: {runs} seeds, {seen.total()} events, {met} of {pairs} event and state pairs")
    if not ONE and SEEDS >= 10_000:
        assert missing == []


def test_a_seed_plays_the_same_run_again() -> None:
    seen: list[Seen] = [Counter(), Counter()]
    for each in seen:
        for seed in range(40):
            play(seed, each)
    assert seen[0] == seen[1]
    assert seen[0].total() > 40


Plant = Callable[[pytest.MonkeyPatch], None]


def reordered_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest parcel of a lane is taken first."""
    pick = Lanes._pick

    def newest_first(lanes: Lanes, notices: int) -> list[Waiting]:
        for sender, lane in lanes._lanes.items():
            lanes._lanes[sender] = deque(reversed(lane))
        return pick(lanes, notices)

    monkeypatch.setattr(Lanes, "_pick", newest_first)


def lane_given_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane that is worked on is given to another worker too."""
    monkeypatch.setattr(Lanes, "_free", lambda lanes: [s for s, lane in lanes._lanes.items() if lane])


def forgotten_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that was answered is taken for a new one, by the plan and by the file."""

    def forgetful(known: Known, *rest: Any) -> Any:
        return batch.Planner(Known({}, known.people), *rest)

    monkeypatch.setattr(receive_service, "Planner", forgetful)
    monkeypatch.setattr("deterministic.file.File.remembers", lambda _file, _name: False)


def reply_before_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is planned is answered while it is still being committed."""

    async def at_once(receiver: Receiver, parcels: Any, items: Any, judge: Any = decide) -> Any:
        inbox: Inbox = receiver._inbox
        known = await inbox.known(
            [(i.id, i.fingerprint) for i in items], list({key for i in items for key in i.keys})
        )
        now, later = batch.one_of_each_new_id(items, known)
        fresh = await inbox.person_numbers(batch.strangers(now, known))
        planner = batch.Planner(known, iter(fresh), receiver._house, judge)
        for item in now:
            planner.add(item)
        made = planner.plan
        decisions = await inbox.decision_rows([entry for _, entry, _ in made.entries])
        work = inbox.commit(parcels, decisions, [])
        asyncio.ensure_future(work).add_done_callback(lambda done: done.cancelled() or done.exception())
        return [*made.repeats, *((item, answer) for item, _, answer in made.entries)], later

    monkeypatch.setattr(Receiver, "_round", at_once)


def later_keeps_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """After LATER the line goes on, and what follows overtakes."""
    monkeypatch.setattr(receive_loop, "_break_if_later", lambda _waiting, _answers: None)


def double_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last record of a receipt stays open, and is sent again."""
    closed_by = Packer.closed_by

    def forgetful(packer: Packer, packed: Any, reply: ReplyMessage) -> Sequence[Any]:
        closed = closed_by(packer, packed, reply)
        return closed[:-1] if len(closed) > 1 else closed

    monkeypatch.setattr(Packer, "closed_by", forgetful)


def sent_before_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is sent before anything says that it is durable."""

    async def silently(_outbox: ModelOutbox, _leaf: Any) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(ModelOutbox, "announce", silently)


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (reordered_lane, "order|sound notice"),
        (lane_given_out_twice, "order|sound notice"),
        (forgotten_id, "otherwise|twice|sound notice"),
        (reply_before_durable, "not durable"),
        (later_keeps_the_line, "out of order|sound notice"),
        (double_send, "sent again"),
        (sent_before_durable, "differ|has not what|order"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_fault_is_found(plant: Plant, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    violations = (violation_of(seed, Counter()) for seed in range(TEETH))
    first = next((violation for violation in violations if violation), "nothing was found")
    assert re.search(found, first), first

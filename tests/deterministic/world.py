"""一回の試行: a server of real parts between model peers and a model file, and what befalls it, by a seed."""

import asyncio
import random
from collections import Counter
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from deterministic.clock import Stuck, run
from deterministic.file import File, ModelInbox
from deterministic.peers import Cut, Line, National, Office, Violation
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.register import Strictness
from jukinet_daemon.loops.receive import ReceiveLoop
from jukinet_daemon.loops.relay import RelayLoop
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.server.replies import Replies
from jukinet_daemon.service import lanes as lanes_room
from jukinet_daemon.service.batch import House
from jukinet_daemon.service.lanes import Answer, Arrival, Lanes
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.receive import Receiver
from jukinet_daemon.service.relay import Packer
from jukinet_daemon.wire.envelope import digest_of
from jukinet_daemon.wire.parcel import read_parcel
from support.notices import juki_change
from support.store import VAULT
from support.world import FUKUOKA, KITAKYUSHU

NOW = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Asia/Tokyo"))
HOUSE = House(JUKI, read_areas(), Strictness.OFF, lambda: NOW, VAULT)
METRICS = Metrics()
PATIENCE_S = 300.0
WARDS = {FUKUOKA: "401315", KITAKYUSHU: "401013"}
EVENTS = ("cut line", "kill server", "crash file", "fault file", "cut national", "lose receipt", "say later")

# What befell in which state: (event, what receiving did, what relaying did).
Seen = Counter[tuple[str, str, str]]


class Server:
    """The daemon's real parts of one start: lanes, two workers, the relay, a conversation a line."""

    def __init__(self, file: File, national: National) -> None:
        self.lanes = Lanes(4)
        self.lines: dict[str, Line] = {}
        receiver = Receiver(HOUSE, cast("Any", ModelInbox(file)))
        loops = [ReceiveLoop(self.lanes, receiver, METRICS, 4).run() for _ in range(2)]
        self.tasks = [asyncio.create_task(work) for work in (*loops, _relay(file, national).run())]

    def dial(self, code: str) -> Line:
        line = self.lines[code] = Line()
        self.tasks.append(asyncio.create_task(self._converse(line)))
        return line

    async def _converse(self, line: Line) -> None:
        """As server/notices.py does it with a socket."""
        replies, ours = Replies(2), lanes_room.Line()
        reader = asyncio.create_task(self._read(line, replies, ours))
        try:
            async for reply in replies:
                line.to_cs.put(cast("Any", reply))
                if ours.broken:
                    break
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            replies.abandon()
            line.cut()

    async def _read(self, line: Line, replies: Replies, ours: lanes_room.Line) -> None:
        try:
            while True:
                text = await line.to_server.get()
                arrival = Arrival(
                    read_parcel(text.encode()), f"signed.{text}", digest_of(text), "", NOW, ours
                )
                answers = await self.lanes.put(arrival)
                await replies.add(cast("Any", self._answer(arrival, answers)))
        except Cut:
            pass
        finally:
            replies.end()

    async def _answer(self, arrival: Arrival, answers: "asyncio.Future[list[Answer]]") -> Any:
        return arrival.digest, [answer.text for answer in await answers]

    async def kill(self) -> None:
        for line in self.lines.values():
            line.cut()
        for task in self.tasks:
            task.cancel()
        ended = await asyncio.gather(*self.tasks, return_exceptions=True)
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault


class _NothingToCompare:
    """A day of comparing is none of these runs."""

    async def ask(self, _key: Any) -> None:
        return None


def _relay(file: File, national: National) -> RelayLoop:
    # Who is called takes the place of our certificate: the model's line asks for nothing else.
    own = SimpleNamespace(client=national, key=None)
    credentials = SimpleNamespace(own=own)
    route = SimpleNamespace(url="", policy=None, credentials=credentials, parcel_notices=3)
    watch = SimpleNamespace(metrics=METRICS, refused=None, comparer=_NothingToCompare())
    packer = Packer("juki", "400009", lambda: NOW)
    return RelayLoop(cast("Any", file), VAULT, packer, cast("Any", route), cast("Any", watch))


def lives(code: str, dice: random.Random) -> list[dict[str, Any]]:
    """The notices of two persons of a municipality, in the order in which they happened."""
    told: list[dict[str, Any]] = []
    people: dict[int, dict[str, Any]] = {}
    for _ in range(dice.randint(2, 4)):
        who, name = dice.randrange(2), str(UUID(int=dice.getrandbits(128), version=4))
        if who in people:
            correction = {"change": "correction", "cause": "minor_correction", "person": people[who]}
            told.append(juki_change(id=name, area=WARDS[code], **correction))
        else:
            told.append(juki_change(id=name, area=WARDS[code]))
            people[who] = told[-1]["person"]
    return told


class World:
    """One run."""

    def __init__(self, seed: int, seen: Seen) -> None:
        self._dice = random.Random(seed)
        self._seen = seen
        self.file = File(self._dice)
        self.national = National(self.file, self._dice)
        self.posted = {code: lives(code, self._dice) for code in WARDS}
        self.offices = [Office(code, told, self.file, self._dice) for code, told in self.posted.items()]

    async def run(self) -> None:
        """Lets it all happen, then judges. Raises Violation."""
        self.server = Server(self.file, self.national)
        working = [asyncio.create_task(office.run(self._dial)) for office in self.offices]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._befall()
                await asyncio.gather(*working)
                while self._unrelayed():  # noqa: ASYNC110 - the loop's time is free
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise Violation("it never comes to rest") from None
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            await self.server.kill()
        self._judge()

    def _unrelayed(self) -> set[str]:
        return {record.notice.id for record in self.file.history} - self.file.receipted

    def _dial(self, code: str) -> Line:
        return self.server.dial(code)

    async def _befall(self) -> None:
        for _ in range(self._dice.randint(0, 4)):
            await asyncio.sleep(self._dice.uniform(0, 0.03))
            event = self._dice.choice(EVENTS)
            self._seen[event, self.file.phases["receive"], self.file.phases["relay"]] += 1
            await self._happen(event)

    async def _happen(self, event: str) -> None:
        if event == "cut line" and self.server.lines:
            self._dice.choice(list(self.server.lines.values())).cut()
        elif event == "kill server":
            await self.server.kill()
            self.server = Server(self.file, self.national)
        elif event == "crash file":
            self.file.crash()
        elif event == "fault file":
            self.file.fail_in = self._dice.randint(1, 6)
        elif event == "cut national":
            for line in self.national.lines:
                line.lost.set()
        else:
            self.national.misdeeds.append("lost" if event == "lose receipt" else "later")

    def _judge(self) -> None:
        order = [record.notice.id for record in self.file.history]
        if len(order) != len(set(order)):
            raise Violation("a notice was applied twice")
        posted = [notice for told in self.posted.values() for notice in told]
        if set(order) != {notice["id"] for notice in posted}:
            raise Violation("what was sent and what was applied differ")
        for told in self.posted.values():
            for code in {notice["person"]["resident_code"] for notice in told}:
                sent = [n["id"] for n in told if n["person"]["resident_code"] == code]
                if [name for name in order if name in sent] != sent:
                    raise Violation("notices about a person were applied out of order")
        taken = [
            (record["id"], record["person_number"], record["sequence"]) for record in self.national.taken
        ]
        if sorted(taken) != sorted((r.notice.id, str(r.person_id), r.version) for r in self.file.history):
            raise Violation("the national server has not what the file has")


def play(seed: int, seen: Seen) -> None:
    """One run of a seed. Raises Violation."""
    random.seed(seed)
    world = World(seed, seen)
    try:
        run(random.Random(seed), world.run())
    except Stuck:
        raise Violation("everything waits for ever") from None

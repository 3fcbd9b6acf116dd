"""相手の模型: municipal CS and a national server, as docs/protocol.md has them, without sockets."""

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from deterministic.file import File
from jukinet_daemon.outward import PeerFault, Receipt
from jukinet_daemon.wire.envelope import digest_of
from jukinet_daemon.wire.reply import ReplyHead, read_reply, write_answer, write_reply

MOMENT = "2026-11-24T09:00:00+09:00"


class Violation(AssertionError):
    """Something that must never happen did."""


class Cut(Exception):
    """The line is no more."""


class Wire:
    """One direction of a line: what is on it when it is cut is lost."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._cut = False

    def put(self, message: Any) -> None:
        if not self._cut:
            self._queue.put_nowait(message)

    def cut(self) -> None:
        self._cut = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def get(self) -> Any:
        if (message := await self._queue.get()) is None:
            self._queue.put_nowait(None)
            raise Cut
        return message


class Line:
    """Both directions."""

    def __init__(self) -> None:
        self.to_server, self.to_cs = Wire(), Wire()

    def cut(self) -> None:
        self.to_server.cut()
        self.to_cs.cut()


class Office:
    """A municipality's CS: everything it posts gets a final answer, and it keeps every answer."""

    def __init__(self, code: str, notices: list[dict[str, Any]], file: File, dice: random.Random) -> None:
        self.code = code
        self._owed = deque(notices)
        self._file = file
        self._dice = dice
        self._number = 0
        self.answers: dict[str, str] = {}
        # Some are told once more after they were answered: an operator restored a backup.
        self._again = [notice for notice in notices if dice.random() < 0.2]
        self.state = "idle"

    async def run(self, dial: Callable[[str], Line]) -> None:
        while self._owed or self._again:
            if not self._owed:
                self._owed.extend(self._again)
                self._again = []
            line = dial(self.code)
            flying: deque[tuple[str, list[dict[str, Any]]]] = deque()
            try:
                await self._converse(line, flying)
            except Cut:
                self.state = "cut"
                for _, notices in reversed(flying):
                    self._owed.extendleft(reversed(notices))
                await asyncio.sleep(self._dice.uniform(0.002, 0.02))
            finally:
                line.cut()
        self.state = "done"

    async def _converse(self, line: Line, flying: deque[tuple[str, list[dict[str, Any]]]]) -> None:
        while self._owed or flying:
            while self._owed and len(flying) < 3:
                some = [self._owed.popleft() for _ in range(min(len(self._owed), self._dice.randint(1, 3)))]
                text = self._parcel(some)
                flying.append((digest_of(text), some))
                line.to_server.put(text)
            self.state = "flying"
            digest, answers = await line.to_cs.get()
            if digest != flying[0][0]:
                raise Violation("a reply came out of order")
            _, notices = flying.popleft()
            later = [n for n, text in zip(notices, answers, strict=True) if not self._final(n, text)]
            if later:
                flying.appendleft(("", later))
                raise Cut

    def _parcel(self, notices: list[dict[str, Any]]) -> str:
        self._number += 1
        head = {"protocol": "jukinet/1", "register": "juki", "sender": self.code, "number": self._number}
        return json.dumps(head | {"sent_at": MOMENT, "notices": notices})

    def _final(self, notice: dict[str, Any], text: str) -> bool:
        answer = json.loads(text)
        if answer["outcome"] == "LATER":
            return False
        if answer["id"] != notice["id"]:
            raise Violation("an answer is of another notice")
        if answer["outcome"] != "ACCEPTED":
            raise Violation(f"a sound notice was answered {answer['code']}")
        if self.answers.setdefault(notice["id"], text) != text:
            raise Violation("a repeat was answered otherwise")
        if self._file.durable_answer(notice["id"]) != text:
            raise Violation("acknowledged and not durable")
        return True


class National:
    """The national server: durable before it answers; judges the order of each person for itself."""

    def __init__(self, file: File, dice: random.Random) -> None:
        self._file = file
        self._dice = dice
        self.taken: list[dict[str, Any]] = []
        self._answers: dict[str, str] = {}
        self._sequences: dict[str, int] = {}
        self.misdeeds: deque[str] = deque()
        self.lines: set[ModelConversation] = set()

    def take(self, signed: str) -> str | None:
        """Takes a parcel; gives the receipt, or None where it is lost on its way."""
        misdeed = self.misdeeds.popleft() if self.misdeeds else ""
        records = json.loads(signed)["notices"]
        room = self._dice.randrange(len(records)) if misdeed == "later" else len(records)
        answers = [self._one(record) for record in records[:room]]
        answers += [
            write_answer({"id": record["id"], "outcome": "LATER", "code": "L500"})
            for record in records[room:]
        ]
        head = ReplyHead("juki", "400009", None, digest_of(signed))
        return None if misdeed == "lost" else write_reply(head, answers, [], MOMENT).decode()

    def _one(self, record: dict[str, Any]) -> str:
        name = record["id"]
        if name in self._file.told:
            raise Violation("a record was sent again after its receipt was stored")
        if name not in self._answers:
            if record["sequence"] <= self._sequences.get(record["person_number"], 0):
                raise Violation("the records of a person were relayed out of order")
            self._sequences[record["person_number"]] = record["sequence"]
            self.taken.append(record)
            self._answers[name] = write_answer({"id": name, "outcome": "ACCEPTED", "code": "N100"})
        return self._answers[name]

    @asynccontextmanager
    async def call(self, *_who: Any) -> AsyncIterator["ModelConversation"]:
        """What outward.call gives the relay."""
        conversation = ModelConversation(self, self._file)
        self.lines.add(conversation)
        try:
            yield conversation
        finally:
            self.lines.discard(conversation)


class ModelConversation:
    """The relay's end of the line to the national server."""

    def __init__(self, national: National, file: File) -> None:
        self._national = national
        self._file = file
        self._replies: deque[str | None] = deque()
        self.lost = asyncio.Event()

    async def send(self, signed: str) -> None:
        await self._pass("sending")
        self._replies.append(self._national.take(signed))

    async def receive(self) -> Receipt:
        await self._pass("sent")
        text = self._replies.popleft()
        if text is None:
            raise PeerFault("the receipt was lost")
        return Receipt(read_reply(text.encode()), text)

    async def idle(self, until: asyncio.Event, seconds: float | None = None) -> None:
        self._file.phases["relay"] = "idle"
        waits = [asyncio.create_task(event.wait()) for event in (until, self.lost)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.lost.is_set():
            raise PeerFault("the line ended")

    async def _pass(self, phase: str) -> None:
        self._file.phases["relay"] = phase
        await asyncio.sleep(self._file.dice.choice((0, 0.001, 0.004)))
        if self.lost.is_set():
            raise PeerFault("the line broke")

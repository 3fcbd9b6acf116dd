"""負荷: sixty senders on lines of their own, and their answers, checked when the clock has stopped."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.parcels import Prepared
from benchmarks.stage import Server, Stage
from benchmarks.websocket import LineLost, WebSocketLine, open_line
from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.pki import tls_files
from jukinet_daemon.wire.envelope import REPLY_TYPE, VerifyingKey, unseal

# What the simulated CS keeps unanswered too; the server reads at most eight.
IN_FLIGHT = 4


class WrongAnswers(Exception):
    """The server did not answer as a sound notice must be: such a run gives no figure."""


@dataclass(slots=True)
class Sender:
    """One municipality with a line of its own, and what it has sent and was told on it."""

    name: str
    line: WebSocketLine
    sent: list[tuple[float, Prepared]] = field(default_factory=list)
    replies: list[tuple[float, bytes]] = field(default_factory=list)

    def send(self, parcel: Prepared, due: float | None = None) -> None:
        """Sends a parcel; its time counts from when it was due."""
        self.sent.append((due or time.perf_counter(), parcel))
        self.line.send(parcel.frame)

    def latencies(self) -> list[float]:
        """Seconds from send to reply, parcel by parcel."""
        return [end - begin for (begin, _), (end, _) in zip(self.sent, self.replies, strict=False)]

    async def closed_loop(self, parcels: Sequence[Prepared], in_flight: int = IN_FLIGHT) -> None:
        """Sends all parcels with so many unanswered; ends with the last reply. Raises LineLost."""
        waiting = iter(parcels)
        missing = len(parcels)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def answered(text: bytes) -> None:
            nonlocal missing
            self.replies.append((time.perf_counter(), text))
            missing -= 1
            if (parcel := next(waiting, None)) is not None:
                self.send(parcel)
            elif missing == 0:
                done.set_result(None)

        self._listen(answered, done)
        for _ in range(min(in_flight, len(parcels))):
            self.send(next(waiting))
        if parcels:
            await done

    async def open_loop(self, parcels: Iterable[tuple[float, Prepared]]) -> None:
        """Sends each parcel at its time (`time.perf_counter`), answered or not; ends with all answered."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        everything = False
        before = len(self.sent) - len(self.replies)

        def answered(text: bytes) -> None:
            self.replies.append((time.perf_counter(), text))
            if everything and len(self.replies) + before == len(self.sent) and not done.done():
                done.set_result(None)

        self._listen(answered, done)
        for due, parcel in parcels:
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            self.send(parcel, due)
        everything = True
        if len(self.replies) + before < len(self.sent):
            await done

    def _listen(self, answered: object, done: "asyncio.Future[None]") -> None:
        def lost(fault: LineLost) -> None:
            if not done.done():
                done.set_exception(fault)

        self.line.on_text, self.line.on_lost = answered, lost  # type: ignore[assignment]


@asynccontextmanager
async def senders(stage: Stage, server: Server, names: Sequence[str]) -> AsyncIterator[list[Sender]]:
    """Opens a line for each municipality; closes them all."""
    opened: list[Sender] = []
    try:
        for name in names:
            caller = stage.caller(name)
            opened.append(Sender(name, await open_line(server.host, server.port, "/notices", caller)))
        yield opened
    finally:
        for sender in opened:
            sender.line.on_lost = lambda _fault: None
            sender.line.transport.close()


async def closed_loops(
    work: Mapping[str, Sequence[Prepared]], opened: Sequence[Sender], in_flight: int = IN_FLIGHT
) -> float:
    """All senders at once, each with its parcels; gives the seconds from the first send to the last reply."""
    begun = time.perf_counter()
    await asyncio.gather(*(s.closed_loop(work[s.name], in_flight) for s in opened if work.get(s.name)))
    return time.perf_counter() - begun


def as_long_as(
    working: "asyncio.Task[float]", due: Iterable[tuple[float, Prepared]]
) -> Iterator[tuple[float, Prepared]]:
    """What is due, until other work has ended."""
    for moment, parcel in due:
        if working.done():
            return
        yield moment, parcel


def check(stage: Stage, opened: Iterable[Sender]) -> int:
    """Verifies replies: signature, digest, ids, each ACCEPTED, none a repeat; gives how many notices.

    Raises WrongAnswers.
    """
    key = verifying_key(load_certificate(tls_files(stage.pki, Role.PREF, "juki").certificate))
    return sum(
        _checked(text, parcel, key)
        for sender in opened
        for (_, parcel), (_, text) in zip(sender.sent, sender.replies, strict=True)
    )


def _checked(text: bytes, parcel: Prepared, key: VerifyingKey) -> int:
    reply = json.loads(unseal(text.decode("ascii"), REPLY_TYPE, key))
    told = [(answer.get("id"), answer["outcome"]) for answer in reply["answers"]]
    if reply["parcel_digest"] != parcel.digest or reply["repeated"]:
        raise WrongAnswers("a reply does not answer its parcel")
    if told != [(notice_id, "ACCEPTED") for notice_id in parcel.ids]:
        wrong = next((a for a in reply["answers"] if a["outcome"] != "ACCEPTED"), None)
        raise WrongAnswers(f"not everything was accepted: {wrong}")
    return len(told)

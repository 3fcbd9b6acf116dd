"""市町村CSの模擬: posts notices over its line, in order, until each has an answer that is final."""

import asyncio
import hashlib
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from jukinet_daemon.ledger.checkpoint import Verifier
from jukinet_daemon.outward import Caller, Conversation, PeerFault, call
from jukinet_daemon.sim.asked import Asked
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.tally import counts_of_day
from jukinet_daemon.sim.witness import Witness
from jukinet_daemon.wire.envelope import PARCEL_TYPE, TALLY_TYPE, digest_of, seal
from jukinet_daemon.wire.parcel import Parcel, write_parcel
from jukinet_daemon.wire.reply import CheckpointMessage
from jukinet_daemon.wire.tally import Tally, write_tally
from jukinet_daemon.wire.text import canonical

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Window:
    """One municipality's window to one register."""

    register: str
    municipality: str
    url: str
    caller: Caller
    parcel_notices: int = 50
    in_flight: int = 4
    ledger_key: Verifier | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a notice came to: outcome, code, the field it was about, whether it was answered before."""

    notice: dict[str, Any]
    outcome: str
    code: str
    field: str | None
    repeated: bool


class ParcelRefused(Exception):
    """The server would not read a parcel; sending it again would not help."""

    def __init__(self, code: str, field: str | None) -> None:
        super().__init__(f"{code} {field or ''}".strip())
        self.code = code


@dataclass(frozen=True, slots=True)
class _Sent:
    """A parcel on its way; one that the server asked for again has no notice that still waits."""

    digest: str
    notices: list[dict[str, Any]]
    asked: bool = False
    # The checkpoint that it named.
    checkpoint: str | None = None


class MunicipalCs:
    """Sends what is posted. What is not answered, or answered LATER, is sent again, in the order posted."""

    def __init__(
        self,
        window: Window,
        journal: Journal,
        answered: Callable[[Answered], None],
        last_number: int = 0,
        failed: Callable[[PeerFault], None] = lambda _fault: None,
    ) -> None:
        self._window = window
        self._journal = journal
        self._answered = answered
        self._failed = failed
        self._waiting: deque[dict[str, Any]] = deque()
        self._posted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._number = last_number
        self._settled = 0
        self._shown = ""
        self._days: deque[date] = deque()
        self._compared: set[date] = set()
        self.witness = Witness(journal, window.register, window.municipality, window.ledger_key)

    def post(self, notices: Iterable[dict[str, Any]]) -> None:
        """Queues notices."""
        self._waiting.extend(notices)
        if self._waiting:
            self._idle.clear()
            self._posted.set()

    def compare(self, day: date) -> None:
        """Has a day compared once all that waits is answered."""
        self._days.append(day)
        self._idle.clear()
        self._posted.set()

    async def done(self) -> None:
        """Waits until every notice posted has its final answer, and every day to compare is compared."""
        await self._idle.wait()

    async def run(self) -> None:
        """Keeps the line and sends, for ever; after a fault it pauses with jitter and goes on.

        Raises ParcelRefused.
        """
        pause = FIRST_PAUSE_S
        while True:
            before = self._settled
            try:
                async with call(self._window.url, self._window.caller) as line:
                    await self._converse(line)
            except PeerFault as fault:
                self._show(fault.notice)
                self._failed(fault)
                pause = FIRST_PAUSE_S if self._settled > before else min(pause * 2, LONGEST_PAUSE_S)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects

    def _show(self, notice: str) -> None:
        # A CS puts it on the screen of its staff; once is enough.
        if notice and notice != self._shown:
            print(f"{self._window.municipality}: {notice}", file=sys.stderr, flush=True)
        self._shown = notice

    async def _converse(self, line: Conversation) -> None:
        """Sends some parcels ahead of their answers; on any fault what is unanswered goes back first."""
        flying: deque[_Sent] = deque()
        asked = Asked(self._journal.path, self._window.register)
        # At the first connection of a day the day before is compared.
        yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - the day of this municipality
        if yesterday not in self._compared and yesterday not in self._days:
            self._days.append(yesterday)
        try:
            while True:
                while len(flying) < self._window.in_flight and (again := asked.next()):
                    flying.append(await self._send_again(line, *again))
                while self._waiting and len(flying) < self._window.in_flight:
                    flying.append(await self._send(line))
                if flying:
                    asked.hear(await self._settle(line, flying))
                elif self._days:
                    asked.hear(await self._compare(line, self._days[0]))
                    self._days.popleft()
                else:
                    self._idle.set()
                    self._posted.clear()
                    await line.idle(self._posted)
        finally:
            for sent in reversed(flying):
                self._waiting.extendleft(reversed(sent.notices))

    async def _send(self, line: Conversation) -> _Sent:
        count = min(self._window.parcel_notices, len(self._waiting))
        notices = [self._waiting.popleft() for _ in range(count)]
        try:
            self._number += 1
            window, held = self._window, self.witness.note
            parcel = Parcel(window.register, window.municipality, self._number, tuple(notices), held)
            now = datetime.now().astimezone().isoformat(timespec="milliseconds")
            signed = seal(write_parcel(parcel, now), PARCEL_TYPE, self._window.caller.key)
            self._journal.write(
                [
                    self._telegram("parcel", signed, parcel=self._number),
                    *(self._entry("sent", notice, parcel=self._number) for notice in notices),
                ]
            )
            await line.send(signed)
        except BaseException:
            self._waiting.extendleft(reversed(notices))
            raise
        return _Sent(digest_of(signed), notices, checkpoint=held)

    async def _compare(self, line: Conversation, day: date) -> list[list[int]]:
        """Compares a day with the server, nothing being on its way; gives the numbers that it misses."""
        window = self._window
        counts = counts_of_day(self._journal.path, window.register, day)
        tally = Tally(window.register, window.municipality, day, counts)
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        signed = seal(write_tally(tally, now), TALLY_TYPE, window.caller.key)
        await line.send(signed)
        reply = (await line.receive()).reply
        if reply.refused and not reply.refused.code.startswith("L"):
            raise ParcelRefused(reply.refused.code, reply.refused.field)
        if reply.comparison is None or reply.parcel_digest != digest_of(signed):
            raise PeerFault("the server did not compare the day")
        told = {"day": day.isoformat(), "differing": reply.comparison.differing}
        who = {"register": window.register, "sender": window.municipality}
        self._journal.write([{"event": "compared", **who, **told}])
        self._compared.add(day)
        return reply.missing

    async def _send_again(self, line: Conversation, number: int, payload: bytes) -> _Sent:
        """Sends what the server never got, word for word; its signature is of today's certificate."""
        signed = seal(payload, PARCEL_TYPE, self._window.caller.key)
        self._journal.write([self._telegram("parcel", signed, parcel=number)])
        await line.send(signed)
        return _Sent(digest_of(signed), [], asked=True)

    async def _settle(self, line: Conversation, flying: deque[_Sent]) -> list[list[int]]:
        """Takes the reply to the parcel sent longest ago; gives the numbers that the server misses."""
        receipt = await line.receive()
        reply, sent = receipt.reply, flying[0]
        told = [self._telegram("reply", receipt.signed)]
        if reply.refused:
            self._journal.write(told)
        if reply.refused and reply.refused.code.startswith("L"):
            raise PeerFault("the server takes nothing now")
        if reply.refused:
            raise ParcelRefused(reply.refused.code, reply.refused.field)
        if reply.parcel_digest != sent.digest or (len(reply.answers) != len(sent.notices) and not sent.asked):
            raise PeerFault("the reply does not answer the parcel")
        flying.popleft()
        if sent.asked:
            self._journal.write(told)
            if any(answer.outcome == "LATER" for answer in reply.answers):
                raise PeerFault("the server takes nothing now")
            return reply.missing
        again = []
        entries: list[dict[str, Any]] = []
        for place, (notice, answer) in enumerate(zip(sent.notices, reply.answers, strict=True)):
            if answer.outcome == "LATER":
                again.append(notice)
                continue
            repeated = place in reply.repeated
            entries.append(
                self._entry("answered", notice, outcome=answer.outcome, code=answer.code, repeated=repeated)
            )
            self._answered(Answered(notice, answer.outcome, answer.code, answer.field, repeated))
        entries += self._witnessed(reply.checkpoint, sent)
        self._journal.write(told + entries)
        self._settled += len(sent.notices) - len(again)
        if again:
            flying.appendleft(_Sent(sent.digest, again))
            raise PeerFault("the server takes nothing now")
        return reply.missing

    def _witnessed(self, told: CheckpointMessage | None, sent: _Sent) -> list[dict[str, Any]]:
        """What the journal has to know of a reply's checkpoint; one that is not taken is told once."""
        before = self.witness.refused
        entries = list(self.witness.hear(told, sent.checkpoint))
        if self.witness.refused and self.witness.refused != before:
            self._show(f"証跡の控えを受け取らない / checkpoint not taken: {self.witness.refused}")
        return entries

    def _telegram(self, event: str, signed: str, **fields: Any) -> dict[str, Any]:
        """What went over the line, word for word: the receipt is evidence, the parcel is what is owed."""
        window = self._window
        return {
            "event": event,
            "register": window.register,
            "sender": window.municipality,
            "signed": signed,
            **fields,
        }

    def _entry(self, event: str, notice: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {
            "event": event,
            # One without an id goes out too: refusing it is the server's to do.
            "id": notice.get("id"),
            # A faulty sender may use one id for two contents: the journal tells them apart.
            "content": hashlib.sha256(canonical(notice)).hexdigest()[:16],
            "register": self._window.register,
            "sender": self._window.municipality,
            **fields,
        }

"""ファイルの模型: the register as a log: visible when written, durable when flushed, cut by a crash."""

import asyncio
import json
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jukinet_daemon.domain.notice import ChangeNotice, Key
from jukinet_daemon.domain.person import PersonState
from jukinet_daemon.domain.record import Record
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.inbox import Committed, Entry, FirstAnswer, Known, ParcelRow
from jukinet_daemon.store.outbox import Closed, Outgoing


@dataclass(frozen=True)
class Receipt:
    """What a receipt closed, and what it told to be final."""

    ids: tuple[str, ...]
    told: tuple[str, ...]


class File:
    """The state, and the log that it follows from. `phases` says what receiving and relaying are doing."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.log: list[Entry | Receipt] = []
        self.flushed = 0
        self.epoch = 0
        self.fail_in = 0
        self.phases = {"receive": "idle", "relay": "away"}
        self.relays = 0
        self.wakes: list[Callable[[], None]] = []
        self._numbers = 0
        self._replay()

    def _replay(self) -> None:
        self.ids: dict[str, FirstAnswer] = {}
        self.people: dict[int, PersonState] = {}
        self.keys: dict[Key, int] = {}
        self.history: list[Record] = []
        self.receipted: set[str] = set()
        self.told: set[str] = set()
        for written in self.log:
            self._apply(written)

    def _apply(self, written: Entry | Receipt) -> None:
        if isinstance(written, Receipt):
            self.receipted.update(written.ids)
            self.told.update(written.told)
            return
        decision, row = written.decision, written.inbox
        if row:
            self.ids[row.notice_id] = FirstAnswer(row.sender, row.answer, frozenset({row.fingerprint}))
        if decision.after:
            self.people[decision.after.person_id] = decision.after
            self.keys.update(dict.fromkeys(decision.new_keys, decision.after.person_id))
            if decision.recorded and isinstance(written.notice, ChangeNotice):
                after = decision.after
                self.history.append(
                    Record(written.notice, after.person_id, after.version, written.notified_on)
                )

    def write(self, written: Entry | Receipt) -> None:
        """Visible to everybody, not yet durable."""
        self.log.append(written)
        self._apply(written)

    def flush(self) -> None:
        """What was written is durable."""
        self.flushed = len(self.log)
        for wake in self.wakes:
            wake()

    def crash(self) -> None:
        """Power is lost: of what was not flushed some is gone, the newest first; every session ends."""
        keep = self.dice.randint(self.flushed, len(self.log))
        del self.log[keep:]
        self.flushed = keep
        self.epoch += 1
        self._replay()

    def durable_answer(self, notice_id: str) -> str | None:
        """The answer that no crash can take back."""
        rows = (w.inbox for w in self.log[: self.flushed] if isinstance(w, Entry))
        return next((row.answer for row in rows if row and row.notice_id == notice_id), None)

    async def step(self, side: str, phase: str, epoch: int) -> None:
        """A moment in which anything may happen, the session's end too. Raises StoreFault."""
        self.phases[side] = phase
        await asyncio.sleep(self.dice.choice((0, 0, 0.001, 0.003)))
        self.fail_in -= 1
        if self.fail_in == 0 or self.epoch != epoch:
            raise StoreFault("planted")

    def remembers(self, notice_id: str) -> bool:
        """Whether a notice of this id was answered before."""
        return notice_id in self.ids

    def number(self) -> int:
        """A number nobody had."""
        self._numbers += 1
        return self._numbers


class ModelInbox:
    """What the receiver sees of the file: the same duties as store/inbox.py."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def known(self, notices: Collection[tuple[str, bytes]], keys: Sequence[Key]) -> Known:
        file = self._file
        await file.step("receive", "read", file.epoch)
        answers = {name: file.ids[name] for name, _ in notices if name in file.ids}
        return Known(answers, {key: file.people[file.keys[key]] for key in keys if key in file.keys})

    async def person_numbers(self, count: int) -> list[int]:
        return [self._file.number() for _ in range(count)]

    async def parcel_numbers(self, count: int) -> list[int]:
        return [self._file.number() for _ in range(count)]

    async def decision_rows(self, entries: Iterable[Entry]) -> list[Entry]:
        return list(entries)

    async def commit(
        self, _parcels: Iterable[ParcelRow], entries: Sequence[Entry], _repeats: Sequence[str]
    ) -> list[Committed]:
        file, results = self._file, []
        epoch, moved = file.epoch, set[int]()
        for entry in entries:
            await file.step("receive", "commit", epoch)
            results.append(self._one(entry, moved))
        await file.step("receive", "flush", epoch)
        file.flush()
        await file.step("receive", "flushed", epoch)
        file.phases["receive"] = "idle"
        return results

    def _one(self, entry: Entry, moved: set[int]) -> Committed:
        file, decision = self._file, entry.decision
        touched = {decision.after.person_id} if decision.after else set()
        if entry.inbox and file.remembers(entry.inbox.notice_id):
            moved |= touched
            return Committed.SEEN
        held = file.people.get(decision.after.person_id) if decision.after else None
        expected = decision.before.version if decision.before else 0
        taken = any(key in file.keys for key in decision.new_keys)
        if touched & moved or (decision.after and ((held.version if held else 0) != expected or taken)):
            moved |= touched
            return Committed.CONFLICT
        file.write(entry)
        return Committed.DONE


class ModelOutbox:
    """What the relay sees of the file: the same duties as store/outbox.py."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._epoch = file.epoch
        self._wake: Callable[[], None] | None = None

    @classmethod
    async def open(cls, file: Any, _vault: Any) -> "ModelOutbox | None":
        if file.relays:
            return None
        file.relays += 1
        return cls(file)

    async def close(self) -> None:
        self._file.relays -= 1
        self._file.phases["relay"] = "away"
        if self._wake:
            self._file.wakes.remove(self._wake)

    async def listen(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._file.wakes.append(wake)

    async def number(self) -> int:
        return self._file.number()

    async def waiting(self, limit: int) -> list[Outgoing]:
        await self._step("looking")
        waiting = [record for record in self._file.history if record.notice.id not in self._file.receipted]
        return [Outgoing(place, record) for place, record in enumerate(waiting[:limit])]

    async def announce(self, _leaf: Leaf) -> None:
        await self._step("announcing")
        self._file.flush()
        await self._step("announced")

    async def origins(self, _outgoing: Sequence[Outgoing]) -> list[str]:
        # Asked while the parcel is on its way.
        await self._step("sent")
        return []

    async def close_with(self, _digest: str, signed: str, closed: Sequence[Closed], _leaf: Leaf) -> None:
        await self._step("closing")
        answers = json.loads(signed)["answers"]
        told = tuple(answer["id"] for answer in answers if answer["outcome"] != "LATER")
        self._file.write(Receipt(tuple(answers[item.outbox_id]["id"] for item in closed), told))
        self._file.flush()
        await self._step("closed")

    async def _step(self, phase: str) -> None:
        await self._file.step("relay", phase, self._epoch)

"""鍵の更新: from one key version to the next while everything runs, and the end of the old one.

The state is nowhere but in the key ring and in the rows, so a rotation that was killed at any moment is
taken up by running it again.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.keys import KeyStore, Process
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.keyring import Keyring, read_keyring, write_keyring

# A process tells of itself every five seconds; who was silent for so long has ended.
SILENT_AFTER_S = 20.0
LOOK_EVERY_S = 1.0
# What a process sealed before it took up a new ring is committed or given up by then.
SETTLED_AFTER = timedelta(seconds=120)


class RotationFault(Exception):
    """A rotation or destruction cannot go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is: its name, values done of those found at its begin, or who is waited for."""

    step: str
    done: int = 0
    total: int = 0
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """How a rotation is run: rows a transaction, how long to wait for processes, how long writes settle."""

    batch: int = 500
    wait_s: float = 600.0
    settled_after: timedelta = SETTLED_AFTER


@dataclass(frozen=True, slots=True)
class KeyReport:
    """Which key versions there are, how many values stand under each, and what each process works with."""

    ring: Keyring
    values: Mapping[str, Mapping[int, int]]
    processes: tuple[Process, ...]

    def of(self, version: int) -> int:
        """How many values stand under a version."""
        return sum(counted.get(version, 0) for counted in self.values.values())

    @property
    def stale(self) -> int:
        """How many values stand under another version than the current one."""
        return sum(sum(counted.values()) for counted in self.values.values()) - self.of(self.ring.current)

    @property
    def next_step(self) -> str:
        """What `rotate` would begin with."""
        if self.ring.versions[-1] > self.ring.current:
            return "use"
        if self.stale:
            return "reseal"
        return "destroy" if len(self.ring.versions) > 1 else "add"


class KeyRotation:
    """Works on one key ring file and the database of its register."""

    def __init__(
        self,
        store: KeyStore,
        path: Path,
        *,
        register: str,
        operator: str,
        clock: Clock,
        terms: Terms,
        tell: Callable[[Progress], None],
    ) -> None:
        self._store = store
        self._path = path
        self._who = {"register": register, "operator": operator}
        self._clock = clock
        self._terms = terms
        self._tell = tell

    async def report(self) -> KeyReport:
        """Looks at ring, rows and processes. Raises KeyringFault, StoreFault."""
        ring = read_keyring(self._path)
        values = await self._store.versions()
        return KeyReport(ring, values, tuple(await self._store.processes(SILENT_AFTER_S)))

    async def rotate(self) -> KeyReport:
        """Brings every value under a new key version, or ends the rotation that was begun.

        Raises RotationFault, KeyringFault, StoreFault, VaultFault; then it can be run again.
        """
        await self._alone()
        report = await self.report()
        ring = report.ring
        if report.next_step == "destroy":
            old = ", ".join(str(version) for version in ring.versions if version != ring.current)
            raise RotationFault(
                f"版 {old} がまだ鍵束にあります。先に keys destroy で廃棄してください"
                " / destroy the old version first"
            )
        if report.next_step == "add":
            ring = ring.added()
            await self._change(ring, "add")
        newest = ring.versions[-1]
        # Nobody may write under a key that somebody who reads does not have yet.
        await self._known(lambda process: newest in process.versions, "add")
        if ring.current != newest:
            ring = ring.using(newest)
            await self._change(ring, "use")
        await self._known(lambda process: process.current == newest, "use")
        return await self._resealed(Vault(ring))

    async def destroy(self, version: int, *, apply: bool) -> None:
        """Takes a version out of the ring for good, once nothing stands under it or can come under it.

        Without `apply` it only makes the checks. Raises RotationFault where something stands or might come
        under it, KeyringFault, StoreFault.
        """
        await self._alone()
        left = await self._without(version)
        if not apply:
            return
        # A process that stood still for longer than we wait would go on where it was: no more of it is taken.
        ended = self._leaf("end", current=left.current, versions=list(left.versions), ended=version)
        if not await self._store.end(version, ended):
            raise RotationFault(
                "確定中の処理が終わりません。もう一度行ってください / commits under way: run it again"
            )
        self._require_none(await self.report(), version)
        await self._change(left, "destroy", destroyed=version)

    async def _without(self, version: int) -> Keyring:
        """What is left of the ring without a version. Raises RotationFault where it is needed still."""
        report = await self.report()
        self._require_old(report.ring, version)
        if behind := [process.name for process in report.processes if process.current == version]:
            raise RotationFault(f"まだこの鍵で書く処理があります / still writing: {', '.join(behind)}")
        changed = self._path.stat().st_mtime
        if self._clock().timestamp() - changed < self._terms.settled_after.total_seconds():
            raise RotationFault(
                f"鍵束の変更から {self._terms.settled_after.seconds} 秒待ってください"
                " / wait until writes under way have settled"
            )
        self._require_none(report, version)
        return report.ring.without(version)

    @staticmethod
    def _require_old(ring: Keyring, version: int) -> None:
        if version not in ring.versions:
            held = ", ".join(map(str, ring.versions))
            raise RotationFault(
                f"版 {version} は鍵束にありません。あるのは {held} / the ring has no such version"
            )
        if version == ring.current:
            raise RotationFault(
                f"版 {version} は今の版です。先に keys rotate を行う / it is the current one: rotate"
            )
        if version > ring.current:
            # Its number would be given to another key by the next rotation, and that one would have ended.
            raise RotationFault(
                f"版 {version} はまだ使われていません。keys rotate を続けてください / not in use yet: rotate"
            )

    @staticmethod
    def _require_none(report: KeyReport, version: int) -> None:
        if found := report.of(version):
            raise RotationFault(
                f"版 {version} の値が {found} 件あります。keys rotate を行ってください / values use this key"
            )

    async def _alone(self) -> None:
        if not await self._store.lock():
            raise RotationFault("ほかの鍵の操作が動いています / another key operation is running")

    async def _change(self, ring: Keyring, step: str, **more: int) -> None:
        """Writes the step down, then takes it: a step that was killed between is taken by the next run."""
        await self._store.record(self._leaf(step, current=ring.current, versions=list(ring.versions), **more))
        write_keyring(self._path, ring)
        self._tell(Progress(step))

    async def _known(self, knows: Callable[[Process], bool], step: str) -> None:
        """Waits until every living process is as it must be. Raises RotationFault after the time allowed."""
        told: tuple[str, ...] = ()
        try:
            async with asyncio.timeout(self._terms.wait_s):
                while waiting := tuple(
                    process.name
                    for process in await self._store.processes(SILENT_AFTER_S)
                    if not knows(process)
                ):
                    if waiting != told:
                        self._tell(Progress(step, waiting=waiting))
                    told = waiting
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise RotationFault(
                f"新しい鍵束を知らない処理があります。再起動してから続けてください: {', '.join(told)}"
                " / restart these, then run it again"
            ) from None

    async def _resealed(self, vault: Vault) -> KeyReport:
        """Puts rows under the current version until a look at all of them finds none left."""
        report = await self.report()
        while before := report.stale:
            done = 0
            for table in self._store.tables:
                after = table.first
                while batch := await self._store.stale(table, after, self._terms.batch, vault):
                    rows = len(batch.rows)
                    leaf = self._leaf("reseal", table=table.name, rows=rows, version=vault.ring.current)
                    await self._store.reseal(batch, leaf)
                    after, done = batch.after, done + batch.values
                    self._tell(Progress(f"reseal {table.name}", done, before))
            report = await self.report()
            if report.stale >= before:
                raise RotationFault(f"{report.stale} 件が更新できません / values could not be put under it")
        return report

    def _leaf(self, step: str, **more: object) -> Leaf:
        at = self._clock().isoformat(timespec="seconds")
        payload = {"event": "keys", "step": step, "at": at} | self._who | more
        return evidence(payload)

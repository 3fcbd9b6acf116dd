"""害: every way a part may be harmed in a campaign. Each says whether it really hit something."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from jukinet_daemon.sim.line import Harm, Line
from jukinet_daemon.sim.postgres import PostgresFault

from .prefecture import Prefecture
from .program import Program

_SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'jukinet%'
"""


@dataclass
class Target:
    """What is harmed: a prefecture and the process of its senders, with dice that can be thrown again."""

    prefecture: Prefecture
    senders: Program
    dice: random.Random

    @property
    def programs(self) -> tuple[Program, ...]:
        """Every process of ours."""
        return (self.prefecture.national, self.prefecture.daemon, self.prefecture.relay, self.senders)

    async def heal(self) -> None:
        """Brings everything up again, in whatever order the dice say."""
        chores: list[Callable[[], Awaitable[None]]] = [self._postgres_up, self._lines_up]
        chores += [program.ensure for program in self.programs]
        self.dice.shuffle(chores)
        # At once, as service managers do: the order in which they begin is the dice's.
        await asyncio.gather(*(chore() for chore in chores))

    async def _postgres_up(self) -> None:
        if not self.prefecture.postgres.running:
            await asyncio.to_thread(self.prefecture.postgres.start)

    async def _lines_up(self) -> None:
        for line in (self.prefecture.national_line, *self.prefecture.lines.values()):
            line.restore()


Inflict = Callable[[Target], Awaitable[bool]]


def _killed(name: str) -> Inflict:
    async def inflict(target: Target) -> bool:
        return _program(target, name).kill()

    return inflict


def _halted(name: str) -> Inflict:
    async def inflict(target: Target) -> bool:
        return _program(target, name).halt()

    return inflict


def _program(target: Target, name: str) -> Program:
    return next(program for program in target.programs if program.name == name)


async def _session(target: Target) -> int | None:
    try:
        pids = (await asyncio.to_thread(target.prefecture.sql, _SESSIONS)).split()
    except PostgresFault:
        return None
    return int(target.dice.choice(pids)) if pids else None


async def _session_ended(target: Target) -> bool:
    pid = await _session(target)
    if pid is None:
        return False
    try:
        return target.prefecture.sql(f"SELECT pg_terminate_backend({pid})") == "t"
    except PostgresFault:
        return False


async def _session_killed(target: Target) -> bool:
    """PostgreSQL takes the loss of a backend for a crash, and restarts itself."""
    pid = await _session(target)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


async def _postmaster_killed(target: Target) -> bool:
    running = target.prefecture.postgres.running
    await asyncio.to_thread(target.prefecture.postgres.kill)
    return running


def _cut(which: Callable[[Target], Line], how: Harm) -> Inflict:
    async def inflict(target: Target) -> bool:
        line = which(target)
        carrying = line.carrying > 0 and not line.is_cut
        await line.cut(how)
        return carrying

    return inflict


def _a_sender(target: Target) -> Line:
    return target.prefecture.lines[target.dice.choice(target.prefecture.senders)]


def _to_national(target: Target) -> Line:
    return target.prefecture.national_line


HARMS: Mapping[str, Inflict] = {
    **{f"{name} killed": _killed(name) for name in ("daemon", "relay", "national", "senders")},
    **{f"{name} halted": _halted(name) for name in ("daemon", "relay", "national")},
    "session ended": _session_ended,
    "session killed": _session_killed,
    "postmaster killed": _postmaster_killed,
    **{f"sender's line {how.value}": _cut(_a_sender, how) for how in Harm},
    **{f"national line {how.value}": _cut(_to_national, how) for how in Harm},
}

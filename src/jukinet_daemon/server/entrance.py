"""入口: takes who connects from the kernel, and lets one after another begin the handshake."""

import asyncio
import resource
import socket
from collections.abc import Callable, Coroutine
from functools import partial

import structlog

from jukinet_daemon.server.porch import MOST, Porch, Standing

log = structlog.get_logger()

# One handshake is begun in so many seconds: it costs the loop some five milliseconds, with what follows it,
# and a thread four, and a crowd of them must leave both to those who are inside.
PACE_S = 0.02
# A door with one peer needs no more.
PACE_OF_ONE_S = 0.1
# We look so often for who is next, so no pace is faster.
LOOK_S = 0.02
# Whoever has waited so long for its turn goes; of a crowd, so many at most at each look, and as many again of
# those whose turn it would be.
PATIENCE_S = 2.5
MOST_DISMISSED = 16
# Of the files that a process may open, this share is for those before one door: a process may have two, and
# what they leave must do for those inside and for the database.
SHARE_OF_FILES = 0.25
# So many are taken from the kernel before the loop goes on: whoever is not taken waits there, unseen.
MOST_AT_ONCE = 4
# Where no more connections can be taken (too many open files), trying at once again would only burn the loop.
ACCEPT_PAUSE_S = 0.5

Shake = Callable[[socket.socket, str], Coroutine[None, None, None]]


class Entrance:
    """One listening socket and those before the gate behind it.

    `shake` is the handshake: with whom, from where. `crowds` hears of an address that found no room or turn.
    One whose turn has not come is an entry in the porch and nothing more: a crowd brings thousands a second.
    """

    def __init__(
        self,
        door: str,
        listening: socket.socket,
        shake: Shake,
        crowds: Callable[[str], None],
        pace_s: float = PACE_S,
    ) -> None:
        self._door = door
        self._pace_s = pace_s
        self._due = 0.0
        self._listening = listening
        self._shake = shake
        self._crowds = crowds
        self._porch = Porch(_room())
        self._somebody = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = None
        self._loop.add_reader(listening, self._accept)
        self._turns = self._loop.create_task(self._give_turns())

    def stop_accepting(self) -> None:
        """Closes the port; who is before the gate goes on."""
        if self._again:
            self._again.cancel()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
            self._listening.close()

    async def close(self) -> None:
        """Closes the port and ends what is before the gate."""
        self.stop_accepting()
        self._turns.cancel()
        under_way = [one.handshake for one in self._porch.everybody() if one.handshake]
        for one in self._porch.everybody():
            one.turn_away()
        await asyncio.gather(self._turns, *under_way, return_exceptions=True)

    def _accept(self) -> None:
        try:
            for _ in range(MOST_AT_ONCE):
                connection, place = self._listening.accept()
                self._meet(connection, str(place[0]))
        except (BlockingIOError, ConnectionAbortedError):
            pass  # nobody is left, or whoever was next has gone
        except OSError as fault:
            log.error("accept_failed", door=self._door, fault=fault.strerror)
            self._loop.remove_reader(self._listening)
            self._again = self._loop.call_later(
                ACCEPT_PAUSE_S, self._loop.add_reader, self._listening, self._accept
            )

    def _meet(self, connection: socket.socket, address: str) -> None:
        connection.setblocking(False)
        newcomer = Standing(connection, address, self._loop.time())
        goes = self._porch.enter(newcomer)
        if goes:
            goes.turn_away()
        if goes is newcomer:
            self._crowds(address)
        else:
            self._somebody.set()

    async def _give_turns(self) -> None:
        while True:
            await self._somebody.wait()
            try:
                self._look()
            except Exception as fault:  # a fault over one must not end the turns of all
                log.error("entrance_tripped", door=self._door, fault=type(fault).__name__)
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        for one in self._porch.first_to_wait(MOST_DISMISSED):
            self._patient(one)
        now = self._loop.time()
        # One in each pace, and one more behind a pause.
        if now >= self._due and (one_more := self._next()):
            self._due = max(self._due, now - self._pace_s) + self._pace_s
            self._begin(one_more)
        if not self._porch.waits:
            self._somebody.clear()

    def _next(self) -> Standing | None:
        """Whose turn it is; nobody where none waits, or where too many had gone or had no patience left."""
        for _ in range(MOST_DISMISSED):
            one = self._porch.next()
            if not one or (self._patient(one) and self._there(one)):
                return one
        return None

    def _patient(self, one: Standing) -> bool:
        """Whether one has not waited too long; if it has, it goes."""
        if self._loop.time() - one.came < PATIENCE_S:
            return True
        self._dismiss(one)
        self._crowds(one.address)
        return False

    def _there(self, one: Standing) -> bool:
        """Whether one has not gone by itself: then the turn is another's."""
        try:
            if one.connection.recv(1, socket.MSG_PEEK):
                return True
        except BlockingIOError:
            return True  # it has not said anything yet
        except OSError:
            pass
        self._dismiss(one)
        return False

    def _dismiss(self, one: Standing) -> None:
        self._porch.leave(one)
        one.turn_away()

    def _begin(self, one: Standing) -> None:
        one.handshake = self._loop.create_task(self._shake(one.connection, one.address))
        one.handshake.add_done_callback(partial(self._ended, one))

    def _ended(self, one: Standing, handshake: asyncio.Task[None]) -> None:
        self._porch.leave(one)
        if handshake.cancelled():
            one.connection.close()


def _room() -> int:
    """How many may stand before a door of this process."""
    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else min(MOST, int(files * SHARE_OF_FILES))

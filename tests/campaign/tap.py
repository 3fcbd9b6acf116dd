"""盗聴点: a line that carries whole messages, counts them, and can be harmed before or after any one."""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .framing import Message, PostgresFraming, TlsFraming

Framing = type[TlsFraming] | type[PostgresFraming]
# A receiver in this very process has read by then what was handed to it.
READ_S = 0.002
_RESET = struct.pack("ii", 1, 0)


class Moment(StrEnum):
    """When a message is harmed."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One protocol step of a notice: on which hop, which way, the how-manieth there, what it is."""

    hop: str
    way: str
    place: int
    label: str


@dataclass
class Plan:
    """What is seen since `begin`, and the one moment at which something is to be done."""

    seen: list[Step] = field(default_factory=list)
    step: Step | None = None
    moment: Moment = Moment.BEFORE
    harm: "Callable[[TappedConnection], Awaitable[None]] | None" = None
    struck: bool = False
    drifted: bool = False
    messages: int = 0
    _places: Counter[tuple[str, str]] = field(default_factory=Counter)

    def pass_by(self, hop: str, way: str, label: str) -> Step:
        """Counts a message."""
        self.messages += 1
        self._places[hop, way] += 1
        step = Step(hop, way, self._places[hop, way], label)
        self.seen.append(step)
        return step

    def due(self, step: Step) -> bool:
        """Whether this is the step to be harmed. One that is not what it was in the clean run is let pass."""
        wanted = self.step
        if wanted is None or self.struck or (step.hop, step.way, step.place) != wanted_place(wanted):
            return False
        self.drifted = step.label != wanted.label
        self.struck = not self.drifted
        return self.struck


def wanted_place(step: Step) -> tuple[str, str, int]:
    """Where a step is, whatever it is called."""
    return step.hop, step.way, step.place


class TappedConnection:
    """One client, our connection to its server, and the gate between them."""

    def __init__(self, tap: "Tap", client: Any, server: Any) -> None:
        self.tap = tap
        self.client: tuple[asyncio.StreamReader, asyncio.StreamWriter] = client
        self.server: tuple[asyncio.StreamReader, asyncio.StreamWriter] = server
        self.gate = asyncio.Event()
        self.gate.set()
        self.peer = ""

    async def carry(self) -> None:
        """Carries both ways until either ends."""
        ways = [
            asyncio.create_task(self._pump(self.client[0], self.server[1], to_server=True)),
            asyncio.create_task(self._pump(self.server[0], self.client[1], to_server=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.finish()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, to_server: bool
    ) -> None:
        framing = self.tap.framing(to_server)
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                for message in framing.feed(data):
                    self.peer = framing.peer or self.peer
                    await self.gate.wait()
                    await self._hand_on(message, sink, "to server" if to_server else "to client")
            await self.gate.wait()

    async def _hand_on(self, message: Message, sink: asyncio.StreamWriter, way: str) -> None:
        plan, hop = self.tap.plan, self.tap.hop_of(self.peer)
        due = bool(hop and message.label) and plan.due(plan.pass_by(hop, way, message.label))
        assert plan.harm is not None or not due
        if due and plan.harm and plan.moment is Moment.BEFORE:
            await plan.harm(self)
        sink.write(message.data)
        if due and plan.harm and plan.moment is Moment.AFTER:
            # What it brings about is held back: the harm comes between.
            self.gate.clear()
            await asyncio.sleep(READ_S)
            await plan.harm(self)
            self.gate.set()

    def reset_client(self) -> None:
        """Resets the client's end."""
        _reset(self.client[1])

    def reset(self) -> None:
        """Resets both ends."""
        _reset(self.client[1])
        _reset(self.server[1])

    def finish(self) -> None:
        """Closes both ends in order."""
        for end in (self.client, self.server):
            end[1].close()


class Tap:
    """One tapped line. `hops` names whom its messages are counted for, by peer; others pass uncounted."""

    def __init__(self, plan: Plan, framing: Framing, hops: Callable[[str], str]) -> None:
        self.plan = plan
        self.framing = framing
        self.hop_of = hops
        self.refusing = False
        self.connections: dict[TappedConnection, asyncio.Task[Any] | None] = {}
        self._server: asyncio.Server | None = None

    async def start(self, connect: Callable[[], Awaitable[Any]]) -> int:
        """Listens on loopback; `connect` opens a connection to the server behind. Gives the port."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self.refusing:
                _reset(writer)
                return
            try:
                server = await connect()
            except OSError:
                _reset(writer)
                return
            connection = TappedConnection(self, (reader, writer), server)
            self.connections[connection] = asyncio.current_task()
            try:
                await connection.carry()
            finally:
                del self.connections[connection]

        self._server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def cut_all(self) -> None:
        """Resets every connection, and new ones until told otherwise, and waits until all are gone."""
        self.refusing = True
        tasks = [task for task in self.connections.values() if task is not asyncio.current_task()]
        for connection in list(self.connections):
            connection.reset()
            connection.gate.set()
        await asyncio.wait([task for task in tasks if task] or [asyncio.create_task(asyncio.sleep(0))])

    async def stop(self) -> None:
        """Closes everything."""
        if self._server:
            self._server.close()
        await self.cut_all()


def _reset(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    if end is not None and end.family != socket.AF_UNIX:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()

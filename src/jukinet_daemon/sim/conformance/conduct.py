"""実施: puts vectors to a running server over the wire, as municipalities would, and keeps its answers."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from jukinet_daemon.outward import Caller, Conversation, PeerFault, call
from jukinet_daemon.sim.conformance.script import Letter, Script
from jukinet_daemon.sim.conformance.vectors import Answer
from jukinet_daemon.wire.envelope import PARCEL_TYPE, digest_of, seal
from jukinet_daemon.wire.parcel import PROTOCOL
from jukinet_daemon.wire.reply import AnswerMessage

REPLY_TIMEOUT_S = 60.0
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Server:
    """A server to be put to the test: its register, its notices door, and who calls it for whom."""

    register: str
    url: str
    caller_of: Callable[[str], Caller]


class _Office:
    """One municipality's end: a line that is opened when it is needed, one parcel on its way at a time."""

    def __init__(self, server: Server, municipality: str) -> None:
        self._server = server
        self._municipality = municipality
        self._caller = server.caller_of(municipality)
        self._turn = asyncio.Lock()
        self._line: Conversation | None = None
        self._stack = AsyncExitStack()
        # A number names one parcel for ever, so each run begins above the last one.
        self._numbers = count(time.time_ns() // 1_000_000)

    async def tell(self, letter: Letter) -> Answer:
        """Sends one notice in a parcel of its own. Raises PeerFault; then the next opens a new line."""
        async with self._turn:
            try:
                async with asyncio.timeout(REPLY_TIMEOUT_S):
                    return await self._exchange(letter)
            except (PeerFault, TimeoutError) as fault:
                await self.close()
                raise PeerFault(str(fault) or "no reply") from None

    async def _exchange(self, letter: Letter) -> Answer:
        if self._line is None:
            self._line = await self._stack.enter_async_context(call(self._server.url, self._caller))
        signed = self._signed(letter)
        await self._line.send(signed)
        reply = (await self._line.receive()).reply
        if reply.parcel_digest != digest_of(signed):
            raise PeerFault("the reply does not answer the parcel")
        if reply.refused is not None:
            return Answer("REFUSED", reply.refused.code, reply.refused.field)
        if len(reply.answers) != 1:
            raise PeerFault("one notice was not given one answer")
        return _answer(reply.answers[0], repeated=0 in reply.repeated)

    def _signed(self, letter: Letter) -> str:
        signed = seal(self._payload(letter), PARCEL_TYPE, self._caller.key)
        if "signature" not in letter.parcel:
            return signed
        head, payload, signature = signed.split(".")
        return f"{head}.{payload}.{signature[::-1]}"

    def _payload(self, letter: Letter) -> bytes:
        """A parcel around the text of a notice as it is: some are no JSON that a library would write."""
        head: dict[str, Any] = {
            "protocol": PROTOCOL,
            "register": self._server.register,
            "sender": self._municipality,
            "number": next(self._numbers),
            "sent_at": datetime.now().astimezone().isoformat(timespec="milliseconds"),
        }
        head |= {name: value for name, value in letter.parcel.items() if name != "signature"}
        return f'{json.dumps(head)[:-1]}, "notices": [{letter.text}]}}'.encode()

    async def close(self) -> None:
        """Hangs up."""
        self._line = None
        await self._stack.aclose()


def _answer(message: AnswerMessage, *, repeated: bool) -> Answer:
    remarks = tuple(f"{remark.code} {remark.field}" for remark in message.remarks or ())
    return Answer(message.outcome, message.code, message.field, remarks, repeated)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a server answered to the letters of a script, and the fault that ended it early, if one did."""

    script: Script
    answers: tuple[Answer, ...]
    fault: str | None = None


async def conduct(server: Server, scripts: Iterable[Script]) -> list[Heard]:
    """Puts scripts to a server, several at once, each in its own order.

    Gives what was heard, in the order of the scripts. Raises PkiFileError for a municipality without files.
    """
    offices: dict[str, _Office] = {}
    some = asyncio.Semaphore(AT_ONCE)

    async def put(script: Script) -> Heard:
        answers: list[Answer] = []
        async with some:
            for letter in script.letters:
                office = offices.get(letter.sender)
                if office is None:
                    office = offices[letter.sender] = _Office(server, letter.sender)
                try:
                    answers.append(await office.tell(letter))
                except PeerFault as fault:
                    return Heard(script, tuple(answers), str(fault))
        return Heard(script, tuple(answers))

    try:
        return list(await asyncio.gather(*(put(script) for script in scripts)))
    finally:
        for office in offices.values():
            await office.close()

"""欠番の求め: a server that swallows parcels and asks for them, to put a vendor's CS to the test."""

import asyncio
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import WSMsgType, web

from jukinet_daemon.keys import verifying_key
from jukinet_daemon.ledger.leaf import leaf_of, new_salt
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import NotAdmitted, admits
from jukinet_daemon.sim.conformance.vectors import VectorFault, vectors_folder
from jukinet_daemon.sim.national import Office
from jukinet_daemon.wire.envelope import (
    MAX_SIGNED_BYTES,
    PARCEL_TYPE,
    REPLY_TYPE,
    TALLY_TYPE,
    SignatureFault,
    VerifyingKey,
    base64url,
    digest_of,
    seal,
    unseal,
)
from jukinet_daemon.wire.parcel import Parcel, ParcelFault, read_parcel
from jukinet_daemon.wire.reply import ReplyHead, write_answer, write_comparison, write_refusal, write_reply
from jukinet_daemon.wire.tally import TallyFault, counts_table, read_tally
from jukinet_daemon.wire.text import canonical

PATH = "/notices"
_ZONE = ZoneInfo("Asia/Tokyo")
# Of the case's own parcels, so many come after what was asked for, so that the CS is seen to go on.
_AFTER = 2


@dataclass(frozen=True, slots=True)
class Case:
    """What happens to a CS: which parcels (by order, from 1) are swallowed with their line, how it is asked.

    `stubborn` asks also for what has come; `hang_up` breaks the line once, behind the first reply that asks;
    `unknown` asks for so many numbers that were never used.
    """

    name: str
    citation: str
    swallow: tuple[int, ...] = ()
    stubborn: bool = False
    hang_up: bool = False
    unknown: int = 0


def load_cases() -> tuple[Case, ...]:
    """The cases in their files. Raises VectorFault, OSError."""
    files = sorted((vectors_folder() / "asking").glob("*.toml"))
    tables = [table for file in files for table in tomllib.loads(file.read_text("utf-8"))["case"]]
    try:
        return tuple(Case(**(table | {"swallow": tuple(table.get("swallow", ()))})) for table in tables)
    except TypeError as fault:
        raise VectorFault(str(fault)) from None


@dataclass(eq=False, slots=True)
class _Line:
    """One connection of the CS: what it was asked for on it, and how often each came behind that."""

    asked: set[int] = field(default_factory=set)
    came: Counter[int] = field(default_factory=Counter)


class Asking:
    """The server of one case at a time. `complaints` says what the CS did otherwise than it must."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._payloads: dict[int, bytes] = {}
        self._answers: dict[str, str] = {}
        self._begin(Case("none", "-"))

    def _begin(self, case: Case) -> None:
        self._case = case
        self._order: list[int] = []
        self._swallowed: set[int] = set()
        self._owed: set[int] = set()
        self._after = 0
        self._hung_up = False
        self._done = asyncio.Event()
        self.complaints: list[str] = []

    async def put(self, case: Case, seconds: float) -> list[str]:
        """Plays a case with whichever CS sends; gives what was wrong."""
        self._begin(case)
        try:
            async with asyncio.timeout(seconds):
                await self._done.wait()
        except TimeoutError:
            self.complaints += [
                f"parcel {number} was asked for and did not come" for number in sorted(self._owed)
            ] or ["the CS sent too little, or stopped"]
        return self.complaints

    def application(self) -> web.Application:
        """The aiohttp application."""
        application = web.Application()
        application.router.add_get(PATH, self._handle)
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None  # noqa: S101 - a request that is being handled has one
        certificate = peer_certificate(request.transport.get_extra_info("ssl_object"))
        try:
            admits(self._office.policy, certificate)
        except NotAdmitted as refusal:
            raise web.HTTPForbidden(text=str(refusal.reason)) from None
        socket = web.WebSocketResponse(compress=False, heartbeat=60.0, max_msg_size=MAX_SIGNED_BYTES)
        await socket.prepare(request)
        line, key = _Line(), verifying_key(certificate)
        async for message in socket:
            reply = self._hear(message.data, key, line) if message.type is WSMsgType.TEXT else None
            if reply is not None:
                await socket.send_str(reply)
            if reply is None or self._breaks_now(line):
                request.transport.abort()
                break
        return socket

    def _breaks_now(self, line: _Line) -> bool:
        breaks = self._case.hang_up and not self._hung_up and bool(line.asked)
        self._hung_up = self._hung_up or breaks
        return breaks

    def _hear(self, signed: str, key: VerifyingKey, line: _Line) -> str | None:
        """The reply to a message; None where the line swallows it."""
        digest, now = digest_of(signed), datetime.now(_ZONE)
        try:
            payload = unseal(signed, PARCEL_TYPE, key)
            parcel = read_parcel(payload)
        except (SignatureFault, ParcelFault):
            return seal(self._other(signed, key, _text(now)), REPLY_TYPE, self._office.key)
        self._note(parcel.number, payload, line)
        if self._is_swallowed(parcel.number):
            return None
        missing = self._missing()
        line.asked |= {number for first, last in missing for number in range(first, last + 1)}
        repeated = [i for i, notice in enumerate(parcel.notices) if notice.get("id") in self._answers]
        answers = [self._answer(parcel, place, digest, now) for place in range(len(parcel.notices))]
        head = ReplyHead(self._office.register, parcel.sender, parcel.number, digest, missing)
        return seal(write_reply(head, answers, repeated, _text(now)), REPLY_TYPE, self._office.key)

    def _other(self, signed: str, key: VerifyingKey, now: str) -> bytes:
        """What is no parcel: a tally is agreed to, whatever it says; all else is refused."""
        digest = digest_of(signed)
        try:
            tally = read_tally(unseal(signed, TALLY_TYPE, key))
        except (SignatureFault, TallyFault):
            self._complain("a message was no parcel and no tally")
            return write_refusal(ReplyHead(self._office.register, "-", None, digest), "P400", None, now)
        agreed = {"day": tally.day.isoformat(), "counts": counts_table(tally.counts), "differing": []}
        return write_comparison(ReplyHead(self._office.register, tally.sender, None, digest), agreed, now)

    def _note(self, number: int, payload: bytes, line: _Line) -> None:
        known = self._payloads.setdefault(number, payload)
        if known != payload:
            self._complain(f"parcel {number} came again with another payload")
        if number in line.asked:
            line.came[number] += 1
            if line.came[number] == 2:
                self._complain(f"parcel {number} came more than once on a connection")
        if number in self._owed and number in self._swallowed:
            self._owed.discard(number)
        elif number not in self._order:
            self._order.append(number)
            self._after += not self._owed and len(self._order) > max(self._case.swallow, default=0)
        if self._after > _AFTER and not self._owed:
            self._done.set()

    def _complain(self, problem: str) -> None:
        self.complaints.append(problem)
        self._done.set()

    def _is_swallowed(self, number: int) -> bool:
        place = self._order.index(number) + 1 if number in self._order else 0
        if place not in self._case.swallow or number in self._swallowed:
            return False
        self._swallowed.add(number)
        self._owed.add(number)
        return True

    def _missing(self) -> list[tuple[int, int]]:
        if len(self._order) <= max(self._case.swallow, default=0):
            return []
        numbers = sorted(self._swallowed if self._case.stubborn else self._owed)
        spans = [(number, number) for number in numbers]
        if self._case.unknown:
            beyond = max(self._payloads) + 1_000
            spans.append((beyond, beyond + self._case.unknown - 1))
        return spans

    def _answer(self, parcel: Parcel, place: int, digest: str, now: datetime) -> str:
        name = parcel.notices[place]["id"]
        if name not in self._answers:
            told = {"code": "A100", "id": name, "received_on": now.date().isoformat()}
            event = {"event": "notice", "parcel_digest": digest, "position": place, "sender": parcel.sender}
            payload = canonical(told | event | {"register": self._office.register}).decode()
            leaf = leaf_of(payload, new_salt())
            opening: dict[str, Any] = {"leaf": base64url(leaf.hash), "salt": base64url(leaf.salt)}
            self._answers[name] = write_answer(told | opening | {"outcome": "ACCEPTED"})
        return self._answers[name]


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")

"""全国サーバの模擬: takes records from prefectures, journals them, and signs a receipt for each parcel.

It judges for itself what it takes: each record of a person must carry a higher sequence than the one before.
Of a day it counts what its journal has, and tells a prefecture that asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import WSMsgType, web

from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, admits
from jukinet_daemon.sim.journal import Journal, read_journal
from jukinet_daemon.sim.numbers import answer_numbers
from jukinet_daemon.sim.tally import TAKEN, counts_relayed
from jukinet_daemon.wire.bridge import ANSWER_TYPE, MAX_BRIDGE_BYTES, BridgeFault
from jukinet_daemon.wire.envelope import (
    MAX_SIGNED_BYTES,
    PARCEL_TYPE,
    REPLY_TYPE,
    TALLY_TYPE,
    SignatureFault,
    SigningKey,
    VerifyingKey,
    digest_of,
    seal,
    unseal,
)
from jukinet_daemon.wire.parcel import Parcel, ParcelFault, read_parcel
from jukinet_daemon.wire.reply import ReplyHead, write_answer, write_comparison, write_refusal, write_reply
from jukinet_daemon.wire.tally import TallyFault, counts_table, differing, read_tally

_ZONE = ZoneInfo("Asia/Tokyo")
PATH, NUMBERS_PATH = "/records", "/numbers"
OUT_OF_ORDER, NOT_A_RECORD = "N310", "N300"


@dataclass(frozen=True, slots=True)
class Office:
    """Who this national server is and whom it admits."""

    register: str
    policy: DoorPolicy
    key: SigningKey = field(repr=False)


class NationalServer:
    """A national server of one register."""

    def __init__(self, office: Office, journal: Path, elsewhere: Mapping[str, str] | None = None) -> None:
        self._office = office
        self._elsewhere = {} if elsewhere is None else elsewhere
        self._answers: dict[str, str] = {}
        self._sequences: dict[tuple[str, str], int] = {}
        for entry in read_journal(journal):
            self._remember(entry)
        self._journal = Journal(journal)

    def application(self) -> web.Application:
        """The aiohttp application."""
        application = web.Application(client_max_size=MAX_BRIDGE_BYTES)
        application.router.add_get(PATH, self._handle)
        application.router.add_post(NUMBERS_PATH, self._handle_numbers)
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            key = self._admit(request)
        except NotAdmitted as refusal:
            raise web.HTTPForbidden(text=str(refusal.reason)) from None
        socket = web.WebSocketResponse(compress=False, heartbeat=60.0, max_msg_size=MAX_SIGNED_BYTES)
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            await socket.send_str(self._reply(message.data, key))
        return socket

    async def _handle_numbers(self, request: web.Request) -> web.Response:
        """法30条の11第1項: the number of somebody whose last address was elsewhere."""
        try:
            signed = (await request.read()).decode("ascii")
            answer = answer_numbers(signed, self._admit(request), self._elsewhere)
        except NotAdmitted as refusal:
            raise web.HTTPForbidden(text=str(refusal.reason)) from None
        except (SignatureFault, BridgeFault, UnicodeDecodeError):
            raise web.HTTPBadRequest from None
        return web.Response(text=seal(answer, ANSWER_TYPE, self._office.key), content_type="application/jose")

    def _admit(self, request: web.Request) -> VerifyingKey:
        assert request.transport is not None  # noqa: S101 - a request that is being handled has one
        certificate = peer_certificate(request.transport.get_extra_info("ssl_object"))
        admits(self._office.policy, certificate)
        return verifying_key(certificate)

    def _reply(self, signed: str, key: VerifyingKey) -> str:
        digest = digest_of(signed)
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        try:
            parcel = read_parcel(unseal(signed, PARCEL_TYPE, key))
        except SignatureFault:
            return seal(self._compare(signed, key, now), REPLY_TYPE, self._office.key)
        except ParcelFault:
            return seal(self._refuse(digest, now), REPLY_TYPE, self._office.key)
        head = ReplyHead(self._office.register, parcel.sender, parcel.number, digest)
        repeated = [i for i, record in enumerate(parcel.notices) if record.get("id") in self._answers]
        answers = self._take(parcel, digest)
        return seal(write_reply(head, answers, repeated, now), REPLY_TYPE, self._office.key)

    def _refuse(self, digest: str, now: str) -> bytes:
        return write_refusal(ReplyHead(self._office.register, "unknown", None, digest), "N400", None, now)

    def _compare(self, signed: str, key: VerifyingKey, now: str) -> bytes:
        """What is no parcel may be a tally: the counts of its day from the journal."""
        digest = digest_of(signed)
        try:
            tally = read_tally(unseal(signed, TALLY_TYPE, key))
        except (SignatureFault, TallyFault):
            return self._refuse(digest, now)
        ours = counts_relayed(self._journal.path, tally.sender, tally.day)
        kinds = differing(tally.counts, ours)
        comparison = {"day": tally.day.isoformat(), "counts": counts_table(ours), "differing": kinds}
        return write_comparison(ReplyHead(self._office.register, tally.sender, None, digest), comparison, now)

    def _take(self, parcel: Parcel, digest: str) -> list[str]:
        fresh = []
        for record in parcel.notices:
            if record.get("id") not in self._answers:
                entry = self._judge(parcel.sender, record, digest)
                self._remember(entry)
                fresh.append(entry)
        if fresh:
            self._journal.write(fresh)
        return [self._answers[record["id"]] for record in parcel.notices]

    def _judge(self, prefecture: str, record: dict[str, Any], digest: str) -> dict[str, Any]:
        code = TAKEN
        if record.get("kind") != "record" or not isinstance(record.get("sequence"), int):
            code = NOT_A_RECORD
        elif record["sequence"] <= self._sequences.get((prefecture, record["person_number"]), 0):
            code = OUT_OF_ORDER
        day = self._today().isoformat()
        return {
            "code": code,
            "prefecture": prefecture,
            "parcel_digest": digest,
            "received_on": day,
            "record": record,
        }

    def _today(self) -> date:
        return datetime.now(_ZONE).date()

    def _remember(self, entry: dict[str, Any]) -> None:
        record, code = entry["record"], entry["code"]
        if code == TAKEN:
            self._sequences[entry["prefecture"], record["person_number"]] = record["sequence"]
        outcome = "ACCEPTED" if code == TAKEN else "REFUSED"
        self._answers[record["id"]] = write_answer(
            {"id": record["id"], "outcome": outcome, "code": code, "received_on": entry.get("received_on")}
        )

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()

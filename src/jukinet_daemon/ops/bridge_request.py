"""橋の求め (附票都道府県サーバ): opens a case of an office, asks for its persons, delivers once, erases."""

import re
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import structlog

from jukinet_daemon.domain import bridge_outcomes as outcomes
from jukinet_daemon.domain.bridge_outcomes import ELSEWHERE
from jukinet_daemon.domain.identifiers import (
    AREA_CODE,
    RECORD_KEY,
    RESIDENT_CODE,
    is_individual_number,
)
from jukinet_daemon.domain.notice import Key, KeyKind
from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.domain.overseas import left_from_elsewhere, shown_overseas
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.ops.operator import OperatorFault
from jukinet_daemon.service.bridge_case import (
    Correspondent,
    PeerUnreachable,
    Permit,
    case_fields,
    leaf,
    moment_text,
)
from jukinet_daemon.service.bridge_erase import Eraser
from jukinet_daemon.service.bridge_open import OpenCases
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.bridge_request import CaseRow, Entry, Opening, RequestStore, Settling
from jukinet_daemon.store.faults import OverFault, RowFault
from jukinet_daemon.vault.age import AgeWriter
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.seal import RequestKey, SealFault, key_digest
from jukinet_daemon.wire.bridge import (
    ACCOUNT,
    ANSWER_TYPE,
    ASK_TYPE,
    MAX_REQUESTS,
    Ask,
    BridgeFault,
    Case,
    Release,
    Request,
    read_answer,
    read_release,
    write_ask,
)
from jukinet_daemon.wire.envelope import base64url
from jukinet_daemon.wire.text import canonical

log = structlog.get_logger()

REGISTER = "fuhyo"
_PAGE = 1000
# What an office's list may hold: so many lines at once, each so long.
MOST_KEYS, LONGEST_KEY = 1000, 80
_STRANGE_ACCOUNT = (
    "requested_by: この利用者の名は橋の電文に書けない (英数字と . _ : / \\ @ + - で 128 文字まで)。"
    "別の利用者で求める / the account has a name that no message of the bridge carries: ask as another"
)


class CaseFault(OperatorFault):
    """What was asked for cannot be done with a case; the message says why, for an operator."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator asks for: for which office, affair and basis, and who approved."""

    office: str
    affair: str
    basis: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class Peers:
    """Whom a number is asked of: the 都道府県 server of `prefecture`, or 全国サーバ."""

    prefecture: str
    juki: Correspondent
    national: Correspondent | None


@dataclass(frozen=True, slots=True)
class Tools:
    """What the desk works with: the rule of who may, open cases, the eraser, keys, clock, counters."""

    permit: Permit
    open_cases: OpenCases
    eraser: Eraser
    vault: Vault
    clock: Clock
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of an office's list: what the file has of it, whom to ask, the request and its key pair."""

    place: int
    index: bytes
    entry: Entry
    outcome: Outcome
    addressee: str
    request: Request
    key: RequestKey


class RequestDesk:
    """The 附票 server's side of the bridge, as operators use it."""

    def __init__(self, store: RequestStore, peers: Peers, tools: Tools) -> None:
        self._store = store
        self._peers = peers
        self._permit = tools.permit
        self._open = tools.open_cases
        self._eraser = tools.eraser
        self._vault = tools.vault
        self._clock = tools.clock
        self._metrics = tools.metrics

    async def open_case(self, wanted: Wanted, operator: str) -> dict[str, Any]:
        """Opens a case, or says why not; both are recorded before they are told.

        Nobody is looked up yet: the basis is decided on before anything is read. Raises CaseFault for an
        account that no message can name, StoreFault.
        """
        if not ACCOUNT.fullmatch(operator):
            raise CaseFault(_STRANGE_ACCOUNT)
        refusal = (
            outcomes.SAME_PERSON_APPROVES
            # A domain knows an account however it is capitalised.
            if wanted.approved_by.casefold() == operator.casefold()
            else self._permit(wanted.office, wanted.affair, wanted.basis, self._clock().date())
        )
        case = Case(
            str(uuid4()), wanted.office, wanted.basis, wanted.affair, operator, wanted.approved_by, ""
        )
        evidence = leaf(
            REGISTER,
            "bridge_case_refused" if refusal else "bridge_case_opened",
            **case_fields(case),
            code=refusal.code if refusal else None,
            on=self._clock().date().isoformat(),
        )
        code = refusal.code if refusal else None
        row = CaseRow(
            case.id, case.office, case.basis, case.affair, operator, case.approved_by, code, self._open.run
        )
        ends = await self._store.open_case(row, self._open.hold_seconds, evidence)
        if refusal:
            log.warning("bridge_case_refused", case=case.id, code=refusal.code)
            return {"case": case.id, "code": refusal.code, "text": refusal.ja}
        self._open.add(replace(case, expires_at=moment_text(ends)))
        return {"case": case.id, "expires_at": ends.astimezone(self._clock().tzinfo).isoformat()}

    async def ask(self, case_id: str, operator: str, first_place: int, keys: Sequence[str]) -> dict[str, int]:
        """Asks for the persons that keys name, in blocks; gives how many came to which outcome.

        A key is a 住民票コード or a record key of the file (団体コード/記録番号). Raises CaseFault, and
        StoreFault when the database did not do it.
        """
        case = self._found(self._open.find(case_id), operator)
        counts: Counter[str] = Counter()
        try:
            for start in range(0, len(keys), MAX_REQUESTS):
                block = keys[start : start + MAX_REQUESTS]
                counts.update(await self._ask_block(case, first_place + start, block))
        except OverFault:
            raise CaseFault(
                "問う間に事案が終わった。新しい事案で問い直す / the case ended meanwhile; ask in a new one"
            ) from None
        for code, count in counts.items():
            self._metrics.bridge_requests.labels(code).inc(count)
        return dict(counts)

    async def _ask_block(self, case: Case, first_place: int, keys: Sequence[str]) -> list[str]:
        entries = await self._store.entries([key_of(key) or _NOBODY for key in keys])
        lines = [
            self._line(first_place + place, key, entry)
            for place, (key, entry) in enumerate(zip(keys, entries, strict=True))
        ]
        try:
            await self._store.open_requests(case.id, [self._opening(case, line) for line in lines])
        except RowFault:
            # What the database refuses of such a row is its place: a line has one right to an answer.
            raise CaseFault("この行はもう問うた / these lines were asked before") from None
        asked = [line for line in lines if line.outcome is outcomes.CONFIRMED]
        here, elsewhere = (
            [line for line in asked if line.addressee == addressee] for addressee in ("juki", "national")
        )
        codes = {line.place: line.outcome.code for line in lines}
        codes |= await self._settle(case, here, self._peers.juki)
        if national := self._peers.national:
            codes |= await self._settle(case, elsewhere, national)
            beyond = [line for line in here if codes[line.place] in _BEYOND]
            codes |= await self._ask_national(case, beyond, national)
        return list(codes.values())

    async def _ask_national(self, case: Case, lines: Sequence[_Line], peer: Correspondent) -> dict[int, str]:
        """法30条の11: 機構 has who last lived elsewhere. A right of its own for each."""
        if not lines:
            return {}
        again = [self._line_of(line.place, line.index, line.entry, "national") for line in lines]
        await self._store.open_requests(case.id, [self._opening(case, line) for line in again])
        return await self._settle(case, again, peer)

    def _line(self, place: int, key: str, entry: Entry) -> _Line:
        index, peers = self._vault.mark("bridge/key", key), self._peers
        elsewhere = entry.entry is not None and left_from_elsewhere(entry.entry, peers.prefecture)
        line = self._line_of(place, index, entry, "national" if elsewhere and peers.national else "juki")
        if not key_of(key):
            return replace(line, outcome=outcomes.KEY_MALFORMED)
        if elsewhere and peers.national is None and line.outcome is outcomes.CONFIRMED:
            return replace(line, outcome=outcomes.MOVED_AWAY)
        return line

    @staticmethod
    def _line_of(place: int, index: bytes, entry: Entry, addressee: str) -> _Line:
        key = RequestKey()
        request = Request(str(uuid4()), entry.resident_code or "", key.public)
        return _Line(place, index, entry, shown_overseas(entry.entry), addressee, request, key)

    def _opening(self, case: Case, line: _Line) -> Opening:
        goes_on = line.outcome is outcomes.CONFIRMED
        event = "bridge_requested" if goes_on else "bridge_refused"
        code = None if goes_on else line.outcome.code
        evidence = self._leaf(case, line, event, code=code, addressee=line.addressee)
        digest = key_digest(line.request.key) if goes_on else None
        person = line.entry.person_id
        return Opening(line.request.id, case.id, line.place, line.addressee, person, digest, code, evidence)

    async def _settle(self, case: Case, lines: Sequence[_Line], peer: Correspondent) -> dict[int, str]:
        """Asks and settles; gives the code of each line. What was asked and not answered is lost for good."""
        if not lines:
            return {}
        releases = await self._releases(case, lines, peer)
        settlings = [self._settling(case, line, releases) for line in lines]
        await self._store.settle(case.id, settlings)
        return {settling.place: settling.code for settling in settlings}

    async def _releases(self, case: Case, lines: Sequence[_Line], peer: Correspondent) -> dict[str, Release]:
        ask = Ask(case, tuple(line.request for line in lines))
        payload = write_ask(ask, self._clock().isoformat(timespec="milliseconds"))
        try:
            reply = await peer.exchange(payload, ASK_TYPE, ANSWER_TYPE)
            sealed = read_answer(reply.payload, reply.asked)
            return {
                line.request.id: read_release(
                    line.key.open(sealed[line.request.id], f"{reply.asked}/{line.request.id}".encode())
                )
                for line in lines
            }
        except (PeerUnreachable, BridgeFault, SealFault, KeyError) as fault:
            log.error("bridge_unanswered", fault=type(fault).__name__, case=case.id, requests=len(lines))
            return {}

    def _settling(self, case: Case, line: _Line, releases: dict[str, Release]) -> Settling:
        release = releases.get(line.request.id, Release(outcomes.UNREACHABLE.code, None))
        given = release.code == outcomes.ANSWERED.code
        if given and not (release.number and is_individual_number(release.number)):
            # What a peer gives under its signature is still looked at: no half number goes on.
            release, given = Release(outcomes.UNREACHABLE.code, None), False
        event = "bridge_received" if given else "bridge_refused"
        evidence = self._leaf(case, line, event, code=release.code)
        number = release.number if given else None
        return Settling(line.request.id, line.place, release.code, number, evidence)

    def _leaf(self, case: Case, line: _Line, event: str, **more: Any) -> Leaf:
        return leaf(
            REGISTER,
            event,
            request=line.request.id,
            **case_fields(case),
            key={"index": base64url(line.index)},
            person=line.entry.person_id,
            on=self._clock().date().isoformat(),
            **more,
        )

    async def deliver(self, case_id: str, operator: str, password: str) -> AsyncGenerator[bytes, None]:
        """Gives the one delivery: a file sealed with a password, piece by piece; then all of it is erased.

        It is taken with the first piece; from then on it is erased, whoever goes away. Raises CaseFault
        before the first piece where there is nothing to take. A delivery that breaks off is not made again.
        """
        case = self._found(self._open.find(case_id), operator)
        writer = AgeWriter(password)
        begun = writer.begin()
        if not await self._store.deliver(case_id, self._of_case("bridge_taken", case)):
            raise CaseFault("この事案の引渡しは終わっている / delivered before, or over")
        why = "broken_off"
        try:
            head = {"case": case.id, "office": case.office, "affair": case.affair, "basis": case.basis}
            yield begun + writer.add(canonical(head) + b"\n")
            after = 0
            while page := await self._store.lines(case.id, after, _PAGE):
                for line in page:
                    if line.code == outcomes.ANSWERED.code and line.number is None:
                        raise CaseFault("保管の時間が過ぎた / what was held is gone")
                    told = {"line": line.place, "code": line.code, "individual_number": line.number}
                    yield writer.add(canonical(told) + b"\n")
                after = page[-1].place
            yield writer.finish()
            why = "taken"
            self._open.take(case.id)
        finally:
            await self._eraser.erase(case.id, why)

    async def delivered(self, case_id: str, operator: str) -> None:
        """Records that a delivery stands whole where its taker keeps it: only the taker can know.

        Raises CaseFault where none went out whole, StoreFault.
        """
        case = self._found(self._open.taken(case_id), operator)
        await self._store.note([self._of_case("bridge_delivered", case)])
        self._open.keep(case_id)

    def _of_case(self, event: str, case: Case) -> Leaf:
        moment = self._clock().isoformat(timespec="milliseconds")
        return leaf(REGISTER, event, **case_fields(case), at=moment)

    async def cases(self, case_id: str | None = None) -> list[dict[str, Any]]:
        """The newest cases, or one, without a person in them. Raises StoreFault."""
        return [_told(row) for row in await self._store.cases(case_id, 100)]

    @staticmethod
    def _found(case: Case | None, operator: str) -> Case:
        if case is None:
            raise CaseFault("開いている事案でない / not an open case")
        if case.requested_by != operator:
            raise CaseFault("事案を開いた人でない / the case was opened by another operator")
        return case


_BEYOND = frozenset(outcome.code for outcome in ELSEWHERE)
# 団体コード/記録番号: no other text goes to the database, which takes no NUL and would refuse the whole list.
_RECORD = re.compile(rf"{AREA_CODE.pattern}/{RECORD_KEY.pattern}")
_NOBODY = Key(KeyKind.RECORD, "")


def key_of(text: str) -> Key | None:
    """What an office's list names a person by, or None where the text is no key."""
    if RESIDENT_CODE.fullmatch(text):
        return Key(KeyKind.CODE, text)
    return Key(KeyKind.RECORD, text) if _RECORD.fullmatch(text) else None


def _told(row: dict[str, Any]) -> dict[str, Any]:
    counts = dict(zip(row.pop("codes") or (), row.pop("counts") or (), strict=True))
    times = {
        name: row[name].isoformat(timespec="seconds") if row[name] else None
        for name in ("opened_at", "expires_at", "ended_at")
    }
    return row | times | {"outcomes": counts}

"""橋の回答 (都道府県サーバ): answers a question of the 附票 server, once it has confirmed it on its own door.

Every request costs the same whatever it comes to: the same call back, the same queries, one row burnt, one
value opened, one answer of the same length sealed. Only a basis that does not hold is refused before that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from jukinet_daemon.domain import bridge_outcomes as outcomes
from jukinet_daemon.domain.bridge_outcomes import UNCONFIRMED
from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.domain.overseas import left_overseas
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.bridge_case import Correspondent, PeerUnreachable, Permit, case_fields, leaf
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.bridge_release import Burning, Burnt, Found, ReleaseStore
from jukinet_daemon.store.faults import RightFault
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.seal import seal_to
from jukinet_daemon.wire.bridge import (
    ASK_TYPE,
    CONFIRM_TYPE,
    CONFIRMATION_TYPE,
    Ask,
    BridgeFault,
    Release,
    Request,
    read_ask,
    read_confirmation,
    write_answer,
    write_ask,
    write_release,
)
from jukinet_daemon.wire.envelope import SignatureFault, VerifyingKey, base64url, digest_of, unseal

log = structlog.get_logger()

REGISTER = "juki"
# A person moves on between reading and burning only when a notice comes in at that very moment.
TRIES = 3
_REASONS = {outcome.code: outcome for outcome in UNCONFIRMED}


@dataclass(frozen=True, slots=True)
class _Reading:
    """A question under way: what it asks, who signed it, its digest."""

    ask: Ask
    thumbprint: str
    digest: str


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one request comes to, and what on: what the call back said, what was read (None: nothing)."""

    request: Request
    said: str | None
    found: Found | None
    outcome: Outcome


class Releaser:
    """The 都道府県 server's side of the bridge."""

    def __init__(
        self,
        store: ReleaseStore,
        fuhyo: Correspondent,
        permit: Permit,
        vault: Vault,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._fuhyo = fuhyo
        self._permit = permit
        self._vault = vault
        self._clock = clock
        self._metrics = metrics

    async def answer(self, signed: str, peer: VerifyingKey) -> bytes:
        """The payload of the answer to a signed question; when it is given, every request in it is burnt.

        Raises BridgeFault for what is no question (recorded), SealFault, and StoreFault when it cannot be
        recorded.
        """
        reading = await self._read(signed, peer)
        ask = reading.ask
        refusal = self._permit(ask.case.office, ask.case.affair, ask.case.basis, self._clock().date())
        if refusal:
            judged = [_refused(request, refusal) for request in ask.requests]
        else:
            confirmed = await self._confirmed(ask)
            judged = await self._judge(ask, [(item, confirmed.get(item.id)) for item in ask.requests])
        answers = await self._burn(reading, judged)
        sealed = [(request.id, answers[request.id]) for request in ask.requests]
        return write_answer(reading.digest, sealed, self._clock().isoformat(timespec="milliseconds"))

    async def _read(self, signed: str, peer: VerifyingKey) -> _Reading:
        digest = digest_of(signed)
        try:
            return _Reading(read_ask(unseal(signed, ASK_TYPE, peer)), peer.thumbprint, digest)
        except (SignatureFault, BridgeFault) as fault:
            log.warning("bridge_unreadable", fault=str(fault), peer=peer.thumbprint)
            code = outcomes.UNREADABLE.code
            refused = leaf(REGISTER, "bridge_refused", code=code, asked=digest, peer=peer.thumbprint)
            await self._store.note([refused])
            raise BridgeFault(str(fault)) from None

    async def _confirmed(self, ask: Ask) -> Mapping[str, str]:
        """Calls back: what the 附票 server, on its own door, says of these very requests."""
        sent_at = self._clock().isoformat(timespec="milliseconds")
        try:
            reply = await self._fuhyo.exchange(write_ask(ask, sent_at), CONFIRM_TYPE, CONFIRMATION_TYPE)
            return read_confirmation(reply.payload, reply.asked)
        except (PeerUnreachable, BridgeFault) as fault:
            log.error("bridge_not_confirmed", fault=str(fault), case=ask.case.id)
            return {}

    async def _judge(self, ask: Ask, called_back: Sequence[tuple[Request, str | None]]) -> list[_Judged]:
        """Judges requests by what the call back said of each and what the file says of its person now."""
        found = await self._store.last_stays([request.resident_code for request, _ in called_back])
        today = self._clock().date()
        judged = []
        for (request, said), entry in zip(called_back, found, strict=True):
            outcome = left_overseas(entry.last, request.resident_code, today)
            if said != outcomes.CONFIRMED.code:
                # What the other server gave as its reason stands before what our file says.
                outcome = _REASONS.get(said or "", outcomes.NOT_CONFIRMED)
            judged.append(_Judged(request, said, entry, outcome))
        if lost := sum(item.outcome is outcomes.NOT_CONFIRMED for item in judged):
            log.error("bridge_not_confirmed", requests=lost, case=ask.case.id)
        return judged

    async def _burn(self, reading: _Reading, judged: list[_Judged]) -> dict[str, str]:
        """Burns the right of every request; gives what is sealed to each. Nothing leaves before.

        Who moved on is judged again, by what the call back had said. Raises SealFault for a public key that
        is none.
        """
        sealed: dict[str, str] = {}
        waiting = judged
        for _try in range(TRIES):
            moved = await self._round(reading, waiting, sealed)
            if not moved:
                return sealed
            waiting = await self._judge(reading.ask, [(item.request, item.said) for item in moved])
        await self._round(reading, [_refused(item.request, outcomes.UNREACHABLE) for item in waiting], sealed)
        return sealed

    async def _round(
        self, reading: _Reading, judged: Sequence[_Judged], sealed: dict[str, str]
    ) -> list[_Judged]:
        """Burns, then reads what is given, then seals; gives those whose person moved on.

        The database gives a number for a burnt request only, once that is committed.
        """
        try:
            results = await self._store.burn([self._burning(reading, item) for item in judged])
        except RightFault:
            if all(item.outcome is not outcomes.ANSWERED for item in judged):
                raise
            return await self._apart(reading, judged, sealed)
        given = await self._store.given([item.request.id for item in judged])
        moved = []
        for item, result, gift in zip(judged, results, given, strict=True):
            if result is Burnt.MOVED:
                moved.append(item)
            else:
                number = self._store.number(gift)
                sealed[item.request.id] = await self._sealed(reading, item, result, number)
        return moved

    async def _apart(
        self, reading: _Reading, judged: Sequence[_Judged], sealed: dict[str, str]
    ) -> list[_Judged]:
        """Burns each request for itself, where the database withholds the number of one of them.

        It took back the evidence of them all; whom it withholds is refused, and that is on record.
        """
        if len(judged) > 1:
            rounds = [await self._round(reading, [item], sealed) for item in judged]
            return [item for moved in rounds for item in moved]
        log.error("bridge_withheld", case=reading.ask.case.id)
        return await self._round(reading, [replace(judged[0], outcome=outcomes.WITHHELD)], sealed)

    async def _sealed(self, reading: _Reading, item: _Judged, result: Burnt, number: str | None) -> str:
        release = Release(item.outcome.code, number)
        if result is Burnt.BURNT:
            log.error("bridge_asked_again", case=reading.ask.case.id)
            again = replace(item, outcome=outcomes.ALREADY_ANSWERED)
            await self._store.note([self._leaf(reading, again)])
            release = Release(outcomes.ALREADY_ANSWERED.code, None)
        self._metrics.bridge_answers.labels(release.code).inc()
        bound_to = f"{reading.digest}/{item.request.id}".encode()
        return seal_to(item.request.key, write_release(release), bound_to)

    def _burning(self, reading: _Reading, item: _Judged) -> Burning:
        case, found = reading.ask.case, item.found
        return Burning(
            request_id=item.request.id,
            case_id=case.id,
            office=case.office,
            basis=case.basis,
            affair=case.affair,
            thumbprint=reading.thumbprint,
            code=item.outcome.code,
            resident_code=item.request.resident_code,
            expected=found.version if found else None,
            leaf=self._leaf(reading, item),
        )

    def _leaf(self, reading: _Reading, item: _Judged) -> Leaf:
        event = "bridge_answered" if item.outcome is outcomes.ANSWERED else "bridge_refused"
        index = self._vault.mark("bridge/code", item.request.resident_code)
        return leaf(
            REGISTER,
            event,
            request=item.request.id,
            **case_fields(reading.ask.case),
            key={"kind": "code", "index": base64url(index)},
            person=item.found.person_id if item.found else None,
            code=item.outcome.code,
            asked=reading.digest,
            peer=reading.thumbprint,
            on=self._clock().date().isoformat(),
        )


def _refused(request: Request, outcome: Outcome) -> _Judged:
    return _Judged(request, None, None, outcome)

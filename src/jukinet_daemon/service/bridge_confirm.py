"""橋の呼び返し (附票都道府県サーバ): which requests are its own, open, of a person overseas."""

import hmac

import structlog

from jukinet_daemon.domain import bridge_outcomes as outcomes
from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.domain.overseas import shown_overseas
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.bridge_case import case_fields, leaf, moment_text
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.bridge_request import Asked, RequestStore
from jukinet_daemon.vault.seal import key_digest
from jukinet_daemon.wire.bridge import (
    CONFIRM_TYPE,
    Ask,
    BridgeFault,
    Case,
    Request,
    read_ask,
    write_confirmation,
)
from jukinet_daemon.wire.envelope import SignatureFault, VerifyingKey, digest_of, unseal

log = structlog.get_logger()

REGISTER = "fuhyo"


class Confirmer:
    """The 附票 server's answer to a call back."""

    def __init__(self, store: RequestStore, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics

    async def answer(self, signed: str, peer: VerifyingKey) -> bytes:
        """The payload of the answer to a signed call back; a request is confirmed once and never again.

        Raises BridgeFault for what is no call back (recorded), StoreFault when it cannot be recorded.
        """
        digest = digest_of(signed)
        try:
            ask = read_ask(unseal(signed, CONFIRM_TYPE, peer))
        except (SignatureFault, BridgeFault) as fault:
            log.warning("bridge_unreadable", fault=str(fault), peer=peer.thumbprint)
            code = outcomes.UNREADABLE.code
            refused = leaf(REGISTER, "bridge_unconfirmed", code=code, asked=digest, peer=peer.thumbprint)
            await self._store.note([refused])
            raise BridgeFault(str(fault)) from None
        said = await self._confirmed(ask, peer, digest)
        if strange := sum(outcome is outcomes.NOT_CONFIRMED for outcome in said):
            log.error("bridge_call_back_refused", requests=strange, peer=peer.thumbprint)
        for outcome in said:
            self._metrics.bridge_answers.labels(outcome.code).inc()
        codes = [(request.id, outcome.code) for request, outcome in zip(ask.requests, said, strict=True)]
        return write_confirmation(digest, codes, self._clock().isoformat(timespec="milliseconds"))

    async def _confirmed(self, ask: Ask, peer: VerifyingKey, digest: str) -> list[Outcome]:
        """Judges every request and confirms what holds, in one transaction; gives what each came to.

        Where a request or its case ended between the two, all are judged again: none ever opens again, so
        this comes to an end.
        """
        while True:
            asked = await self._store.asked([request.id for request in ask.requests])
            pairs = list(zip(ask.requests, asked, strict=True))
            said = [confirmation(ask.case, request, found) for request, found in pairs]
            leaves = [
                self._leaf(ask, peer, digest, request, outcome, found)
                for (request, found), outcome in zip(pairs, said, strict=True)
            ]
            confirmed = [
                request.id
                for request, outcome in zip(ask.requests, said, strict=True)
                if outcome is outcomes.CONFIRMED
            ]
            if await self._store.confirm(confirmed, leaves):
                return said

    def _leaf(
        self, ask: Ask, peer: VerifyingKey, digest: str, request: Request, outcome: Outcome, found: Asked
    ) -> Leaf:
        event = "bridge_confirmed" if outcome is outcomes.CONFIRMED else "bridge_unconfirmed"
        return leaf(
            REGISTER,
            event,
            request=request.id,
            **case_fields(ask.case),
            person=found.found.person_id,
            code=outcome.code,
            asked=digest,
            peer=peer.thumbprint,
            on=self._clock().date().isoformat(),
        )


def confirmation(case: Case, request: Request, asked: Asked) -> Outcome:
    """CONFIRMED where a request is ours to the letter and open, and its person overseas; else why not.

    Takes what the call back says and what we have under its id. The public key is compared too: whoever
    repeats an open request with another key, to have the answer sealed to itself, is not confirmed.
    """
    if asked.case is None or asked.expires_at is None or asked.key_digest is None:
        return outcomes.NOT_CONFIRMED
    ours = asked.case
    same = (
        (ours.case_id, ours.office, ours.basis, ours.affair, ours.requested_by, ours.approved_by)
        == (case.id, case.office, case.basis, case.affair, case.requested_by, case.approved_by)
        and moment_text(asked.expires_at) == case.expires_at
        and hmac.compare_digest(asked.key_digest, key_digest(request.key))
        and asked.found.resident_code == request.resident_code
    )
    if not (same and asked.stands_open):
        return outcomes.NOT_CONFIRMED
    return shown_overseas(asked.found.entry)

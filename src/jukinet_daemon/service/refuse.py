"""電文の拒否: a parcel that cannot be read leaves its trace before it is answered."""

import asyncio
from collections import defaultdict

from jukinet_daemon.domain.decide import Decision
from jukinet_daemon.domain.outcomes import TRY_AGAIN, Outcome
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.inbox import Entry, Inbox


class Refuser:
    """Records refused parcels, one at a time, their senders by turns.

    They wait in no lane: a flood of them must neither take the workers' connections nor, by its number, the
    turn of somebody who erred once.
    """

    def __init__(self, register: str, inbox: Inbox, clock: Clock) -> None:
        self._register = register
        self._inbox = inbox
        self._clock = clock
        self._one = asyncio.Lock()
        self._of_sender: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def refuse(self, peer: str, parcel_digest: str, outcome: Outcome) -> Outcome:
        """Records that a parcel was refused; gives the outcome to answer: LATER if it cannot record."""
        day = self._clock().date()
        payload = {
            "event": "parcel_refused",
            "register": self._register,
            "sender": peer,
            "parcel_digest": parcel_digest,
            "code": outcome.code,
            "received_on": day.isoformat(),
        }
        leaf = evidence(payload)
        entry = Entry(Decision(outcome), None, None, leaf, b"", peer, day)
        async with self._of_sender[peer], self._one:
            try:
                await self._inbox.commit((), await self._inbox.decision_rows([entry]), ())
            except StoreFault:
                return TRY_AGAIN
        return outcome

"""拒否した相手の控え: who was lately not admitted, at which door and why."""

from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics

log = structlog.get_logger()

# A scan from many addresses pushes out the oldest and grows nothing.
REMEMBERED = 500
# A crowd is told of once in so long for each address, as long as it is one of so many; the metric counts all.
CROWD_TOLD = timedelta(minutes=1)
REMEMBERED_CROWDS = 5000


@dataclass(frozen=True, slots=True)
class RefusedPeer:
    """Somebody who was not admitted: `peer` is the URI if a certificate named one. Times in ISO 8601."""

    door: str
    address: str
    peer: str | None
    reason: str
    times: int
    first: str
    last: str


class RefusedPeers:
    """Remembers who was not admitted, for diagnosis; each refusal is counted, and logged if news."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._known: OrderedDict[tuple[str, ...], RefusedPeer] = OrderedDict()
        # Whose crowd was told of when, the latest last.
        self._crowds: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def note(self, door: str, reason: Refusal, address: str, peer: str | None = None) -> None:
        """Takes note of a refusal: one line in the log, one more in the metric."""
        self._metrics.peers_refused.labels(door, reason).inc()
        moment = self._clock()
        if reason is not Refusal.CROWDING or self._is_news(door, address, moment):
            log.warning("peer_refused", door=door, reason=reason, peer=peer, address=address)
        time = moment.isoformat(timespec="seconds")
        place = (door, address, peer or "", reason)
        known = self._known.pop(place, None) or RefusedPeer(door, address, peer, reason, 0, time, time)
        self._known[place] = replace(known, times=known.times + 1, last=time)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _is_news(self, door: str, address: str, moment: datetime) -> bool:
        since = self._crowds.get((door, address))
        # A clock that was set back must not silence them.
        if since and abs(moment - since) < CROWD_TOLD:
            return False
        self._crowds.pop((door, address), None)
        self._crowds[door, address] = moment
        if len(self._crowds) > REMEMBERED_CROWDS:
            self._crowds.popitem(last=False)
        return True

    def look(self) -> list[dict[str, Any]]:
        """All that is remembered, the latest first."""
        return [asdict(refused) for refused in reversed(self._known.values())]

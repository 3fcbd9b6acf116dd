"""保守: an operator refuses new work until a time; what was taken is answered, and it ends by itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.ops.operator import OperatorFault
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.maintenance import Maintenance, MaintenanceStore

LONGEST = timedelta(days=7)
A_TIME = "2026-11-24T22:00"
# A close frame carries 123 bytes; the time and our words take the rest.
MOST_REASON_BYTES = 60


class MaintenanceFault(OperatorFault):
    """A maintenance that cannot be: the message says why."""


def notice_of(maintenance: Maintenance, clock: Clock) -> str:
    """What a peer is told, in the time of the clock: at most 123 bytes in UTF-8."""
    until = maintenance.until.astimezone(clock().tzinfo).isoformat(timespec="minutes")
    return f"保守中 / maintenance until {until} {maintenance.reason}".rstrip()


def end_of(text: str, now: datetime) -> datetime:
    """When a maintenance is to end (ISO 8601, in the zone of `now` if in none). Raises MaintenanceFault."""
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise MaintenanceFault(f"時刻の形は {A_TIME} / a time looks like this") from None
    end = end if end.tzinfo else end.replace(tzinfo=now.tzinfo)
    if not now < end <= now + LONGEST:
        raise MaintenanceFault(
            f"終わりは今より後、{LONGEST.days} 日以内 / it ends later than now, within {LONGEST.days} days"
        )
    return end


class MaintenanceDesk:
    """What operators do with it."""

    def __init__(self, register: str, store: MaintenanceStore, clock: Clock) -> None:
        self._register = register
        self._store = store
        self._clock = clock

    async def part(self) -> Mapping[str, Any]:
        """Whether it is on, until when and why, as JSON values. Raises StoreFault."""
        found = await self._store.now()
        if found is None:
            return {"on": False}
        return {
            "on": True,
            "until": self._local(found.until),
            "reason": found.reason,
            "operator": found.operator,
        }

    async def begin(self, until: str, reason: str, operator: str) -> Mapping[str, Any]:
        """Refuses new work until a time (ISO 8601). Raises MaintenanceFault, StoreFault."""
        end = end_of(until, self._clock())
        if len(reason.encode()) > MOST_REASON_BYTES or not reason.isprintable():
            raise MaintenanceFault(f"理由は {MOST_REASON_BYTES} バイトまでの一行 / the reason is too long")
        leaf = self._leaf("maintenance_on", operator, until=self._local(end), reason=reason)
        await self._store.begin(Maintenance(end, reason, operator), leaf)
        return await self.part()

    async def end(self, operator: str) -> Mapping[str, Any]:
        """Takes new work again. Raises StoreFault."""
        await self._store.end(self._leaf("maintenance_off", operator))
        return await self.part()

    def _local(self, moment: datetime) -> str:
        return moment.astimezone(self._clock().tzinfo).isoformat(timespec="minutes")

    def _leaf(self, event: str, operator: str, **more: str) -> Leaf:
        payload = {
            "event": event,
            "register": self._register,
            "operator": operator,
            "at": self._clock().isoformat(timespec="milliseconds"),
            **more,
        }
        return evidence(payload)

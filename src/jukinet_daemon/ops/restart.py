"""新しい記録列: an operator begins a new log where the old one cannot grow; the old one stays as it is."""

from typing import Any

from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.ops.operator import OperatorFault
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.service.seal import LogName
from jukinet_daemon.store.restart import LogStore
from jukinet_daemon.store.seal import Log

MOST_REASON_CHARACTERS = 200


class RestartFault(OperatorFault):
    """A log that cannot be begun; the message says why."""


class LogDesk:
    """What operators see and decide of the logs of one register."""

    def __init__(self, store: LogStore, name: LogName, clock: Clock) -> None:
        self._store = store
        self._name = name
        self._clock = clock

    async def look(self) -> dict[str, Any]:
        """The log that grows and the keys that open its checkpoints. Raises StoreFault."""
        log = await self._store.log()
        return self._told(log.number if log else 1)

    async def restart(self, reason: str, operator: str, *, apply: bool) -> dict[str, Any]:
        """Begins, or says how it would begin, a new log. Raises RestartFault, StoreFault."""
        if not reason.strip() or not reason.isprintable() or len(reason) > MOST_REASON_CHARACTERS:
            raise RestartFault("--reason に理由を一行で / say why, in one line")
        newest, old = await self._store.newest(), await self._store.log()
        if old is None:
            raise RestartFault("まだ封印された証跡がない / nothing is sealed yet")
        fresh = Log(old.number + 1, self._name.origin(old.number + 1))
        conflicts = await self._store.conflicts(old)
        if apply:
            await self._store.restart(fresh, self._leaf(old, fresh, reason, operator, conflicts))
        return {
            "old": {"origin": old.origin, "size": newest.size if newest else 0},
            "conflicts": conflicts,
            "new": self._told(fresh.number),
            "applied": apply,
        }

    def _told(self, number: int) -> dict[str, Any]:
        keys = [key.text for key in self._name.verifiers(number)]
        return {"origin": self._name.origin(number), "verifiers": keys}

    def _leaf(
        self, old: Log, fresh: Log, reason: str, operator: str, conflicts: list[dict[str, Any]]
    ) -> Leaf:
        payload = {
            "event": "log_begun",
            "register": self._name.register,
            "operator": operator,
            "reason": reason,
            "old": old.origin,
            "new": fresh.origin,
            "conflicts": conflicts,
            "at": self._clock().isoformat(timespec="milliseconds"),
        }
        return evidence(payload)

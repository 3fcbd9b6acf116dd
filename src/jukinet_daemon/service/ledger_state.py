"""証跡の状態: how far the ledger is sealed and witnessed, and what of that needs somebody."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jukinet_daemon.domain.service_hours import ServiceHours
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.pool import Database

# A checkpoint comes every few seconds; a leaf that waits so long waits for a sealer that does not work.
SEAL_WARNING_S = 60.0


class LedgerState:
    """What health tells of the ledger. `sealing`: whether the configuration names keys of it."""

    def __init__(
        self, database: Database, clock: Clock, hours: ServiceHours, metrics: Metrics, patience_s: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._hours = hours
        self._metrics = metrics
        self._patience = patience_s
        self.sealing = False

    async def part(self) -> dict[str, Any]:
        """The part of the status report. Raises StoreFault."""
        row = (await self._database.fetch("ledger_state"))[0]
        conflicts = await self._database.fetch("find_conflicts", row["log_id"]) if row["log_id"] else ()
        since = row["unwitnessed_since"] or row["unsealed_since"]
        state = {
            "sealing": self.sealing,
            "origin": row["origin"],
            "size": row["size"] or 0,
            "checkpoint_seconds": self._age(row["sealed_at"]),
            "unsealed_seconds": self._age(row["unsealed_since"]),
            "witnessed": row["witnessed"] or 0,
            "witnesses": row["witnesses"] or 0,
            "unwitnessed_service_seconds": self._service(since),
            "patience_seconds": self._patience,
            "conflicts": [{"sender": found["sender"], "size": found["size"]} for found in conflicts],
        }
        self._publish(state)
        return state

    def _publish(self, state: Mapping[str, Any]) -> None:
        metrics = self._metrics
        metrics.ledger_size.set(state["size"])
        metrics.ledger_witnessed.set(state["witnessed"])
        metrics.ledger_conflicts.set(len(state["conflicts"]))
        # Where nothing is to be sealed nothing waits for it.
        waits = (state["unsealed_seconds"], state["unwitnessed_service_seconds"]) if self.sealing else (0, 0)
        metrics.ledger_unsealed.set(waits[0] or 0)
        metrics.ledger_unwitnessed.set(waits[1] or 0)

    def _age(self, moment: datetime | None) -> float | None:
        return round(max(0.0, (self._clock() - moment).total_seconds()), 1) if moment else None

    def _service(self, since: datetime | None) -> float | None:
        """Service time since a moment: at night and on holidays nobody sends, and nobody can witness."""
        if since is None:
            return None
        now = self._clock()
        return round(self._hours.between(since.astimezone(now.tzinfo), now), 1)


def ledger_problems(report: Mapping[str, Any]) -> list[str]:
    """What of the ledger needs somebody, in words."""
    ledger = report.get("ledger")
    if ledger is None or not ledger["sealing"]:
        return []
    problems = [
        f"{found['sender']}: 封印の控え {found['size']} がこの証跡にない"
        " / a witness holds a checkpoint that this ledger does not have"
        for found in ledger["conflicts"]
    ]
    if (ledger["unsealed_seconds"] or 0.0) > SEAL_WARNING_S:
        problems.append("封印が滞っている / the seal is behind")
    if (ledger["unwitnessed_service_seconds"] or 0.0) > ledger["patience_seconds"]:
        problems.append("新しい封印の控えを持つ市区町村がない / no witness has returned a newer checkpoint")
    return problems

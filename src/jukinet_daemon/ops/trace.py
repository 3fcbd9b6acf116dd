"""追跡: the way of one notice, from its parcel to the national server's receipt, without what it says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jukinet_daemon.service.clock import Clock
from jukinet_daemon.store.pool import Database
from jukinet_daemon.wire.reply import leaf_in


class Tracer:
    """Follows notices of one register by their ids."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def trace(self, notice_id: str) -> list[dict[str, Any]]:
        """The steps of a notice in order, each with `step`, `at` and what is known; none if never seen.

        Raises StoreFault.
        """
        found = await self._database.fetch("trace_notice", notice_id)
        return self._steps(dict(found[0])) if found else []

    def _steps(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        received = self._at(row["received_at"])
        steps = [
            {
                "step": "received",
                "at": received,
                "sender": row["sender"],
                "number": row["number"],
                "digest": row["digest"],
                "signed_by": row["thumbprint"],
            },
            {
                "step": "answered",
                "at": received,
                "outcome": row["outcome"],
                "code": row["code"],
                "leaf": leaf_in(row["answer"]),
                "repeated": row["redelivered"],
            },
        ]
        if row["waits"]:
            steps.append({"step": "held", "at": self._at(row["held_at"]), "code": row["waits"]})
        if row["event"]:
            steps.append(self._settled(row))
        if row["outbox_id"]:
            steps.append({"step": "recorded", "at": self._at(row["entered_at"]), "outbox": row["outbox_id"]})
            steps.append(self._receipt(row))
        return steps

    def _settled(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What an operator made of a notice that was held: what its leaf in the ledger says too."""
        return {
            "step": "settled",
            "at": self._at(row["settled_at"]),
            "how": row["event"].removeprefix("held_"),
            "code": row["settled_as"],
            "reason": row["reason"],
            "operator": row["operator"],
        }

    def _receipt(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if row["parcel_digest"] is None:
            return {"step": "waiting", "at": None}
        return {
            "step": "receipted",
            "at": self._at(row["receipted_at"]),
            "digest": row["parcel_digest"],
            "refused": row["refused"],
        }

    def _at(self, moment: datetime | None) -> str | None:
        if moment is None:
            return None
        return moment.astimezone(self._clock().tzinfo).isoformat(timespec="milliseconds")

"""橋の消去 (附票都道府県サーバ): what was held for an office goes, and the ledger says so."""

import time
from dataclasses import dataclass

import structlog

from jukinet_daemon.service.bridge_case import leaf
from jukinet_daemon.service.bridge_open import OpenCases, Seconds
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.bridge_request import RequestStore
from jukinet_daemon.store.faults import StoreFault

log = structlog.get_logger()

REGISTER = "fuhyo"
# Why a case is erased: its delivery was taken, whole or not; or as the database says (bridge_due).
WHYS = ("taken", "broken_off", "expired", "restarted", "clock_set_back")


@dataclass(frozen=True, slots=True)
class _Left:
    """A case that could not be erased: why it was to be, and since when it is tried."""

    why: str
    since: float


class Eraser:
    """Erases the temporary storage, a case at a time. One that fails is tried again at every sweep."""

    def __init__(
        self,
        store: RequestStore,
        open_cases: OpenCases,
        clock: Clock,
        metrics: Metrics,
        monotonic: Seconds = time.monotonic,
    ) -> None:
        self._store = store
        self._open = open_cases
        self._clock = clock
        self._metrics = metrics
        self._monotonic = monotonic
        self._left: dict[str, _Left] = {}

    @property
    def overdue_seconds(self) -> float | None:
        """For how long the oldest case that could not be erased has been tried; None where there is none."""
        if not self._left:
            return None
        return round(self._monotonic() - min(left.since for left in self._left.values()), 1)

    async def erase(self, case_id: str, why: str) -> int:
        """Erases what is held of a case, with evidence; gives how many numbers. Raises StoreFault."""
        moment = self._clock().isoformat(timespec="milliseconds")
        evidence = leaf(REGISTER, "bridge_erased", case=case_id, why=why, at=moment)
        try:
            erased = await self._store.erase(case_id, evidence)
        except BaseException:
            # Also one that was cut off, as a delivery whose taker went away: the next sweep takes it up.
            self._left.setdefault(case_id, _Left(why, self._monotonic()))
            raise
        self._left.pop(case_id, None)
        self._open.drop(case_id)
        if erased is None:
            return 0
        self._metrics.bridge_erased.labels(why).inc()
        log.info("bridge_erased", case=case_id, why=why, numbers=erased)
        return erased

    async def sweep(self) -> int:
        """Erases every case whose time is over, by whichever clock; gives how many cases.

        By the database's clock, which must also not stand before the case began; by our own that nobody
        sets; and whatever another run of the server left, however young it is. A case that fails keeps none
        of the others. Raises StoreFault when it cannot be asked what is due.
        """
        due = {case_id: left.why for case_id, left in self._left.items()}
        due |= dict.fromkeys(self._open.overdue(), "expired")
        due |= {item.case_id: item.why for item in await self._store.due(self._open.run)}
        erased = 0
        for case_id, why in due.items():
            try:
                await self.erase(case_id, why)
                erased += 1
            except StoreFault as fault:
                log.error("bridge_erase_failed", case=case_id, fault=str(fault))
        return erased

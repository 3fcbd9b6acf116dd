"""橋の消去 (附票都道府県サーバ): what was held for an office goes, and the ledger says so."""

import structlog

from jukinet_daemon.service.bridge_case import leaf
from jukinet_daemon.service.bridge_open import OpenCases
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.store.bridge_request import RequestStore

log = structlog.get_logger()

REGISTER = "fuhyo"


class Eraser:
    """Erases the temporary storage, a case at a time."""

    def __init__(self, store: RequestStore, open_cases: OpenCases, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._open = open_cases
        self._clock = clock
        self._metrics = metrics

    async def erase(self, case_id: str, why: str) -> int:
        """Erases what is held of a case, with evidence; gives how many numbers. Raises StoreFault."""
        moment = self._clock().isoformat(timespec="milliseconds")
        evidence = leaf(REGISTER, "bridge_erased", case=case_id, why=why, at=moment)
        erased = await self._store.erase(case_id, evidence)
        self._open.drop(case_id)
        if erased is None:
            return 0
        self._metrics.bridge_erased.labels(why).inc()
        log.info("bridge_erased", case=case_id, why=why, numbers=erased)
        return erased

    async def sweep(self) -> int:
        """Erases every case whose time is over, by whichever clock; gives how many cases. Raises StoreFault.

        By the database's clock, which must also not stand before the case began; by our own that nobody
        sets; and whatever another run of the server left, however young it is.
        """
        due = {item.case_id: item.why for item in await self._store.due(self._open.run)}
        due = dict.fromkeys(self._open.overdue(), "expired") | due
        for case_id, why in due.items():
            await self.erase(case_id, why)
        return len(due)

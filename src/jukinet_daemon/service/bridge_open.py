"""橋の事案 (附票都道府県サーバ): cases open in this process, and when each must end."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from jukinet_daemon.wire.bridge import Case

Seconds = Callable[[], float]


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case of this run. `deadline` is on a clock that nobody sets."""

    case: Case
    deadline: float


class OpenCases:
    """The cases of one run of the server.

    What an earlier run left is erased and never taken up again: `run` tells them apart. The deadline stands
    beside the database's: a clock that is set back must not prolong what is held.
    """

    def __init__(self, hold_seconds: int, monotonic: Seconds) -> None:
        self.run = str(uuid4())
        self.hold_seconds = hold_seconds
        self._monotonic = monotonic
        self._cases: dict[str, OpenCase] = {}
        self._taken: dict[str, OpenCase] = {}

    def __len__(self) -> int:
        return len(self._cases)

    def add(self, case: Case) -> None:
        """Takes a case up."""
        self._cases[case.id] = OpenCase(case, self._monotonic() + self.hold_seconds)

    def find(self, case_id: str) -> Case | None:
        """A case that may still be worked on, or None."""
        found = self._cases.get(case_id)
        return found.case if found and self._monotonic() < found.deadline else None

    def overdue(self) -> list[str]:
        """The cases whose time is over."""
        now = self._monotonic()
        return [case_id for case_id, found in self._cases.items() if now >= found.deadline]

    def take(self, case_id: str) -> None:
        """Remembers a case whose delivery went out whole, so that it may be told that it was kept."""
        now = self._monotonic()
        self._taken = {known: case for known, case in self._taken.items() if now < case.deadline}
        if case_id in self._cases:
            self._taken[case_id] = self._cases[case_id]

    def taken(self, case_id: str) -> Case | None:
        """A case whose delivery went out whole, and nobody told yet whether it was kept; or None."""
        found = self._taken.get(case_id)
        return found.case if found and self._monotonic() < found.deadline else None

    def keep(self, case_id: str) -> None:
        """Forgets a case whose delivery was kept."""
        self._taken.pop(case_id, None)

    def drop(self, case_id: str) -> None:
        """Forgets a case."""
        self._cases.pop(case_id, None)

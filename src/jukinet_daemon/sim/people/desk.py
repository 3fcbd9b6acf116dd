"""窓口: where the day's notices are posted and counted against the plan."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from jukinet_daemon.sim.people.geography import Geography
from jukinet_daemon.sim.people.notices import Posted, RegisterName


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day and its numbers: changes of each register, departures, and the deliberate flaws among them."""

    day: date
    juki: int = 3700
    departures: int = 900
    fuhyo: int = 2000
    flaws: int = 12


class Desk:
    """Takes notices in any order; `left` says how many more a register is to have."""

    def __init__(self, geography: Geography, juki: int, fuhyo: int) -> None:
        self._geography = geography
        self._left: dict[RegisterName, int] = {"juki": juki, "fuhyo": fuhyo}
        self.posted: list[Posted] = []

    def left(self, register: RegisterName) -> int:
        """How many sound change notices the register still lacks."""
        return self._left[register]

    def post(self, register: RegisterName, at: float, notice: dict[str, Any]) -> None:
        """Posts a change notice, counted."""
        self._left[register] -= 1
        self._add(register, at, notice)

    def post_departure(self, at: float, notice: dict[str, Any]) -> None:
        """Posts a 転出確定通知."""
        self._add("juki", at, notice)

    def _add(self, register: RegisterName, at: float, notice: dict[str, Any]) -> None:
        self.posted.append(Posted(register, self._geography.sender_of(notice["area"]), at, notice))

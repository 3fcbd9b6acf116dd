"""処理の保存: what the processes of a register say of themselves, in its database."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jukinet_daemon.store.pool import Database


@dataclass(frozen=True, slots=True)
class Told:
    """What a process said of itself last: its report, whatever that is, and its metrics as text."""

    name: str
    report: Any
    metrics: str = field(repr=False)

    @property
    def duties(self) -> tuple[str, ...]:
        """What it opens: its name says so."""
        return duties_of(self.name)


def duties_of(name: str) -> tuple[str, ...]:
    """The duties of a process, by its name: `notices+national@host`."""
    return tuple(name.partition("@")[0].split("+"))


class Processes:
    """The words of one process among those of the others. `name` says what it opens, `host` where it runs."""

    def __init__(self, database: Database, name: str, host: str) -> None:
        self._database = database
        self._who = (name, host)

    async def tell(self, report: Mapping[str, Any], metrics: str) -> None:
        """Writes down what this process says of itself now. Raises StoreFault."""
        await self._database.fetch("tell_process", *self._who, json.dumps(report), metrics)

    async def forget(self) -> None:
        """Takes back what this process said, for it ends in good order. Raises StoreFault."""
        await self._database.fetch("forget_process", *self._who)

    async def others(self, silent_s: float) -> list[Told]:
        """What the others said, but for those that were silent for so many seconds. Raises StoreFault."""
        rows = await self._database.fetch("other_processes", *self._who, silent_s)
        return [
            Told(f"{row['name']}@{row['host']}", report_in(row["report"]), row["metrics"]) for row in rows
        ]


def report_in(report: str) -> Any:
    """A report as a process wrote it; nothing where no reader bears it: a process may be in wrong hands."""
    try:
        return json.loads(report)
    except (ValueError, RecursionError):
        return None

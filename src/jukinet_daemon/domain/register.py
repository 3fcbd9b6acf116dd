"""ファイルの型: what one register is. The two registers are two values of this type, never two branches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.notice import Notice
from jukinet_daemon.domain.outcomes import Outcome


class Strictness(StrEnum):
    """How a check of doubtful authority is taken: refuse, accept with a remark, or not look."""

    REFUSE = "refuse"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a decision needs besides the notice: who sent it, the day, the map, the house rules."""

    sender: str
    today: date
    areas: Areas
    code_check: Strictness


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: the outcome, and the field by name (never its value)."""

    outcome: Outcome
    field: str


Check = Callable[[Notice, Setting], Finding | None]


@dataclass(frozen=True, slots=True)
class Articles:
    """The articles a register stands on."""

    notification: str
    content: str
    relay: str
    retention: str


@dataclass(frozen=True, slots=True)
class Register:
    """One of the two files a prefecture keeps.

    `causes` gives for each change the causes a notice of it must choose from (empty: it carries none);
    `holds_number` whether 個人番号 is kept; `kinds` the notices it takes; `checks` what a notice must pass.
    """

    name: str
    title: str
    server: str
    articles: Articles
    kinds: tuple[type, ...]
    causes: Mapping[Change, frozenset[Cause]]
    holds_number: bool
    checks: tuple[Check, ...]

"""電文: one thing a municipality tells of one person, in the plainest form."""

from dataclasses import dataclass

# Who keeps the register of each area: two wards of one city, and two other municipalities.
SENDERS = {"401315": "401307", "401323": "401307", "402028": "402028", "404471": "404471"}
AREAS = tuple(SENDERS)

ENTRY, DELETION, CORRECTION, NUMBER, CODE, DEPARTURE = (
    "entry", "deletion", "correction", "number_correction", "code_correction", "departure"
)  # fmt: skip


@dataclass(frozen=True)
class Telegram:
    """What is told: of whom (`human`, which no machine knows), by whom, where, what, when, and the items.

    `sound` is False where something is wrong by itself and the file must refuse it.
    """

    id: str
    human: int
    area: str
    what: str
    day: str
    foreign: bool = False
    cause: str | None = None
    code: str | None = None
    old_code: str | None = None
    number: str | None = None
    old_number: str | None = None
    record_key: str | None = None
    name: str = ""
    address: str = ""
    overseas: bool = False
    sound: bool = True

    @property
    def sender(self) -> str:
        """The municipality that tells it."""
        return SENDERS[self.area]

    @property
    def names(self) -> tuple[str, ...]:
        """What the person is known by, most telling first."""
        key = self.record_key and f"{self.area}/{self.record_key}"
        return tuple(dict.fromkeys(name for name in (self.old_code, self.code, key) if name))

"""一人: one human being as he is, and what his municipalities say of him. Nobody here keeps a file."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from jukinet_daemon.domain.identifiers import individual_number_check_digit, resident_code_check_digit

from .telegram import CODE, CORRECTION, DELETION, DEPARTURE, ENTRY, NUMBER, Telegram

# 転出の予定年月日 may lie ahead of the day it is told; any other date may not.
PLANNED_AHEAD = "20261231"


@dataclass
class Human:
    """A person's true circumstances. `area` is None while no register of the prefecture has him."""

    human: int
    register: str
    dice: Random
    day: date = date(2020, 1, 1)
    area: str | None = None
    foreign: bool = False
    code: str | None = None
    number: str | None = None
    record_key: str | None = None
    name: str = "髙島"
    address: str = "一丁目"
    overseas: bool = False
    died_in: str | None = None
    codes: set[str] = field(default_factory=set)
    told: list[Telegram] = field(default_factory=list)

    def tell(self, area: str, what: str, cause: str | None, **changes: Any) -> Telegram:
        """Has the municipality of an area say something, with all items as they stand now."""
        telegram = Telegram(
            id=f"{self.human}-{len(self.told)}",
            human=self.human,
            area=area,
            what=what,
            day=self.day.strftime("%Y%m%d"),
            foreign=self.foreign,
            cause=cause,
            code=self.code,
            number=self.number,
            record_key=self.record_key,
            name=self.name,
            address=self.address,
            overseas=self.overseas,
        )
        self.told.append(replace(telegram, **changes))
        return self.told[-1]

    def tell_again(self, telegram: Telegram, cause: str) -> None:
        """Has the same event told under a new id, with another cause (再送信)."""
        self.told.append(replace(telegram, id=f"{self.human}-{len(self.told)}", cause=cause))

    def enter(self, area: str, cause: str, **changes: Any) -> Telegram:
        """A register takes him in."""
        if self.register == "fuhyo":
            self.record_key = f"F-{self.human}-{len(self.told)}"
        self.area = area
        return self.tell(area, ENTRY, cause, **changes)

    def leave(self, cause: str, **changes: Any) -> Telegram:
        """The register that has him lets him go."""
        area, self.area = self.home, None
        return self.tell(area, DELETION, cause, **changes)

    def move(self, area: str, **out: Any) -> None:
        """From one register to another: both sides tell it, each in its own words."""
        old, old_key = self.home, self.record_key
        self.enter(area, "domestic_move_in")
        self.tell(old, DELETION, "domestic_move_out", record_key=old_key, **out)
        if self.register == "juki":
            self.tell(old, DEPARTURE, None)

    def correct(self, cause: str, items: dict[str, Any], **changes: Any) -> None:
        """Some of his items change."""
        for item, value in items.items():
            setattr(self, item, value)
        self.tell(self.home, CORRECTION, cause, **changes)

    def take_code(self) -> None:
        """He is given a 住民票コード, in place of the one he had, if any."""
        old, self.code = self.code, new_code(self.dice)
        self.codes.add(self.code)
        cause = "code_change_request" if old else "code_entry_ex_officio"
        self.tell(self.home, CODE, cause, old_code=old)

    def take_number(self) -> None:
        """He is given a 個人番号, in place of the one he had, if any."""
        old, self.number = self.number, new_number(self.dice)
        cause = "number_change_request" if old else "number_entry_ex_officio"
        self.tell(self.home, NUMBER, cause, old_number=old)

    def change_nationality(self, *, entry_first: bool) -> None:
        """帰化 or 国籍喪失: one 住民票 ends and another begins, on one day, in one place (令8条の2)."""
        area, was = self.home, self.foreign
        word = "naturalization" if was else "nationality_loss"
        self.foreign = not was
        if entry_first:
            self.tell(area, ENTRY, f"entry_by_{word}")
        self.tell(area, DELETION, f"deletion_by_{word}", foreign=was)
        if not entry_first:
            self.tell(area, ENTRY, f"entry_by_{word}")

    def later(self) -> None:
        """Time goes by, or stands still."""
        self.day += timedelta(days=self.dice.choice((0, 0, 1, 30, 90)))

    def earlier(self) -> str:
        """A day some time ago, perhaps not known exactly."""
        past = self.day - timedelta(days=self.dice.randrange(1, 400))
        return self.dice.choice((past.strftime("%Y%m%d"), past.strftime("%Y%m00"), "00000000"))

    @property
    def home(self) -> str:
        """The area that has him. Only for one who is in a register."""
        assert self.area is not None
        return self.area


def new_code(dice: Random) -> str:
    """A 住民票コード that nobody has."""
    digits = f"{dice.randrange(10**10):010}"
    return digits + resident_code_check_digit(digits)


def new_number(dice: Random) -> str:
    """A 個人番号 that nobody has."""
    digits = f"{dice.randrange(10**11):011}"
    return digits + individual_number_check_digit(digits)

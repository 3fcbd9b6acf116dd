"""What the file said at one moment about another day: the two times and the order are three things."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest

from jukinet_daemon.domain.as_of import Recorded, as_of, takes_effect_on
from jukinet_daemon.domain.change import Cause, Change
from support.records import record

ENTRY, DELETION, CORRECTION = Change.ENTRY, Change.DELETION, Change.CORRECTION
A, B, C = "401315", "402028", "401013"
MOVE_OUT, ABROAD = Cause.DOMESTIC_MOVE_OUT, Cause.OVERSEAS_MOVE_OUT
NOON = 12

# What was notified: the change, the area, the 異動年月日 in November, the day it came, and perhaps the cause.
Told = tuple[Change, str, int | str, int] | tuple[Change, str, int | str, int, Cause]

LATE_CORRECTION: list[Told] = [(ENTRY, A, 1, 1), (CORRECTION, A, 3, 20)]
CANCELLED_DEATH: list[Told] = [(ENTRY, A, 1, 1), (DELETION, A, 5, 6), (ENTRY, A, 5, 12)]
CANCELLED_WITH_A_GAP: list[Told] = [(ENTRY, A, 1, 1), (DELETION, A, 5, 6), (ENTRY, A, 12, 12)]
CANCELLED_FROM_BEFORE: list[Told] = [(ENTRY, A, 2, 2), (DELETION, A, 5, 6), (ENTRY, A, 3, 12)]
MOVE_IN_FIRST: list[Told] = [(ENTRY, A, 1, 1), (ENTRY, B, 10, 10), (DELETION, A, 8, 12, MOVE_OUT)]
GONE_BEFORE: list[Told] = [*MOVE_IN_FIRST[:2], (DELETION, B, 15, 15, ABROAD), (DELETION, A, 8, 20, MOVE_OUT)]
PLANNED: list[Told] = [(ENTRY, A, 1, 1), (DELETION, A, 30, 15, ABROAD)]
PLANNED_AND_IN: list[Told] = [(ENTRY, A, 1, 1), (DELETION, A, 20, 10, MOVE_OUT), (ENTRY, B, 18, 18)]
RETROACTIVE: list[Told] = [(ENTRY, A, "20200401", 23)]
BACK_AGAIN: list[Told] = [(ENTRY, A, 1, 1), (DELETION, A, 5, 5), (ENTRY, A, 9, 9), (DELETION, A, 14, 14)]
NEVER_THERE: list[Told] = [(ENTRY, A, 5, 5), (DELETION, A, 2, 8)]
CORRECTED_BEFORE_ENTRY: list[Told] = [(ENTRY, A, 5, 5), (CORRECTION, A, 2, 8)]
OUT_OF_ORDER: list[Told] = [(ENTRY, A, 1, 1), (CORRECTION, A, 10, 10), (CORRECTION, A, 6, 12)]
AGAIN: list[Told] = [(ENTRY, A, 1, 1), (ENTRY, B, 4, 4), (ENTRY, A, 1, 6)]
DELETED_AGAIN: list[Told] = [(ENTRY, A, 1, 1), (DELETION, A, 5, 5), (DELETION, A, 5, 7)]
UNKNOWN_YEAR: list[Told] = [(ENTRY, A, "00000000", 6)]
SOMEWHEN: list[Told] = [(ENTRY, A, "20261000", 6), (CORRECTION, A, "20261100", 9)]


def history(told: list[Told]) -> list[Recorded]:
    return [_recorded(version, *one) for version, one in enumerate(told, 1)]


def _recorded(
    version: int, change: Change, area: str, event: int | str, came: int, cause: Cause | None = None
) -> Recorded:
    event_date = event if isinstance(event, str) else f"202611{event:02}"
    made = record(version, change, date(2026, 11, came), event_date=event_date, area=area, cause=cause)
    return Recorded(made, datetime(2026, 11, came, NOON, tzinfo=UTC))


def said(told: list[Told], known: int, day: date) -> int | None:
    """The version in force on a day, as known at the end of another; None where there is none."""
    found = as_of(history(told), datetime(2026, 11, known, 23, tzinfo=UTC), day)
    return found.version if found else None


@pytest.mark.parametrize(
    ("told", "known", "day", "version"),
    [
        (LATE_CORRECTION, 10, 5, 1),
        (LATE_CORRECTION, 20, 5, 2),
        (LATE_CORRECTION, 20, 3, 2),
        (LATE_CORRECTION, 20, 2, 1),
        (CANCELLED_DEATH, 5, 8, 1),
        (CANCELLED_DEATH, 11, 4, 1),
        (CANCELLED_DEATH, 11, 8, 2),
        (CANCELLED_DEATH, 12, 8, 3),
        (CANCELLED_DEATH, 12, 4, 1),
        (CANCELLED_WITH_A_GAP, 12, 8, 2),
        (CANCELLED_WITH_A_GAP, 12, 12, 3),
        (CANCELLED_FROM_BEFORE, 12, 2, 1),
        (CANCELLED_FROM_BEFORE, 12, 4, 3),
        (CANCELLED_FROM_BEFORE, 12, 8, 3),
        (MOVE_IN_FIRST, 10, 9, 1),
        (MOVE_IN_FIRST, 10, 10, 2),
        (MOVE_IN_FIRST, 12, 7, 1),
        (MOVE_IN_FIRST, 12, 9, 3),
        (MOVE_IN_FIRST, 12, 10, 2),
        (MOVE_IN_FIRST, 28, 28, 2),
        # How somebody ended is not told by the late move-out of the place before.
        (GONE_BEFORE, 20, 9, 4),
        (GONE_BEFORE, 20, 14, 2),
        (GONE_BEFORE, 20, 20, 3),
        (PLANNED, 14, 30, 1),
        (PLANNED, 15, 15, 1),
        (PLANNED, 15, 29, 1),
        (PLANNED, 15, 30, 2),
        (PLANNED_AND_IN, 17, 19, 1),
        (PLANNED_AND_IN, 18, 19, 3),
        (PLANNED_AND_IN, 18, 17, 1),
        (PLANNED_AND_IN, 18, 25, 3),
        (BACK_AGAIN, 28, 3, 1),
        (BACK_AGAIN, 28, 7, 2),
        (BACK_AGAIN, 28, 11, 3),
        (BACK_AGAIN, 28, 14, 4),
        (NEVER_THERE, 6, 6, 1),
        (NEVER_THERE, 8, 6, 2),
        (NEVER_THERE, 8, 3, None),
        (CORRECTED_BEFORE_ENTRY, 8, 3, None),
        (CORRECTED_BEFORE_ENTRY, 8, 5, 2),
        (OUT_OF_ORDER, 12, 5, 1),
        (OUT_OF_ORDER, 12, 7, 3),
        (OUT_OF_ORDER, 12, 11, 3),
        (OUT_OF_ORDER, 11, 11, 2),
        # Sent again, an old 記載 is a newer record of its stay and does not become the newest stay.
        (AGAIN, 5, 5, 2),
        (AGAIN, 6, 6, 2),
        (AGAIN, 6, 3, 3),
        (DELETED_AGAIN, 6, 6, 2),
        (DELETED_AGAIN, 7, 6, 3),
        (DELETED_AGAIN, 7, 4, 1),
        (UNKNOWN_YEAR, 6, 5, None),
        (UNKNOWN_YEAR, 6, 6, 1),
        # A month without a day: by its end, or by the notification where that came before.
        (SOMEWHEN, 6, 6, 1),
        (SOMEWHEN, 9, 8, 1),
        (SOMEWHEN, 9, 9, 2),
        ([], 28, 28, None),
    ],
)
def test_what_the_file_said(told: list[Told], known: int, day: int, version: int | None) -> None:
    assert said(told, known, date(2026, 11, day)) == version


def test_a_record_added_ex_officio_reaches_back_and_is_known_only_afterwards() -> None:
    assert said(RETROACTIVE, 22, date(2021, 5, 1)) is None
    assert said(RETROACTIVE, 23, date(2021, 5, 1)) == 1
    assert said(RETROACTIVE, 23, date(2020, 3, 31)) is None


def test_a_record_counts_from_the_moment_it_entered_the_file() -> None:
    told = history([(ENTRY, A, 1, 1)])
    entered = told[0].recorded_at
    assert as_of(told, entered, date(2026, 11, 1)) is not None
    assert as_of(told, entered - timedelta(microseconds=1), date(2026, 11, 1)) is None


def test_a_held_notice_took_effect_before_the_file_said_so() -> None:
    held = record(1, ENTRY, date(2026, 11, 3), event_date="00000000")
    told = [Recorded(held, datetime(2026, 11, 9, tzinfo=UTC))]
    assert as_of(told, datetime(2026, 11, 8, tzinfo=UTC), date(2026, 11, 8)) is None
    assert as_of(told, datetime(2026, 11, 9, tzinfo=UTC), date(2026, 11, 3)) == held
    assert as_of(told, datetime(2026, 11, 9, tzinfo=UTC), date(2026, 11, 2)) is None


def test_a_japanese_and_a_foreign_record_in_one_area_are_two_stays() -> None:
    noon = datetime(2026, 11, 5, NOON, tzinfo=UTC)
    came = date(2026, 11, 5)
    told = [
        Recorded(record(1, ENTRY, date(2026, 11, 1), foreign=True), noon - timedelta(days=4)),
        Recorded(record(2, ENTRY, came, event_date="20261105"), noon),
        Recorded(record(3, DELETION, came, event_date="20261105", foreign=True), noon),
    ]
    found = [as_of(told, noon, date(2026, 11, day)) for day in (4, 5)]
    assert found == [told[0].record, told[1].record]


@pytest.mark.parametrize("order", list(permutations((8, 10, 12))))
def test_the_newest_notification_holds_good_whatever_the_dates(order: tuple[int, int, int]) -> None:
    told: list[Told] = [(ENTRY, A, 1, 1), *((CORRECTION, A, event, 20) for event in order)]
    assert said(told, 20, date(2026, 11, 12)) == 4


@pytest.mark.parametrize(
    ("event_date", "cause", "effect"),
    [
        ("20261104", None, date(2026, 11, 4)),
        ("20261100", None, date(2026, 11, 15)),
        ("20261000", None, date(2026, 10, 31)),
        ("2026A300", None, date(2026, 11, 15)),
        ("202611A1", None, date(2026, 11, 10)),
        ("20260229", None, date(2026, 2, 28)),
        ("00000000", None, date(2026, 11, 15)),
        ("20261130", MOVE_OUT, date(2026, 11, 30)),
        ("20261130", ABROAD, date(2026, 11, 30)),
        ("20261200", ABROAD, date(2026, 12, 31)),
        ("00000000", ABROAD, date(2026, 11, 15)),
        ("20261104", ABROAD, date(2026, 11, 4)),
    ],
)
def test_when_an_event_takes_effect(event_date: str, cause: Cause | None, effect: date) -> None:
    made = record(1, DELETION, date(2026, 11, 15), event_date=event_date, cause=cause)
    assert takes_effect_on(made) == effect

"""一日: the invented day is exact in number, legal in content and possible in order."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.domain.area import Area, Areas
from jukinet_daemon.domain.change import PLANNED_DATE_CAUSES, Cause, causes_of
from jukinet_daemon.domain.change import Change as Kind
from jukinet_daemon.domain.identifiers import is_individual_number, is_resident_code
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice
from jukinet_daemon.sim.people import (
    DayPlan,
    Population,
    Posted,
    first_load,
    load_municipalities,
    make_day,
    make_population,
)
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.text import canonical, read_json

MUNICIPALITIES = Path(__file__).parents[2] / "schemas" / "codes" / "municipalities.csv"
PLAN = DayPlan(date(2026, 3, 30))
TODAY = "20260330"


@cache
def population() -> Population:
    return make_population(MUNICIPALITIES, seed=7, size=6000)


@cache
def day() -> tuple[Posted, ...]:
    return tuple(make_day(population(), 7, PLAN))


def sound(register: str) -> list[Posted]:
    return [posted for posted in day() if posted.register == register and posted.flaw is None]


def flawed(flaw: str) -> list[Posted]:
    return [posted for posted in day() if posted.flaw == flaw]


def counts(posted: tuple[Posted, ...] | list[Posted]) -> tuple[int, int, int]:
    kinds = Counter((one.register, one.notice["kind"]) for one in posted)
    return kinds["juki", "change"], kinds["juki", "departure"], kinds["fuhyo", "change"]


def changes() -> list[ChangeNotice]:
    read = [read_notice("juki", posted.notice) for posted in sound("juki")]
    return [notice for notice in read if isinstance(notice, ChangeNotice)]


def test_counts_are_those_of_the_plan() -> None:
    assert counts(day()) == (3700, 900, 2000)
    assert sum(posted.flaw is not None for posted in day()) == 12


@pytest.mark.parametrize(
    ("juki", "departures", "fuhyo", "flaws"),
    [(1, 0, 0, 0), (0, 0, 1, 0), (0, 7, 0, 3), (41, 100, 500, 30), (300, 0, 10, 0), (5, 0, 5, 12)],
)
def test_counts_are_exact_for_odd_plans_too(juki: int, departures: int, fuhyo: int, flaws: int) -> None:
    plan = DayPlan(PLAN.day, juki, departures, fuhyo, flaws)

    assert counts(make_day(population(), 1, plan)) == (juki, departures, fuhyo)


def test_same_seed_same_bytes_and_another_seed_or_day_others() -> None:
    def bytes_of(posted: list[Posted]) -> list[tuple[float, str, bytes]]:
        return [(one.at, one.sender, canonical(one.notice)) for one in posted]

    same = make_day(make_population(MUNICIPALITIES, seed=7, size=6000), 7, PLAN)
    assert bytes_of(same) == bytes_of(list(day()))
    assert bytes_of(make_day(population(), 8, PLAN)) != bytes_of(list(day()))
    assert bytes_of(make_day(population(), 7, replace(PLAN, day=date(2026, 3, 31)))) != bytes_of(list(day()))


def test_refuses_a_day_before_its_people() -> None:
    with pytest.raises(ValueError, match="2025-05-26"):
        make_day(population(), 1, DayPlan(date(2025, 5, 26)))


def test_every_sound_notice_is_read_without_a_finding() -> None:
    for posted in day():
        if posted.flaw is None:
            assert isinstance(read_notice(posted.register, posted.notice), ChangeNotice | DepartureNotice)


def test_canonical_bytes_keep_every_code_point() -> None:
    for posted in day():
        assert read_json(canonical(posted.notice)) == posted.notice


def test_ids_are_unique_but_where_reuse_is_the_flaw() -> None:
    ids = Counter(posted.notice["id"] for posted in day() if posted.flaw != "id-reused")

    assert max(ids.values()) == 1


def test_all_causes_occur_each_with_its_change() -> None:
    told = changes()

    assert {notice.cause for notice in told} == set(Cause)
    assert all(notice.cause in causes_of(notice.change) for notice in told)


def test_senders_write_only_what_is_theirs() -> None:
    areas = Areas(Area(m.code, m.name, m.city) for m in load_municipalities(MUNICIPALITIES))
    for posted in day():
        own = areas.may_write(posted.sender, posted.notice["area"])
        assert own is (posted.flaw != "not-your-area")


def test_the_largest_city_sends_most() -> None:
    assert Counter(posted.sender for posted in day()).most_common(1)[0][0] == "401307"


def test_residents_notices_are_legal_in_content() -> None:
    for notice in changes():
        person = notice.person
        assert person.resident_code
        assert is_resident_code(person.resident_code)
        assert person.address
        assert person.address_area == notice.area
        assert notice.foreign or person.alias is None
        assert not notice.foreign or not (person.name_kana or person.former_family_name or person.birth_era)
        assert all(is_individual_number(n) for n in (person.individual_number, notice.previous_number) if n)
        assert notice.previous_number is None or notice.change is Kind.NUMBER_CORRECTION
        assert notice.previous_code is None or notice.change is Kind.CODE_CORRECTION


def test_dates_lie_ahead_only_where_they_are_planned() -> None:
    ahead = [notice for notice in changes() if notice.event_date > TODAY]

    assert {notice.cause for notice in ahead} == PLANNED_DATE_CAUSES
    assert all(posted.notice["event_date"] <= TODAY for posted in sound("fuhyo"))


def test_the_newly_born_get_their_number_afterwards() -> None:
    numbered = {n.person.resident_code: n for n in changes() if n.cause is Cause.NUMBER_ENTRY_EX_OFFICIO}
    births = [notice for notice in changes() if notice.cause is Cause.BIRTH]

    assert births
    for birth in births:
        entry = numbered[birth.person.resident_code]
        assert birth.person.individual_number is None
        assert entry.person.individual_number
        assert entry.previous_number is None


def test_some_move_in_before_they_move_out() -> None:
    seen: dict[str, str] = {}
    for notice in changes():
        if notice.cause in (Cause.DOMESTIC_MOVE_IN, Cause.DOMESTIC_MOVE_OUT):
            seen[notice.person.resident_code or ""] = (
                seen.get(notice.person.resident_code or "", "") + notice.cause.value[-1]
            )
    assert {"nt", "tn"} <= set(seen.values())


def test_sheets_show_an_address_or_that_the_person_is_overseas() -> None:
    overseas = [posted.notice["person"].get("overseas", False) for posted in sound("fuhyo")]
    addressed = ["address" in posted.notice["person"] for posted in sound("fuhyo")]

    assert all(a != o for a, o in zip(addressed, overseas, strict=True))
    assert any(overseas)
    assert all(posted.notice["record_key"] for posted in sound("fuhyo"))


def test_the_day_has_a_shape() -> None:
    at = [posted.at for posted in day()]
    hours = Counter(int(second // 3600) for second in at)

    assert list(at) == sorted(at)
    assert at[0] >= 0
    assert at[-1] <= 31_500
    assert hours[0] > hours[2] > hours[4]
    assert hours[7] > hours[2]


class Stays:
    """What a file holds, told apart from the generator: open stays by person, persons by code or key."""

    def __init__(self) -> None:
        self.person_of: dict[str, int] = {}
        self.open: defaultdict[int, set[tuple[str, bool]]] = defaultdict(set)
        self.last: dict[int, float] = {}

    def take(self, posted: Posted) -> None:
        notice = posted.notice
        person = self._person(notice)
        assert self.last.get(person, -1.0) < posted.at
        self.last[person] = posted.at
        if notice["kind"] == "departure":
            return
        stay = (notice["area"], notice.get("foreign", False))
        assert (stay in self.open[person]) is (notice["change"] != "entry")
        if notice["change"] == "entry":
            self.open[person].add(stay)
        if notice["change"] == "deletion":
            self.open[person].remove(stay)

    def _person(self, notice: dict[str, Any]) -> int:
        about = notice.get("person", notice)
        record = f"{notice['area']}/{notice['record_key']}" if notice.get("record_key") else None
        names = [n for n in (notice.get("previous_code"), about.get("resident_code"), record) if n]
        known = {self.person_of[name] for name in names if name in self.person_of}
        assert len(known) <= 1
        assert known or notice.get("change") == "entry"
        person = known.pop() if known else len(self.person_of)
        self.person_of |= dict.fromkeys(names, person)
        return person


@pytest.mark.parametrize("register", ["juki", "fuhyo"])
@pytest.mark.parametrize(("seed", "size"), [(1, 2500), (2, 8000), (3, 6001)])
def test_every_notice_is_possible_when_it_comes(register: str, seed: int, size: int) -> None:
    people, stays = make_population(MUNICIPALITIES, seed, size), Stays()
    for posted in first_load(people):
        if posted.register == register:
            stays.take(replace(posted, at=-0.5))
    for posted in make_day(people, seed, PLAN):
        if posted.register == register and posted.flaw is None:
            stays.take(posted)


def test_departures_speak_first_of_those_who_moved_out_that_day() -> None:
    left = {
        (posted.notice["area"], posted.notice["person"]["resident_code"]): posted.at
        for posted in sound("juki")
        if posted.notice.get("cause") == "domestic_move_out"
    }
    departures = [posted for posted in sound("juki") if posted.notice["kind"] == "departure"]
    of_movers = [d for d in departures if (d.notice["area"], d.notice["resident_code"]) in left]

    assert len(of_movers) > 300
    assert all(left[d.notice["area"], d.notice["resident_code"]] < d.at for d in of_movers)


def test_all_flaws_occur_and_stand_apart_in_time() -> None:
    at = sorted(posted.at for posted in day() if posted.flaw)

    assert {posted.flaw for posted in day() if posted.flaw} == {
        "number-digit",
        "not-your-area",
        "unknown-field",
        "full-width",
        "missing-cause",
        "unknown-person",
        "id-reused",
    }
    assert all(first < second for first, second in pairwise(at))


def test_flaws_are_what_they_are_called() -> None:
    for posted in flawed("number-digit"):
        assert not is_individual_number(posted.notice["person"]["individual_number"])
    for posted in flawed("unknown-field"):
        assert "relationship" in posted.notice["person"]
    for posted in flawed("full-width"):
        code = posted.notice["person"]["resident_code"]
        assert code.isdigit()
        assert not code.isascii()
    for posted in flawed("missing-cause"):
        assert "cause" not in posted.notice
    known = {one.code for one in (*population().residents, *population().elsewhere)}
    for posted in flawed("unknown-person"):
        assert posted.notice["change"] == "deletion"
        assert posted.notice["person"]["resident_code"] not in known


def test_a_reused_id_was_an_earlier_sound_notices_of_the_same_sender() -> None:
    for posted in flawed("id-reused"):
        (first,) = (p for p in day() if p.notice["id"] == posted.notice["id"] and p is not posted)
        assert (first.sender, first.register, first.flaw) == (posted.sender, posted.register, None)
        assert first.at < posted.at
        assert first.notice != posted.notice

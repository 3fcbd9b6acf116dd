"""Whether an office is given what it asks for: the default is no, and every ground must be there."""

from dataclasses import replace
from datetime import date

import pytest

from jukinet_daemon.domain import provide
from jukinet_daemon.domain.bases import Bases, Organ, Term
from jukinet_daemon.domain.offices import OfficeAffair, Offices
from jukinet_daemon.domain.outcomes import OUTCOMES, Outcome
from jukinet_daemon.domain.provide import (
    FUHYO_SCOPE,
    JUKI_SCOPE,
    Item,
    Provision,
    ProvisionRequest,
    may_provide,
)
from jukinet_daemon.domain.register import Finding
from jukinet_daemon.schemas import read_bases, read_number_bases

BASES = read_bases()
TODAY = date(2026, 11, 24)
TERM = Term(date(2026, 6, 14))


def _affair(office: str, organ: Organ, affair: str, basis: str) -> OfficeAffair:
    return OfficeAffair(office, office, organ, affair, affair, basis, TERM)


OFFICES = Offices(
    [
        _affair("zeimu", Organ.GOVERNOR, "tax", "J5-4-3"),
        _affair("ryoken", Organ.GOVERNOR, "passport", "J5-6"),
        _affair("kyoiku", Organ.EDUCATION, "support", "J6-5"),
        _affair("kansa", Organ.AUDIT, "audit", "J6-1-2"),
    ],
    BASES,
)
NUMBER = frozenset({Item.INDIVIDUAL_NUMBER})
FOUR = frozenset({Item.NAME, Item.ADDRESS, Item.DATE_OF_BIRTH, Item.SEX})
GOOD = ProvisionRequest("zeimu", "tax", "J5-4-3", NUMBER)


def _decided(request: ProvisionRequest, today: date = TODAY, bases: Bases = BASES) -> Provision | Finding:
    return may_provide(bases, OFFICES, FUHYO_SCOPE, request, today)


def test_what_the_law_permits_is_given_with_its_grounds() -> None:
    given = _decided(GOOD)
    assert isinstance(given, Provision)
    assert given.article == "法30条の44の6第1項1号"
    assert given.items == NUMBER
    assert given.only_overseas
    assert [number.code for number in given.number_bases] == ["N-24"]


def test_the_same_from_juki_stands_on_its_own_article() -> None:
    given = may_provide(BASES, OFFICES, JUKI_SCOPE, replace(GOOD, items=FOUR), TODAY)
    assert isinstance(given, Provision)
    assert given.article == "法30条の15第1項1号"
    assert not given.only_overseas
    assert given.number_bases == ()


def test_another_organ_is_provided_on_its_table() -> None:
    given = _decided(ProvisionRequest("kyoiku", "support", "J6-5", NUMBER))
    assert isinstance(given, Provision)
    assert given.article == "法30条の44の6第2項1号"


REFUSED = [
    (replace(GOOD, office="nobody"), provide.OFFICE_UNKNOWN, "office"),
    (replace(GOOD, affair="passport"), provide.AFFAIR_NOT_YOURS, "affair"),
    (replace(GOOD, basis="J5-999"), provide.BASIS_UNKNOWN, "basis"),
    (replace(GOOD, basis=""), provide.BASIS_UNKNOWN, "basis"),
    (replace(GOOD, basis="N-24"), provide.BASIS_UNKNOWN, "basis"),
    (replace(GOOD, basis="J6-5"), provide.REQUESTER_NOT_NAMED, "basis"),
    (replace(GOOD, basis="J5-1-5"), provide.AFFAIR_OTHER_BASIS, "basis"),
    (replace(GOOD, items=frozenset()), provide.NOTHING_ASKED, "items"),
    (replace(GOOD, items=frozenset({Item.RESIDENT_CODE})), provide.CODE_NEVER_LEAVES, "items"),
    (replace(GOOD, items=FOUR | {Item.RESIDENT_CODE}), provide.CODE_NEVER_LEAVES, "items"),
    (replace(GOOD, items=frozenset({Item.ALIAS})), provide.ITEM_NOT_HELD, "items"),
    (ProvisionRequest("ryoken", "passport", "J5-6", NUMBER), provide.NUMBER_NOT_PERMITTED, "items"),
    (ProvisionRequest("kansa", "audit", "J6-1-2", FOUR | NUMBER), provide.NUMBER_NOT_PERMITTED, "items"),
]


@pytest.mark.parametrize(("request_", "outcome", "field"), REFUSED)
def test_the_default_is_no(request_: ProvisionRequest, outcome: Outcome, field: str) -> None:
    assert _decided(request_) == Finding(outcome, field)


@pytest.mark.parametrize(
    ("term", "outcome"),
    [
        (Term(date(2026, 11, 25)), provide.BASIS_AHEAD),
        (Term(date(2026, 6, 14), date(2026, 11, 23)), provide.BASIS_OVER),
    ],
)
def test_a_basis_that_does_not_hold_today_is_none(term: Term, outcome: Outcome) -> None:
    bases = Bases((replace(basis, term=term) for basis in BASES.all), read_number_bases())
    assert _decided(GOOD, bases=bases) == Finding(outcome, "basis")


def test_an_affair_is_registered_for_a_time() -> None:
    assert _decided(GOOD, date(2026, 6, 13)) == Finding(provide.AFFAIR_NOT_NOW, "affair")


def test_a_number_basis_that_is_over_gives_no_number_but_the_rest() -> None:
    ended = [replace(n, term=Term(n.term.valid_from, date(2026, 11, 23))) for n in read_number_bases()]
    bases = Bases(BASES.all, ended)
    assert _decided(GOOD, bases=bases) == Finding(provide.NUMBER_NOT_PERMITTED, "items")
    assert isinstance(_decided(replace(GOOD, items=FOUR), bases=bases), Provision)


def test_a_basis_of_one_register_gives_nothing_of_the_other() -> None:
    only_juki = [replace(basis, articles={"juki": "法30条の15第1項2号"}) for basis in BASES.all]
    bases = Bases(only_juki, read_number_bases())
    assert _decided(GOOD, bases=bases) == Finding(provide.REGISTER_NOT_NAMED, "basis")


def test_over_every_basis_organ_and_item_nothing_leaves_but_what_the_list_says() -> None:
    """Each basis asked for by an office of each organ: given exactly where the organ is named."""
    given = 0
    for basis in BASES.all:
        for organ in Organ:
            # An office is registered for its own organ's basis, and asks on this one all the same.
            own = next((b.code for b in BASES.all if organ in b.organs), None)
            if own is None:
                continue
            home = basis.code if organ in basis.organs else own
            offices = Offices([_affair("o", organ, "a", home)], BASES)
            for item in Item:
                request = ProvisionRequest("o", "a", basis.code, frozenset({item}))
                decided = may_provide(BASES, offices, JUKI_SCOPE, request, TODAY)
                expected = organ in basis.organs and item is not Item.RESIDENT_CODE
                if item is Item.INDIVIDUAL_NUMBER:
                    expected = expected and bool(basis.number_bases)
                assert isinstance(decided, Provision) == expected, (basis.code, organ, item)
                given += expected
    assert given > 1000


def test_every_refusal_is_listed_once_and_is_no_answer_to_a_notice() -> None:
    assert len(provide.REFUSALS) == 13
    assert not set(provide.REFUSALS) & set(OUTCOMES)

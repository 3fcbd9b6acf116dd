"""The bridge's pure parts: who is overseas, the messages, the seal, the confirmation; the whole matrix."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jukinet_daemon.domain import bridge_outcomes
from jukinet_daemon.domain.bridge_outcomes import BRIDGE_OUTCOMES
from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.outcomes import OUTCOMES, Outcome, OutcomeClass
from jukinet_daemon.domain.overseas import (
    FuhyoEntry,
    LastStay,
    left_from_elsewhere,
    left_overseas,
    shown_overseas,
)
from jukinet_daemon.domain.provide import REFUSALS, SCOPES, Item, ProvisionRequest, may_provide
from jukinet_daemon.domain.register import Finding
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role, thumbprint
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, admits
from jukinet_daemon.schemas import read_bases, read_offices
from jukinet_daemon.service.bridge_case import moment_text
from jukinet_daemon.service.bridge_confirm import confirmation
from jukinet_daemon.store.bridge_request import Asked, CaseRow, Entry
from jukinet_daemon.vault.seal import RequestKey, SealFault, key_digest, seal_to
from jukinet_daemon.wire.bridge import BridgeFault, Release, read_ask, read_release, write_ask, write_release
from jukinet_daemon.wire.text import canonical, read_json
from support.bridge import an_ask
from support.world import TRUST_DOMAIN, Pki

TODAY = date(2026, 11, 24)
CODE, OTHER_CODE = "12345678901", "10987654321"
LEFT = LastStay(
    open=False,
    waiting=0,
    foreign=False,
    change=Change.DELETION,
    cause=Cause.OVERSEAS_MOVE_OUT,
    event_date="20261110",
    resident_code=CODE,
    numbered=True,
)
SHOWN = FuhyoEntry(open=True, overseas=True, coded=True, waiting=0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "B100"),
        ({"waiting": 1}, "B314"),
        ({"change": None}, "B314"),
        ({"open": True}, "B322"),
        ({"open": True, "change": Change.ENTRY, "cause": Cause.OVERSEAS_MOVE_IN}, "B322"),
        ({"foreign": True}, "B328"),
        ({"cause": Cause.DEATH}, "B323"),
        ({"cause": Cause.DOMESTIC_MOVE_OUT}, "B321"),
        ({"cause": Cause.DELETION_EX_OFFICIO}, "B324"),
        ({"cause": Cause.DELETION_BY_NATIONALITY_LOSS}, "B324"),
        ({"event_date": "20261125"}, "B325"),
        ({"event_date": "20261200"}, "B325"),
        ({"event_date": "20261124"}, "B100"),
        ({"event_date": "00000000"}, "B100"),
        ({"resident_code": OTHER_CODE}, "B326"),
        ({"numbered": False}, "B327"),
    ],
)
def test_the_last_record_tells_who_left(changes: dict[str, object], code: str) -> None:
    assert left_overseas(replace(LEFT, **changes), CODE, TODAY).code == code  # type: ignore[arg-type]


def test_nobody_of_that_code_lived_elsewhere() -> None:
    assert left_overseas(None, CODE, TODAY).code == "B320"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (None, "B310"),
        (SHOWN, "B110"),
        (replace(SHOWN, waiting=1), "B314"),
        (replace(SHOWN, open=False), "B311"),
        (replace(SHOWN, overseas=False), "B312"),
        (replace(SHOWN, coded=False), "B313"),
    ],
)
def test_the_fuhyo_record_tells_who_is_overseas(entry: FuhyoEntry | None, code: str) -> None:
    assert shown_overseas(entry).code == code


@pytest.mark.parametrize(
    ("left_from", "elsewhere"), [(None, False), ("401315", False), ("131016", True), ("402028", False)]
)
def test_the_last_address_tells_whose_departure_counts(left_from: str | None, elsewhere: bool) -> None:
    assert left_from_elsewhere(replace(SHOWN, left_from=left_from), "400009") is elsewhere


@given(
    st.builds(
        LastStay,
        open=st.booleans(),
        waiting=st.integers(0, 2),
        foreign=st.booleans(),
        change=st.none() | st.sampled_from(Change),
        cause=st.none() | st.sampled_from(Cause),
        event_date=st.sampled_from(["20261110", "20261124", "20261125", "20270000", "00000000"]),
        resident_code=st.sampled_from([CODE, OTHER_CODE]),
        numbered=st.booleans(),
    )
)
def test_an_answer_stands_only_on_everything_at_once(last: LastStay) -> None:
    answered = left_overseas(last, CODE, TODAY) is bridge_outcomes.ANSWERED
    ahead = last.event_date in ("20261125", "20270000")
    assert answered == (
        not (last.open or last.waiting or last.foreign or ahead or last.change is None)
        and last.cause is Cause.OVERSEAS_MOVE_OUT
        and last.resident_code == CODE
        and last.numbered
    )


def test_the_table_of_the_bridge_is_complete_and_its_codes_are_its_own() -> None:
    rows = [value for value in vars(bridge_outcomes).values() if isinstance(value, Outcome)]
    assert len({row.code for row in rows}) == len(rows) == len(BRIDGE_OUTCOMES)
    assert not set(BRIDGE_OUTCOMES) & (set(OUTCOMES) | set(REFUSALS))
    kinds = {"1": OutcomeClass.ACCEPTED, "3": OutcomeClass.REFUSED, "5": OutcomeClass.LATER}
    for row in rows:
        assert row.code[0] == "B"
        assert row.kind is kinds[row.code[1]]
        assert all((row.ja, row.en, row.citation, row.action))


def test_every_sealed_answer_has_one_length_and_opens_for_one_request_only() -> None:
    key = RequestKey()
    texts = [write_release(Release(code, n)) for code, n in (("B100", "123456789012"), ("B323", None))]
    sealed = [seal_to(key.public, text, b"asked/id") for text in texts]
    assert len({len(text) for text in (*sealed, *sealed)}) == 1
    assert read_release(key.open(sealed[0], b"asked/id")).number == "123456789012"
    assert read_release(key.open(sealed[1], b"asked/id")).number is None
    for other, bound_to in ((RequestKey(), b"asked/id"), (key, b"asked/another")):
        with pytest.raises(SealFault):
            other.open(sealed[0], bound_to)


def test_no_message_prints_a_code_or_a_number() -> None:
    ask, _ = an_ask([CODE])
    assert CODE not in repr(ask)
    assert "123456789012" not in repr(Release("B100", "123456789012"))


# The matrix: identity x office, affair, basis x state in either file x form of the question.

STATES: dict[str, tuple[FuhyoEntry | None, LastStay | None]] = {
    "overseas": (SHOWN, LEFT),
    "came back": (SHOWN, replace(LEFT, open=True)),
    "came back, both say so": (replace(SHOWN, overseas=False), replace(LEFT, open=True)),
    "dead": (SHOWN, replace(LEFT, cause=Cause.DEATH)),
    "moved away": (SHOWN, replace(LEFT, cause=Cause.DOMESTIC_MOVE_OUT)),
    "removed": (SHOWN, replace(LEFT, cause=Cause.DELETION_EX_OFFICIO)),
    "leaves tomorrow": (SHOWN, replace(LEFT, event_date="20261125")),
    "another code": (SHOWN, replace(LEFT, resident_code=OTHER_CODE)),
    "no number": (SHOWN, replace(LEFT, numbered=False)),
    "foreign": (SHOWN, replace(LEFT, foreign=True)),
    "waiting": (SHOWN, replace(LEFT, waiting=1)),
    "never here": (SHOWN, None),
    "resident all along": (replace(SHOWN, overseas=False), LEFT),
    "not in the fuhyo": (None, LEFT),
    "fuhyo deleted": (replace(SHOWN, open=False), LEFT),
    "no code": (replace(SHOWN, coded=False), LEFT),
    "fuhyo waits": (replace(SHOWN, waiting=1), LEFT),
}


def _forms() -> dict[str, bytes]:
    ask, _ = an_ask([CODE])
    right = write_ask(ask, "2026-11-24T09:00:00Z")
    table = read_json(right)
    return {
        "right": right,
        "another field": canonical(table | {"field": "name"}),
        "the code": canonical(table | {"field": "resident_code"}),
        "two fields": canonical(table | {"fields": ["individual_number", "name"]}),
        "nobody": canonical(table | {"requests": []}),
        "a range": canonical(table | {"requests": [table["requests"][0] | {"resident_code": "1234567890%"}]}),
        "twice": canonical(table | {"requests": table["requests"] * 2}),
        "not JSON": b"SELECT 1",
    }


def _reads(form: bytes) -> bool:
    try:
        read_ask(form)
    except BridgeFault:
        return False
    return True


def _admitted(pki: Pki) -> dict[tuple[Role, str], bool]:
    pin = thumbprint(load_certificate(pki.files(Role.PREF, "fuhyo").certificate))
    policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({"fuhyo"}), frozenset({pin}))
    who = [
        *((Role.CS, code) for code in ("401307", "401005")),
        *((role, name) for role in (Role.PREF, Role.NATIONAL) for name in ("juki", "fuhyo")),
        (Role.OPERATOR, "demo"),
    ]
    found = {}
    for role, name in who:
        try:
            admits(policy, load_certificate(pki.files(role, name).certificate))
            found[role, name] = True
        except NotAdmitted:
            found[role, name] = False
    return found


def test_of_all_combinations_only_the_lawful_ones_are_answered(pki: Pki) -> None:
    bases = read_bases()
    offices = read_offices(Path(__file__).parents[2] / "config" / "offices.csv", bases)
    codes = [basis.code for basis in bases.all] + ["", "J9-9"]
    rights = [(a.office, a.affair, code) for a in offices.all for code in codes]
    rights += [("nobody", a.affair, a.basis) for a in offices.all]
    # What the law says, told apart from the code: the basis is the affair's own and names a 番号法 basis.
    lawful = {
        (a.office, a.affair, a.basis)
        for a in offices.all
        if (basis := bases.listed(a.basis)) and basis.number_bases and a.term.holds(TODAY)
    }
    permitted = {
        right: not isinstance(
            may_provide(
                bases,
                offices,
                SCOPES["juki"],
                ProvisionRequest(right[0], right[1], right[2], frozenset({Item.INDIVIDUAL_NUMBER})),
                TODAY,
            ),
            Finding,
        )
        for right in rights
    }
    judged = {
        name: (shown_overseas(entry).code, left_overseas(last, CODE, TODAY).code)
        for name, (entry, last) in STATES.items()
    }
    forms = {name: _reads(form) for name, form in _forms().items()}
    counts: Counter[bool] = Counter()
    for (who, admitted), right, state, form in product(_admitted(pki).items(), rights, STATES, forms):
        answered = admitted and forms[form] and permitted[right] and judged[state] == ("B110", "B100")
        policy = who == (Role.PREF, "fuhyo") and form == "right" and right in lawful and state == "overseas"
        assert answered == policy, (who, right, state, form)
        counts[answered] += 1
    assert counts.total() >= 10_000
    assert counts[True] == len(lawful) > 0


def test_a_confirmation_stands_on_every_field() -> None:
    ask, (key,) = an_ask([CODE])
    ends = datetime(2026, 11, 24, 9, tzinfo=UTC)
    case, request = replace(ask.case, expires_at=moment_text(ends)), ask.requests[0]
    row = CaseRow(
        case.id, case.office, case.basis, case.affair, case.requested_by, case.approved_by, None, ""
    )
    ours = Asked(row, ends, key_digest(key.public), True, Entry(1, SHOWN, CODE))
    assert confirmation(case, request, ours).code == "B110"
    for name in ("id", "office", "basis", "affair", "requested_by", "approved_by", "expires_at"):
        assert confirmation(replace(case, **{name: "x"}), request, ours).code == "B330", name
    for other in (
        replace(ours, stands_open=False),
        replace(ours, case=None),
        replace(ours, key_digest=key_digest("x")),
        replace(ours, found=replace(ours.found, resident_code=OTHER_CODE)),
    ):
        assert confirmation(case, request, other).code == "B330"
    back = replace(ours, found=Entry(1, replace(SHOWN, overseas=False), CODE))
    assert confirmation(case, request, back).code == "B312"

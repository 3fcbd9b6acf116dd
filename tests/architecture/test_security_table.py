"""The table of bad certificates in docs/security.md is what the matrix tries; bad input has its own."""

import re
from pathlib import Path

from abuse_table import SECTIONS
from cases.case import CUT, NOTHING
from jukinet_daemon.domain.outcomes import OUTCOMES
from jukinet_daemon.pki.refusal import Refusal
from support.bad_certificates import BAD

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"
BY_STATE = {
    "none at all": "no-certificate",
    "revoked": "revoked",
    "good, but the CRL has ended": "crl-expired",
}


def test_the_table_is_what_the_matrix_tries() -> None:
    section = SECURITY.read_text("utf-8").partition("## Bad certificates")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| ([^|`]+?) \| `([a-z0-9-]+)` \|$", section, re.MULTILINE))
    assert rows == BY_STATE | {bad.what: bad.reason for bad in BAD}


def test_there_are_many_kinds_and_each_reason_is_one_of_ours() -> None:
    assert len(BAD) >= 24
    assert {bad.reason for bad in BAD} - {"missing-usage"} <= {reason.value for reason in Refusal}


def test_bad_input_has_many_cases_and_each_says_exactly_what_it_gets() -> None:
    cases = [case for *_, section in SECTIONS for case in section.values()]
    assert len(cases) > 300
    assert len({case.number for case in cases}) == len(cases)
    for case in cases:
        code = case.answer.removeprefix("alert ").partition(" ")[0]
        assert case.answer == CUT or code.isdigit() or code in OUTCOMES, case.number
        assert case.logged == NOTHING or len(case.logged.split(" ")) > 1, case.number
        assert "|" not in case.sent
        assert case.sent.isprintable()

"""The table of bad certificates in docs/security.md is the one that the matrix tries."""

import re
from pathlib import Path

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

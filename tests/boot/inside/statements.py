"""文の統計: what pg_stat_statements keeps of all that was asked; no value of a person is in it."""

import json
import subprocess
from pathlib import Path

PSQL = ("sudo", "-u", "postgres", "psql", "-AtXq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", "-")
KEPT = "SELECT query FROM pg_stat_statements"
# Items that have one of few words, which the schema itself lists.
WORDS = ("sex", "birth_era", "address_area")
# Statements of intake, relay, seal and health that must be there: the whole way was seen.
KNOWN = ("CALL commit_parcels", "FROM outgoing", "INSERT INTO ledger_checkpoint", "INSERT INTO process")


def _asked(query: str) -> str:
    done = subprocess.run(PSQL, input=query, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-300:]
    return done.stdout


def _values() -> set[str]:
    """What the notices that were sent say of people."""
    files = Path("/root/world").glob("*.notices")
    notices = [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]
    items = (item for notice in notices for item in notice["person"].items())
    return {value for name, value in items if isinstance(value, str) and name not in WORDS}


def _found(text: str, values: set[str]) -> list[str]:
    """Which values stand in a text: as they are, in JSON's escapes, as bytes in hex."""
    return [v for v in values if any(form in text for form in (v, json.dumps(v)[1:-1], v.encode().hex()))]


def no_statement_is_kept_with_a_value() -> str:
    """pg_stat_statements keeps no value of a person; one that is put there is found."""
    values, kept = _values(), _asked(KEPT)
    assert len(values) > 10, len(values)
    assert not (unseen := [known for known in KNOWN if known not in kept]), unseen
    assert not (leaks := _found(kept, values)), f"{len(leaks)} of {len(values)} values"
    planted = max(values, key=len)
    _asked(f"DO $do$ BEGIN PERFORM $value${planted}$value$; END $do$")
    assert planted in _found(_asked(KEPT), values)
    _asked("SELECT pg_stat_statements_reset()")
    return f"{len(values)} values, none in {len(kept)} characters of statements"


CHECKS = (no_statement_is_kept_with_a_value,)

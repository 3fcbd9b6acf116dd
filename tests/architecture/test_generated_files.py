"""What is generated from the code stands in the tree as it would be generated now."""

import pytest

from generate import ROOT, generated
from jukinet_daemon.domain.outcomes import OUTCOMES

FILES = generated()


@pytest.mark.parametrize("name", FILES)
def test_a_generated_file_is_up_to_date(name: str) -> None:
    path = ROOT / name
    assert path.is_file(), f"{name} is missing: run `make schemas`"
    assert path.read_text("utf-8") == FILES[name], f"{name} differs from the code: run `make schemas`"


def test_no_schema_is_left_of_a_message_that_is_gone() -> None:
    found = {f"schemas/messages/{path.name}" for path in (ROOT / "schemas/messages").iterdir()}
    assert found == {name for name in FILES if name.startswith("schemas/messages/")}


def test_every_outcome_is_in_the_table() -> None:
    assert [code for code in OUTCOMES if f"| `{code}` |" not in FILES["docs/outcomes.md"]] == []

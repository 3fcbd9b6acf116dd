"""Every parser has a fuzz target or a reason to have none, and docs/security.md lists the targets."""

import ast
import re
from pathlib import Path

from fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "jukinet_daemon"
# What turns bytes or text into values, by the last word of the call.
PARSES = re.compile(
    r"loads|validate_(python|json)|model_validate(_json)?|load_(pem|der)_\w+|\w*b64decode|decompress\w*|decrypt"
    r"|extract_compact|text_string_to_metric_families|reader|DictReader|fromisoformat|parsedate_to_datetime"
    r"|urlsplit|from_public_bytes"
)

FROM_OUTSIDE: dict[str, set[str]] = {
    "cli/as_client.py": {"door-answer"},
    "cli/bridge_request.py": {"office-list"},
    "cli/send.py": {"notices-file"},
    "config.py": {"config"},
    "domain/dates.py": {"dates"},
    "ledger/checkpoint.py": {"checkpoint", "leaf-proof", "ledger-key", "verifier"},
    "pki/book.py": {"book"},
    "pki/files.py": {"pki-files"},
    "pki/tls.py": {"certificate"},
    "server/forms.py": {"control", "window"},
    "service/crls.py": {"kept-list"},
    "service/exposition.py": {"process-metrics"},
    "ops/maintenance.py": {"control"},
    "service/told.py": {"process-report"},
    "store/comparison.py": {"kept-answer"},
    "store/keys.py": {"key-ring-told"},
    "store/processes.py": {"process-report"},
    "vault/age.py": {"delivery"},
    "vault/fields.py": {"sealed-value"},
    "vault/keyring.py": {"keyring"},
    "vault/seal.py": {"sealed-answer"},
    "wire/bridge.py": {"bridge"},
    "wire/envelope.py": {"envelope"},
    "wire/kept.py": {"kept-parcel"},
    "wire/notice.py": {"notice"},
    "wire/parcel.py": {"parcel"},
    "wire/reply.py": {"kept-answer", "reply"},
    "wire/tally.py": {"tally"},
    "wire/text.py": {"json"},
}
# These call nothing of the kind, and read what others wrote all the same.
BY_HAND = {"head", "frames", "relayed", "names", "environment"}
WITHOUT = {
    "cli/jukinet_sim.py": "the URL is of the command line",
    "cli/pki_shown.py": "times of a book that was read",
    "loops/relay.py": "the URL is of the configuration",
    "pki/ending.py": "times of a book that was read",
    "schemas.py": "tables that come with the program",
    "service/relay.py": "times of a reply that was read",
    "sim/conformance/asking.py": "vectors that come with the program",
    "sim/conformance/vectors.py": "vectors that come with the program",
    "sim/demo/bridge.py": "what the demo's own programs and databases say",
    "sim/demo/children.py": "what the demo's own programs say",
    "sim/demo/verdict.py": "what the demo's own databases say",
    "sim/asked.py": "the simulator's own journal",
    "sim/journal.py": "the simulator's own journal",
    "sim/municipalities.py": "the URL is of the simulator's own file",
    "sim/owed.py": "the simulator's own journal",
    "sim/people/geography.py": "tables that come with the program",
    "sim/people/tables.py": "tables that come with the program",
    "sim/posts.py": "the simulator's own file",
    "sim/tally.py": "the simulator's own journal",
    "sim/world.py": "the simulator's own file",
}


def _parsing() -> set[str]:
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                word = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if PARSES.fullmatch(word):
                    found.add(str(path.relative_to(SOURCE)))
    return found


def test_every_file_that_parses_has_a_target_or_a_reason() -> None:
    assert _parsing() == FROM_OUTSIDE.keys() | WITHOUT.keys()


def test_every_target_is_of_a_parser() -> None:
    assert set().union(*FROM_OUTSIDE.values()) | BY_HAND == TARGETS.keys()


def test_the_table_lists_the_targets() -> None:
    section = (ROOT / "docs" / "security.md").read_text("utf-8").partition("## Fuzzing")[2]
    rows = re.findall(r"^\| ([a-z-]+) \| (.+?) \| ([0-9,]+) \| .+ \|$", section, re.MULTILINE)
    assert [name for name, *_ in rows] == list(TARGETS)

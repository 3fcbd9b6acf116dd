"""The judge by itself: a sound prefecture is found sound; whatever is altered in the evidence is found."""

import json
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from campaign.lives import juki_life
from campaign.prefecture import REGISTER, Ground, Prefecture
from campaign.program import TESTS
from judge.evidence import Evidence, _read_reply, gather
from judge.findings import RULES
from judge.tables import Row, copy_tables
from judge.verdict import judge
from jukinet_daemon.sim.municipality import MunicipalCs
from jukinet_daemon.sim.owed import owed
from support.world import until

ITOSHIMA, ONOJO = "402303", "402192"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(ground: Ground) -> AsyncIterator[Prefecture]:
    """A prefecture that has lived a little and come to rest."""
    prefecture = Prefecture(ground, "lived", (ITOSHIMA, ONOJO))
    try:
        await prefecture.open()
        dice = random.Random(5)
        for code in prefecture.senders:
            cs = await prefecture.cs(code, parcel_notices=5)
            for _ in range(30):
                cs.post(juki_life(dice, code))
            await cs.done()
            await _carries(cs, code)
        await prefecture.relayed()
        yield prefecture
    finally:
        await prefecture.close()


async def _carries(cs: MunicipalCs, code: str) -> None:
    """Sends on until it carries a checkpoint: on a fast machine all is through before one is handed out."""
    dice = random.Random(6)

    async def carries() -> bool:
        cs.post(juki_life(dice, code))
        await cs.done()
        return cs.witness.note is not None

    await until(carries)


def _evidence(prefecture: Prefecture) -> Evidence:
    tables = copy_tables(prefecture.postgres.binary("psql"), prefecture.dsn)
    journals = sorted(prefecture.journals.glob("*.ndjson"))
    return gather(journals, prefecture.national_journal, tables, REGISTER)


def test_a_time_without_harm_is_sound(lived: Prefecture) -> None:
    verdict = lived.judge()
    assert verdict.sound, verdict.findings[:5]
    for kind in ("sent", "acknowledged", "applied", "held", "refused", "relayed"):
        assert verdict.counts[kind] > 5, kind


def test_nobody_owes_anything_by_its_journal_after_rest(lived: Prefecture) -> None:
    journal = lived.journals / f"{ITOSHIMA}.ndjson"
    assert owed(journal, REGISTER).notices == ()
    # Without its answers, it owes all that it sent, in the order sent.
    lines = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    unanswered = journal.with_suffix(".unanswered")
    kept = [line for line in lines if line["event"] in ("parcel", "sent")]
    unanswered.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")
    sent = [line["id"] for line in kept if line["event"] == "sent"]
    assert [notice["id"] for notice in owed(unanswered, REGISTER).notices] == sent
    assert owed(unanswered, REGISTER).last_number == kept[-1]["parcel"]


def test_the_program_says_its_verdict_in_one_line(lived: Prefecture, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "judge", "--register", REGISTER, "--dsn", lived.dsn),
        *("--psql", str(lived.postgres.binary("psql")), "--senders", str(lived.journals)),
    ]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}

    def run(national: Path) -> tuple[int, list[str]]:
        done = subprocess.run(
            [*command, "--national", str(national)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()

    status, lines = run(lived.national_journal)
    assert (status, len(lines)) == (0, 1)
    assert "異状なし" in lines[0]
    # Without its last line, the national server has not what the file says it has.
    lost = tmp_path / "national.ndjson"
    lost.write_text(
        "".join(lived.national_journal.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8"
    )
    status, lines = run(lost)
    assert status == 1
    assert "closed_not_received" in lines[-1]
    assert "NOT SOUND" in lines[-1]


def _look_anew(evidence: Evidence) -> None:
    """Forgets what was worked out of the evidence before it was altered."""
    for name in ("firsts", "leaves", "settled"):
        vars(evidence).pop(name, None)


Alteration = Callable[[Evidence], None]


def _row(evidence: Evidence, table: str, **wanted: str) -> Row:
    return next(
        row for row in evidence.tables[table] if all(row[name] == text for name, text in wanted.items())
    )


def _drop(table: str, **wanted: str) -> Alteration:
    return lambda evidence: evidence.tables[table].remove(_row(evidence, table, **wanted))


def _twice(table: str, **wanted: str) -> Alteration:
    return lambda evidence: evidence.tables[table].append({**_row(evidence, table, **wanted)})


def _change(table: str, wanted: dict[str, str], **changes: str) -> Alteration:
    return lambda evidence: _row(evidence, table, **wanted).update(changes)


def _trace_of_refused(evidence: Evidence) -> None:
    refused = _row(evidence, "inbox", outcome="REFUSED")["notice_id"]
    evidence.tables["departure"].append({"notice_id": refused, "person_id": "1"})


def _leaf_twice(evidence: Evidence) -> None:
    leaf = next(row for row in evidence.tables["ledger"] if '"event":"notice"' in row["payload"])
    evidence.tables["ledger"].append({**leaf})


def _swap_versions(evidence: Evidence) -> None:
    first = _row(evidence, "history", change="correction", version="2")
    second = _row(evidence, "history", person_id=first["person_id"], version="1")
    first["version"], second["version"] = "1", "2"


def _held_first(evidence: Evidence) -> None:
    held = evidence.tables["held"][0]
    sent = evidence.firsts[held["notice_id"]]
    after = next(
        row
        for row in evidence.tables["history"]
        if (other := evidence.firsts[row["notice_id"]]).sender == sent.sender and other.place > sent.place
    )
    after["person_id"] = held["person_id"]


def _split_person(evidence: Evidence) -> None:
    row = _row(evidence, "history", version="2")
    evidence.tables["history"].append({**row, "person_id": "999999"})


def _receipt_of_others(evidence: Evidence) -> None:
    receipts = evidence.tables["receipt"]
    first, last = receipts[0], receipts[-1]
    first["signed"], last["signed"] = last["signed"], first["signed"]


def _told_otherwise(evidence: Evidence) -> None:
    told = evidence.told[0]
    evidence.told[0] = replace(told, text=told.text.replace('"received_on":"20', '"received_on":"19'))


def _sent_by_nobody(evidence: Evidence) -> None:
    name = evidence.sent[0].id
    evidence.sent = [sent for sent in evidence.sent if sent.id != name]


def _not_answered(evidence: Evidence) -> None:
    name = evidence.told[0].id
    evidence.told = [told for told in evidence.told if told.id != name]


def _national_order(evidence: Evidence) -> None:
    late = next(entry for entry in evidence.national if entry.sequence == 2)
    evidence.national.remove(late)
    evidence.national.insert(0, late)


def _national_says_otherwise(evidence: Evidence) -> None:
    first = evidence.national[0]
    evidence.national[0] = replace(first, record=first.record | {"event_date": "19000101"})


def _national_knows_more(evidence: Evidence) -> None:
    evidence.national.append(replace(evidence.national[0], id="0" * 36, person="none"))


def _national_lost_one(evidence: Evidence) -> None:
    evidence.national.pop()


def _not_straight(evidence: Evidence) -> None:
    # A reply that names another parcel: what `gather` finds while it reads the journals.
    reply = {"receiver": ITOSHIMA, "parcel": 1, "parcel_digest": "other", "answers": [], "repeated": []}
    answer = {"id": "x", "outcome": "ACCEPTED", "code": "A100", "leaf": "x"}
    payload = json.dumps({"answers": [answer]} | {k: v for k, v in reply.items() if k != "answers"})
    _read_reply(evidence, ITOSHIMA, payload.replace('"answers": [', '"answers":['), {})


def _another_tree(evidence: Evidence) -> None:
    first, last = evidence.tables["ledger"][0], evidence.tables["ledger"][-1]
    first["hash"], last["hash"] = last["hash"], first["hash"]


def _end_cut_off(evidence: Evidence) -> None:
    """As if what a sender carries had never been."""
    carried = {note for _, note in evidence.carried}
    assert carried
    evidence.tables["ledger_checkpoint"] = [
        row for row in evidence.tables["ledger_checkpoint"] if row["note"] not in carried
    ]


ALTERED: dict[str, Alteration] = {
    "not_told_straight": _not_straight,
    "unanswered": _not_answered,
    "acknowledged_not_stored": _drop("inbox", code="A100"),
    "answer_differs": _told_otherwise,
    "stored_not_sent": _sent_by_nobody,
    "not_applied_once": _twice("history", version="2"),
    "refused_left_traces": _trace_of_refused,
    "effect_without_answer": _drop("inbox", code="A100"),
    "recorded_otherwise": _change("history", {"version": "2"}, address="福岡県"),
    "no_outbox_row": _drop("outbox", version="2"),
    "no_record": _drop("history", version="2"),
    "not_one_leaf": _leaf_twice,
    "leaf_without_cause": _drop("inbox", code="A100"),
    "leaf_broken": lambda evidence: evidence.tables["ledger"][3].update(salt=r"\x00"),
    "sealed_otherwise": _another_tree,
    "carried_not_sealed": _end_cut_off,
    "receipt_without_leaf": lambda evidence: evidence.tables["receipt"][0].update(parcel_digest="other"),
    "out_of_order": _swap_versions,
    "overtook_held": _held_first,
    "person_split": _split_person,
    "person_moved_alone": lambda evidence: evidence.tables["person"][0].update(version="99"),
    "not_relayed": _change("outbox", {"version": "1"}, receipt_id=""),
    "closed_not_received": _national_lost_one,
    "closed_without_receipt": _receipt_of_others,
    "national_twice": lambda evidence: evidence.national.append(evidence.national[-1]),
    "national_unknown": _national_knows_more,
    "national_refused": _change("outbox", {"version": "1"}, refused="N310"),
    "national_out_of_order": _national_order,
    "national_otherwise": _national_says_otherwise,
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_finds_what_breaks_it(rule: str, lived: Prefecture) -> None:
    evidence = _evidence(lived)
    ALTERED[rule](evidence)
    _look_anew(evidence)
    assert rule in judge(evidence).rules_broken


def test_no_finding_tells_a_personal_value(lived: Prefecture) -> None:
    evidence = _evidence(lived)
    people = [sent.notice["person"] for sent in evidence.sent if "person" in sent.notice]
    secrets = {person[name] for person in people for name in ("name", "address", "resident_code")}
    for alter in ALTERED.values():
        alter(evidence)
        _look_anew(evidence)
    text = "".join(map(str, judge(evidence).findings)) + repr(evidence.sent[:50] + evidence.told[:50])
    assert [secret for secret in secrets if secret in text] == []


def test_what_is_under_way_is_not_missing(lived: Prefecture) -> None:
    evidence = _evidence(lived)
    evidence.at_rest = False
    _not_answered(evidence)
    _row(evidence, "outbox", version="1")["receipt_id"] = ""
    assert judge(evidence).sound

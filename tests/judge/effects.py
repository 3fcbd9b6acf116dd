"""効果: whether each outcome has exactly the effect that it must have, and nothing else has any."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from .evidence import Evidence
from .findings import Finding
from .tables import Row

DEPARTED = "A110"
_EFFECTS = ("history", "outbox", "held", "departure")


def outcomes_have_their_effect(evidence: Evidence) -> Iterator[Finding]:
    """Applied: one record with its outbox row, or one departure. Held: one slip. Refused: nothing at all."""
    found = {table: Counter(r["notice_id"] for r in evidence.tables[table]) for table in _EFFECTS}
    settled = evidence.settled
    for row in evidence.tables["inbox"]:
        name = row["notice_id"]
        effect = {table: found[table][name] for table in _EFFECTS if found[table][name]}
        if row["outcome"] == "REFUSED":
            if effect:
                yield Finding("refused_left_traces", name)
        elif name not in settled and effect != _effect_of(row):
            yield Finding("not_applied_once", name)


def _effect_of(row: Row) -> Mapping[str, int]:
    if row["outcome"] == "HELD":
        return {"held": 1}
    return {"departure": 1} if row["code"] == DEPARTED else {"history": 1, "outbox": 1}


def effects_have_their_outcome(evidence: Evidence) -> Iterator[Finding]:
    """Whatever changed the file is an answer in the inbox: nothing is there by half."""
    known = {row["notice_id"] for row in evidence.tables["inbox"]}
    for table in _EFFECTS:
        for row in evidence.tables[table]:
            if row["notice_id"] not in known:
                yield Finding("effect_without_answer", row["notice_id"])


def records_and_outbox_agree(evidence: Evidence) -> Iterator[Finding]:
    """Each record has its place in the outbox, and the reverse."""
    records, places = (
        {(row["person_id"], row["version"], row["notice_id"]) for row in evidence.tables[table]}
        for table in ("history", "outbox")
    )
    yield from (Finding("no_outbox_row", name) for _, _, name in sorted(records - places))
    yield from (Finding("no_record", name) for _, _, name in sorted(places - records))


def records_say_what_was_sent(evidence: Evidence) -> Iterator[Finding]:
    """A record says what its notice said, code point by code point."""
    for row in evidence.tables["history"]:
        sent = evidence.firsts.get(row["notice_id"])
        if sent is not None and any(row[name] != text for name, text in said(sent.notice).items()):
            yield Finding("recorded_otherwise", row["notice_id"])


def said(notice: Mapping[str, object]) -> dict[str, str]:
    """The items of a notice or relayed record that the judge compares."""
    person = notice["person"]
    assert isinstance(person, Mapping)
    items = {name: notice.get(name) for name in ("area", "change", "event_date", "record_key")}
    items |= {name: person.get(name) for name in ("resident_code", "name", "address")}
    return {name: str(value or "") for name, value in items.items()}


def persons_move_by_notices_alone(evidence: Evidence) -> Iterator[Finding]:
    """A person's version counts the notices about that person, and those of settlements on top."""
    steps: Counter[str] = Counter()
    for table in ("history", "held", "departure"):
        steps.update(row["person_id"] for row in evidence.tables[table])
    for row in evidence.tables["held"]:
        steps.update(other for other in row["others"].strip("{}").split(",") if other)
    settled = bool(evidence.settled)
    for row in evidence.tables["person"]:
        counted, version = steps[row["person_id"]], int(row["version"])
        if not counted or version < counted or (version > counted and not settled):
            yield Finding("person_moved_alone", f"person {row['person_id']}")


def codes_name_one_person(evidence: Evidence) -> Iterator[Finding]:
    """A resident code stands in the records of one person only."""
    persons: dict[str, dict[str, str]] = defaultdict(dict)
    for row in evidence.tables["history"]:
        if row["resident_code"]:
            persons[row["resident_code"]].setdefault(row["person_id"], row["notice_id"])
    for names in persons.values():
        yield from (Finding("person_split", name) for name in list(names.values())[1:])

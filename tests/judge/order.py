"""順序: whether one sender's notices about one person were applied in the order sent."""

from collections import defaultdict
from collections.abc import Iterator

from .evidence import Evidence
from .findings import Finding
from .tables import Row


def records_are_in_order(evidence: Evidence) -> Iterator[Finding]:
    """By person and sender, the versions rise as the notices were sent. What was settled by hand is apart."""
    for rows in _by_person(evidence, "history", "version").values():
        yield from _rising(evidence, rows)


def held_notices_are_in_order(evidence: Evidence) -> Iterator[Finding]:
    """Held notices wait in the order sent."""
    for rows in _by_person(evidence, "held", "held_id").values():
        yield from _rising(evidence, rows)


def nothing_overtakes_what_is_held(evidence: Evidence) -> Iterator[Finding]:
    """Behind a held notice about a person nothing of that person is applied."""
    first_held: dict[tuple[str, str], int] = {}
    for row in evidence.tables["held"]:
        sent = evidence.firsts.get(row["notice_id"])
        if sent is not None:
            for person in (row["person_id"], *row["others"].strip("{}").split(",")):
                place = first_held.get((person, sent.sender), sent.place)
                first_held[person, sent.sender] = min(place, sent.place)
    settled = evidence.settled
    for row in evidence.tables["history"]:
        sent = evidence.firsts.get(row["notice_id"])
        if sent is not None and row["notice_id"] not in settled:
            held = first_held.get((row["person_id"], sent.sender), sent.place)
            if held < sent.place:
                yield Finding("overtook_held", row["notice_id"])


def _by_person(evidence: Evidence, table: str, number: str) -> dict[str, list[Row]]:
    persons: dict[str, list[Row]] = defaultdict(list)
    settled = evidence.settled
    for row in evidence.tables[table]:
        if row["notice_id"] not in settled:
            persons[row["person_id"]].append(row)
    for rows in persons.values():
        rows.sort(key=lambda row: int(row[number]))
    return persons


def _rising(evidence: Evidence, rows: list[Row]) -> Iterator[Finding]:
    newest: dict[str, int] = {}
    for row in rows:
        sent = evidence.firsts.get(row["notice_id"])
        if sent is not None:
            if sent.place < newest.get(sent.sender, 0):
                yield Finding("out_of_order", row["notice_id"])
            newest[sent.sender] = max(sent.place, newest.get(sent.sender, 0))

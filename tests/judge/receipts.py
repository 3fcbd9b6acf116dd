"""受領書: whether the answers that were given are those that the file remembers, to the letter."""

from collections.abc import Iterator

from .evidence import REUSED, Evidence
from .findings import Finding


def answers_are_stored(evidence: Evidence) -> Iterator[Finding]:
    """Every answer that is final stands in the inbox, word for word, the same each time it was given."""
    stored = {row["notice_id"]: row for row in evidence.tables["inbox"]}
    for told in evidence.told:
        row = stored.get(told.id)
        if row is None:
            yield Finding("acknowledged_not_stored", told.id)
        elif told.code not in REUSED and (row["answer"], row["sender"]) != (told.text, told.sender):
            yield Finding("answer_differs", told.id)


def nothing_is_stored_that_was_not_sent(evidence: Evidence) -> Iterator[Finding]:
    """Every id of the inbox was sent by the sender that it names."""
    sent = {(notice.id, notice.sender) for notice in evidence.sent}
    for row in evidence.tables["inbox"]:
        if (row["notice_id"], row["sender"]) not in sent:
            yield Finding("stored_not_sent", row["notice_id"])


def everything_is_answered(evidence: Evidence) -> Iterator[Finding]:
    """Once all has come to rest, whatever was sent has been answered."""
    if evidence.at_rest:
        told = {(answer.id, answer.sender) for answer in evidence.told}
        for sent in evidence.sent:
            if (sent.id, sent.sender) not in told:
                yield Finding("unanswered", sent.id)

"""指摘: what the judge finds wrong: a rule that was broken, and by which notice. Never a personal value."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

RULES = {
    "not_told_straight": "a reply does not answer the parcel it names, notice for notice",
    "unanswered": "sent, and never answered although everything had come to rest",
    "acknowledged_not_stored": "answered, and the file knows nothing of it",
    "answer_differs": "answered otherwise than the file remembers, or two times in different words",
    "stored_not_sent": "in the file, and no sender sent it",
    "not_applied_once": "its outcome has not exactly the one effect that it must have",
    "refused_left_traces": "refused, and it changed something",
    "effect_without_answer": "it changed something, and the inbox does not know it",
    "recorded_otherwise": "the record says something else than the notice",
    "no_outbox_row": "a record without its place in the outbox",
    "no_record": "a place in the outbox without its record",
    "not_one_leaf": "an outcome has not exactly one leaf in the ledger",
    "leaf_without_cause": "a leaf tells of an outcome that the inbox does not know",
    "leaf_broken": "a leaf is not the hash of its salt and payload",
    "sealed_otherwise": "the sealed tree is not that of the leaves",
    "carried_not_sealed": "a sender carries a checkpoint that the ledger does not have",
    "receipt_without_leaf": "a receipt of the national server without its leaf, or relayed without saying so",
    "out_of_order": "one sender's notices about one person were not applied in the order sent",
    "overtook_held": "applied although an earlier notice about the person is held",
    "person_split": "one resident code stands for two persons",
    "person_moved_alone": "a person's version counts other steps than notices about that person",
    "not_relayed": "a record has no receipt although everything had come to rest",
    "closed_not_received": "closed as received, and the national server never took it",
    "closed_without_receipt": "closed by a receipt that does not name it",
    "national_twice": "the national server took it twice",
    "national_unknown": "the national server has what the file has not",
    "national_refused": "the national server refused it",
    "national_out_of_order": "the national server took a person's records in another order than the file",
    "national_otherwise": "the national server has something else than the notice said",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule and the notice (or person number) that shows it."""

    rule: str
    about: str

    def __str__(self) -> str:
        return f"{self.rule} {self.about}: {RULES[self.rule]}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was counted and what was found."""

    counts: Counter[str]
    findings: Sequence[Finding]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def rules_broken(self) -> set[str]:
        """The names of the rules that were broken."""
        return {finding.rule for finding in self.findings}

    def line(self) -> str:
        """The verdict in one line."""
        word = "異状なし / sound" if self.sound else f"異状 {len(self.findings):,} 件 / NOT SOUND"
        told = ", ".join(f"{self.counts[name]:,} {name}" for name in COUNTED)
        broken = "" if self.sound else f" [{', '.join(sorted(self.rules_broken))}]"
        return f"審判: {word}: {told}{broken}"


COUNTED = ("sent", "acknowledged", "applied", "held", "refused", "relayed", "unacknowledged but stored")

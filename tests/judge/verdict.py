"""判決: every rule put to the evidence; the counts; one line."""

from collections import Counter
from collections.abc import Callable, Iterator

from . import effects, leaves, order, receipts, relay, seal
from .evidence import TAKEN, Evidence
from .findings import Finding, Verdict

Rule = Callable[[Evidence], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    receipts.answers_are_stored,
    receipts.nothing_is_stored_that_was_not_sent,
    receipts.everything_is_answered,
    effects.outcomes_have_their_effect,
    effects.effects_have_their_outcome,
    effects.records_and_outbox_agree,
    effects.records_say_what_was_sent,
    effects.persons_move_by_notices_alone,
    effects.codes_name_one_person,
    leaves.leaves_are_hashes,
    leaves.outcomes_have_one_leaf,
    leaves.answers_name_a_leaf,
    leaves.receipts_have_leaves,
    seal.places_are_leaves,
    seal.checkpoints_are_of_the_leaves,
    seal.carried_is_sealed,
    order.records_are_in_order,
    order.held_notices_are_in_order,
    order.nothing_overtakes_what_is_held,
    relay.closed_is_received,
    relay.received_is_recorded,
    relay.received_in_order,
)


def judge(evidence: Evidence) -> Verdict:
    """Decides. Each finding is given once, in the order of the rules."""
    found = dict.fromkeys(evidence.findings)
    for rule in RULES:
        found |= dict.fromkeys(rule(evidence))
    return Verdict(_counts(evidence), tuple(found))


def _counts(evidence: Evidence) -> Counter[str]:
    told = {(answer.id, answer.code) for answer in evidence.told}
    inbox = evidence.tables["inbox"]
    outcomes = Counter(row["outcome"] for row in inbox)
    known = {name for name, _ in told}
    return Counter(
        {
            "sent": len(evidence.sent),
            "acknowledged": len(told),
            "applied": outcomes["ACCEPTED"],
            "held": outcomes["HELD"],
            "refused": outcomes["REFUSED"],
            "relayed": len({entry.id for entry in evidence.national if entry.code == TAKEN}),
            "unacknowledged but stored": sum(row["notice_id"] not in known for row in inbox),
        }
    )

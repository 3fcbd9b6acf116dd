"""一括の計画: what each notice of a batch is, and what is to be done about it. Reads and writes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.decide import Decision, People, Subject, decide
from jukinet_daemon.domain.notice import Key, Notice, keys_of
from jukinet_daemon.domain.outcomes import Outcome, OutcomeClass
from jukinet_daemon.domain.person import unknown_person
from jukinet_daemon.domain.register import Finding, Register, Setting, Strictness
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.service.lanes import Answer, Arrival
from jukinet_daemon.service.summary import summary_of
from jukinet_daemon.store.inbox import Entry, FirstAnswer, InboxRow, Known, ParcelRow
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.wire.envelope import base64url
from jukinet_daemon.wire.kept import kept_form
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.reply import write_answer
from jukinet_daemon.wire.text import canonical, notice_id_in

Judge = Callable[[Register, Subject, Notice, Setting], Decision]


@dataclass(frozen=True, slots=True)
class House:
    """What notices are judged by: the register, the map, the house rules, the clock, the keys."""

    register: Register
    areas: Areas
    code_check: Strictness
    clock: Clock
    vault: Vault


@dataclass(frozen=True, slots=True)
class Item:
    """One notice of a batch: its parcel, its position there, what it says, what it is known by.

    `keys` find the person it is about; there are none where the notice could not be read.
    """

    arrival: Arrival
    parcel_id: int
    position: int
    id: str | None
    notice: Notice | Finding = field(repr=False)
    raw: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    keys: tuple[Key, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be committed for a batch, and the answers that hold once it is."""

    repeats: list[tuple[Item, Answer]]
    entries: list[tuple[Item, Entry, Answer]]


def items_of(arrivals: Sequence[Arrival], parcel_ids: Sequence[int], house: House) -> Iterator[Item]:
    """The notices of parcels in order, each read when it is asked for."""
    for arrival, parcel_id in zip(arrivals, parcel_ids, strict=True):
        for position, raw in enumerate(arrival.parcel.notices):
            yield _item(arrival, parcel_id, position, raw, house)


def _item(arrival: Arrival, parcel_id: int, position: int, raw: Any, house: House) -> Item:
    notice = read_notice(house.register.name, raw)
    # What cannot be read has no one reading: how it failed is part of what it is known by.
    failed = [notice.outcome.code, notice.field] if isinstance(notice, Finding) else []
    content = canonical(raw)
    return Item(
        arrival=arrival,
        parcel_id=parcel_id,
        position=position,
        id=notice_id_in(raw),
        notice=notice,
        raw=content,
        fingerprint=house.vault.fingerprint(content + canonical(failed) if failed else content),
        keys=() if isinstance(notice, Finding) else keys_of(notice),
    )


def parcel_row(arrival: Arrival, parcel_id: int, vault: Vault) -> ParcelRow:
    """A parcel as it is kept: the sender's signature over what it sent, sealed, and its summary."""
    sealed = vault.seal(f"parcel/{parcel_id}", kept_form(arrival.signed))
    parcel = arrival.parcel
    summary = summary_of(arrival.signed, parcel.notices, vault)
    return ParcelRow(
        parcel_id,
        parcel.sender,
        parcel.number,
        arrival.digest,
        arrival.thumbprint,
        sealed,
        arrival.received_at,
        summary.fingerprint,
        summary.notice_ids,
        summary.kinds,
    )


def one_of_each_new_id(items: Sequence[Item], known: Known) -> tuple[list[Item], list[Item]]:
    """Splits items into those of this round and those that repeat a new id of it and wait for its answer."""
    now, later = [], []
    new: set[str] = set()
    for item in items:
        if item.id in new:
            later.append(item)
        else:
            now.append(item)
            if item.id and item.id not in known.answers:
                new.add(item.id)
    return now, later


def strangers(items: Sequence[Item], known: Known) -> int:
    """How many fresh person numbers a batch can need."""
    return sum(1 for item in items if not any(key in known.people for key in item.keys))


class Planner:
    """Decides a batch in order, later notices seeing the effect of earlier ones.

    Takes what is known of the batch's ids and persons, and fresh person numbers for strangers.
    """

    def __init__(self, known: Known, fresh: Iterator[int], house: House, judge: Judge = decide) -> None:
        self.plan = Plan([], [])
        self._answers = known.answers
        self._people = People(known.people)
        self._fresh = fresh
        self._house = house
        self._judge = judge

    def add(self, item: Item) -> None:
        """Puts the next notice of the batch into the plan."""
        first = self._answers.get(item.id) if item.id else None
        if first and _same(first, item):
            self.plan.repeats.append((item, Answer(first.answer, _REPEATED, repeated=True)))
        else:
            decision = _reuse(first, item) if first else self._judged(item)
            self._people.apply(decision)
            self.plan.entries.append(_entry(item, decision, remember=first is None, house=self._house))

    def _judged(self, item: Item) -> Decision:
        if isinstance(item.notice, Finding):
            return _refused(item.notice)
        if item.id is None:
            return _refused(Finding(outcomes.MALFORMED, "id"))
        people = self._people
        subject = people.find(item.keys) or people.stranger(item.keys, unknown_person(next(self._fresh)))
        setting = Setting(
            sender=item.arrival.parcel.sender,
            today=item.arrival.received_at.date(),
            areas=self._house.areas,
            code_check=self._house.code_check,
        )
        return self._judge(self._house.register, subject, item.notice, setting)


_REPEATED = OutcomeClass.REPEATED.value


def _same(first: FirstAnswer, item: Item) -> bool:
    return first.sender == item.arrival.parcel.sender and item.fingerprint in first.same


def _reuse(first: FirstAnswer, item: Item) -> Decision:
    own = first.sender == item.arrival.parcel.sender
    return _refused(Finding(outcomes.ID_REUSED if own else outcomes.ID_OF_ANOTHER, "id"))


def _refused(finding: Finding) -> Decision:
    return Decision(finding.outcome, (finding,))


def _entry(item: Item, decision: Decision, *, remember: bool, house: House) -> tuple[Item, Entry, Answer]:
    leaf = _leaf(item, decision.outcome, house)
    text = _answer(item, decision, leaf)
    parcel = item.arrival.parcel
    inbox = (
        InboxRow(
            item.id,
            parcel.sender,
            item.parcel_id,
            item.fingerprint,
            decision.kind,
            decision.outcome.code,
            text,
        )
        if item.id and remember
        else None
    )
    notice = None if isinstance(item.notice, Finding) else item.notice
    entry = Entry(decision, notice, inbox, leaf, item.raw, parcel.sender, item.arrival.received_at.date())
    return item, entry, Answer(text, decision.outcome.code)


def _leaf(item: Item, outcome: Outcome, house: House) -> Leaf:
    payload = {
        "event": "notice",
        "register": house.register.name,
        "sender": item.arrival.parcel.sender,
        "parcel_digest": item.arrival.digest,
        "position": item.position,
        "id": item.id,
        "code": outcome.code,
        "received_on": item.arrival.received_at.date().isoformat(),
    }
    return evidence(payload)


def _answer(item: Item, decision: Decision, leaf: Leaf) -> str:
    refused = decision.kind is OutcomeClass.REFUSED
    remarks = [] if refused else [{"code": f.outcome.code, "field": f.field} for f in decision.findings]
    return write_answer(
        {
            "id": item.id,
            "outcome": decision.kind,
            "code": decision.outcome.code,
            "field": decision.findings[0].field if refused else None,
            "remarks": remarks or None,
            "received_on": item.arrival.received_at.date().isoformat(),
            "leaf": base64url(leaf.hash),
            "salt": base64url(leaf.salt),
        }
    )


def later_answer(raw: Any) -> Answer:
    """The answer to a notice that could not be taken: send it again. It is not stored."""
    outcome = outcomes.TRY_AGAIN
    text = write_answer({"id": notice_id_in(raw), "outcome": outcome.kind, "code": outcome.code})
    return Answer(text, outcome.code, later=True)

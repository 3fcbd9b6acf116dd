"""保留の決着: an operator looks at a held notice, lets it be decided again, or rejects it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import structlog

from jukinet_daemon.domain.decide import Decision, People, Subject, decide
from jukinet_daemon.domain.notice import DepartureNotice, Key, Notice, keys_of
from jukinet_daemon.domain.outcomes import OUTCOMES, Outcome, OutcomeClass
from jukinet_daemon.domain.person import PersonState, let_go, unknown_person
from jukinet_daemon.domain.register import Finding, Setting
from jukinet_daemon.domain.wareki import date_words
from jukinet_daemon.ledger.leaf import Leaf
from jukinet_daemon.ops.operator import OperatorFault
from jukinet_daemon.service.batch import House
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.held import Held, HeldNotices, Settlement
from jukinet_daemon.store.inbox import Inbox
from jukinet_daemon.vault.fields import VaultFault
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.text import read_json

log = structlog.get_logger()

# A settlement loses its race only to a notice of the same person that comes at this very moment.
TRIES = 5


class Reason(StrEnum):
    """Why a held notice is rejected: a closed list, for free text would bring in personal values."""

    CORRECTED = "corrected"
    DUPLICATE = "duplicate"
    WRONG_PERSON = "wrong-person"
    WITHDRAWN = "withdrawn"


REASONS = {
    Reason.CORRECTED: "市区町村が正しい通知を送った",
    Reason.DUPLICATE: "同じ事実の通知が別にある",
    Reason.WRONG_PERSON: "別人についての通知である",
    Reason.WITHDRAWN: "市区町村が取り下げた",
}


class SettleFault(OperatorFault):
    """A held notice cannot be settled; the message says why, for an operator."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became, or would become, of one held notice. `outcome` is None where it was rejected."""

    notice_id: str
    outcome: Outcome | None
    applied: bool


class HeldDesk:
    """The operators' desk for held notices of one register."""

    def __init__(self, house: House, held: HeldNotices, inbox: Inbox) -> None:
        self._house = house
        self._held = held
        self._inbox = inbox

    async def all(self) -> list[dict[str, Any]]:
        """Every notice that waits, without personal values. Raises StoreFault."""
        return [_told(held) for held in await self._held.all()]

    async def show(self, notice_id: str, operator: str) -> dict[str, Any]:
        """One notice with all it says. The look is recorded before it is given. Raises SettleFault."""
        held = await self._found(notice_id)
        await self._held.record(self._leaf("held_shown", held, operator))
        return _told(held) | {"notice": read_json(held.raw), "born": _born(_notice_of(held, self._house))}

    async def release(self, notice_id: str, operator: str, *, apply: bool) -> list[Settled]:
        """Decides a held notice again as if nothing of its person waited, then what else waits of them.

        The operator chooses which goes first: what was missing may have come later and queue behind. Without
        `apply` it says what would become of this one and changes nothing. Raises SettleFault.
        """
        held = await self._found(notice_id)
        first = await self._decide_again(held, operator, apply=apply)
        if not (apply and first.applied):
            return [first]
        return [first, *await self._go_on(held, operator)]

    async def reject(self, notice_id: str, operator: str, reason: Reason, *, apply: bool) -> list[Settled]:
        """Lets a held notice and the keys it tied go, then decides what else waits. Raises SettleFault."""
        held = await self._found(notice_id)
        if not apply:
            return [Settled(notice_id, None, applied=False)]
        leaf = self._leaf("held_rejected", held, operator, reason=reason)
        for _try in range(TRIES):
            states = tuple(let_go(state) for state in await self._held.states(held.people))
            if await self._held.settle(Settlement(held, states, None, None, leaf)):
                return [Settled(notice_id, None, applied=True), *await self._go_on(held, operator)]
        raise _moved_on()

    async def _go_on(self, held: Held, operator: str) -> list[Settled]:
        """Decides what else waits of the persons of a notice, in order, but for those who must still wait."""
        settled: list[Settled] = []
        waiting: set[int] = set()
        try:
            for other in await self._held.behind(held.people):
                named = await self._named(other)
                if waiting & named:
                    continue
                result = await self._decide_again(other, operator, apply=True)
                settled.append(result)
                waiting |= set() if result.applied else named
        except (SettleFault, StoreFault, VaultFault) as fault:
            # What was settled is settled; the rest waits for the next look.
            log.warning("held_interrupted", fault=str(fault), notice_id=held.notice_id)
        return settled

    async def _named(self, held: Held) -> set[int]:
        """Whom a notice names now: the key that made it wait may have been let go."""
        known = await self._inbox.known([], list(keys_of(_notice_of(held, self._house))))
        return {state.person_id for state in known.people.values()}

    async def _decide_again(self, held: Held, operator: str, *, apply: bool) -> Settled:
        notice = _notice_of(held, self._house)
        for _try in range(TRIES):
            decision, states = await self._decision(held, notice)
            accepted = decision.kind is OutcomeClass.ACCEPTED
            if not apply:
                return Settled(held.notice_id, decision.outcome, applied=False)
            event = "held_released" if accepted else "held_decided_again"
            leaf = self._leaf(event, held, operator, code=decision.outcome.code)
            if not accepted:
                await self._held.record(leaf)
                await self._held.mark(held.notice_id, decision.outcome.code)
                return Settled(held.notice_id, decision.outcome, applied=False)
            if await self._held.settle(Settlement(held, states, notice, decision, leaf)):
                return Settled(held.notice_id, decision.outcome, applied=True)
        raise _moved_on()

    async def _decision(self, held: Held, notice: Notice) -> tuple[Decision, tuple[PersonState, ...]]:
        """Decides as if nothing of these persons waited; gives also the states after of all it concerns."""
        keys = keys_of(notice)
        people = People((await self._inbox.known([], list(keys))).people)
        subject = people.find(keys) or await self._newcomer(keys)
        setting = Setting(held.sender, held.notified_on, self._house.areas, self._house.code_check)
        decision = decide(self._house.register, _freed(subject, held), notice, setting)
        before = await self._held.states(held.people)
        return decision, _states_after(before, subject, decision)

    async def _newcomer(self, keys: tuple[Key, ...]) -> Subject:
        """A person that the file does not have: the key it waited under was let go with a rejected notice."""
        (number,) = await self._inbox.person_numbers(1)
        return People.stranger(keys, unknown_person(number))

    async def _found(self, notice_id: str) -> Held:
        held = await self._held.one(notice_id)
        if held is None:
            raise SettleFault(
                "この番号の保留はない。決着したものは jukinetctl trace が示す"
                " / no notice of this id is held; trace shows how one was settled"
            )
        return held

    def _leaf(self, event: str, held: Held, operator: str, **more: str) -> Leaf:
        payload = {
            "event": event,
            "register": self._house.register.name,
            "id": held.notice_id,
            "operator": operator,
            "at": self._house.clock().isoformat(timespec="milliseconds"),
            **more,
        }
        return evidence(payload)


def _freed(subject: Subject, held: Held) -> Subject:
    """A subject as if nothing waited of the persons that this notice keeps waiting."""

    def free(state: PersonState) -> PersonState:
        return replace(state, waiting=0) if state.person_id in held.people else state

    return Subject(free(subject.state), subject.new_keys, tuple(free(other) for other in subject.others))


def _states_after(before: list[PersonState], subject: Subject, decision: Decision) -> tuple[PersonState, ...]:
    """Of all whom a settled notice kept waiting, one wait less; of its person, what it brings besides."""
    states = {state.person_id: let_go(state) for state in before}
    after = decision.after
    if after is not None:
        freed = states.get(after.person_id)
        waiting = freed.waiting if freed else subject.state.waiting
        states[after.person_id] = replace(after, waiting=waiting)
    return tuple(states.values())


def _moved_on() -> SettleFault:
    return SettleFault(
        "この人の状態が変わり続けている。もう一度見てください / it keeps moving on; look again"
    )


def _told(held: Held) -> dict[str, Any]:
    outcome = OUTCOMES[held.code]
    return {
        "id": held.notice_id,
        "sender": held.sender,
        "code": held.code,
        "why": outcome.ja,
        "why_en": outcome.en,
        "notified_on": held.notified_on.isoformat(),
        "held_at": held.held_at.isoformat(timespec="seconds"),
    }


def _born(notice: Notice) -> str | None:
    """生年月日 as it stands on a certificate."""
    if isinstance(notice, DepartureNotice):
        return None
    return date_words(notice.person.date_of_birth, notice.person.birth_era)


def _notice_of(held: Held, house: House) -> Notice:
    notice = read_notice(house.register.name, read_json(held.raw))
    if isinstance(notice, Finding):
        raise SettleFault(f"通知を読めない / it cannot be read: {notice.outcome.code}")
    return notice

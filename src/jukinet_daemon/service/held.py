"""保留の決着: an operator looks at a held notice, lets it be decided again, or rejects it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from jukinet_daemon.domain.decide import Decision, People, Subject, decide
from jukinet_daemon.domain.notice import DepartureNotice, Notice, keys_of
from jukinet_daemon.domain.outcomes import BEHIND_HELD, OUTCOMES, Outcome, OutcomeClass
from jukinet_daemon.domain.person import PersonState, let_go
from jukinet_daemon.domain.register import Finding, Setting
from jukinet_daemon.domain.wareki import date_words
from jukinet_daemon.ledger.leaf import Leaf, leaf_of, new_salt
from jukinet_daemon.service.batch import House
from jukinet_daemon.store.held import Held, HeldNotices, Settlement
from jukinet_daemon.store.inbox import Inbox
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.text import canonical, read_json


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


class SettleFault(Exception):
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
        """Decides a held notice again, then what waited behind it, in order; stops at what must still wait.

        Without `apply` it says what would become of this one and changes nothing. Raises SettleFault.
        """
        held = await self._found(notice_id)
        if (await self._held.behind(held.people))[0] != held:
            raise SettleFault(
                "この人の前の通知を先に決着してください / an earlier notice of this person comes first"
            )
        first = await self._decide_again(held, operator, apply=apply)
        if not (apply and first.applied):
            return [first]
        return [first, *await self._go_on(held, operator)]

    async def reject(self, notice_id: str, operator: str, reason: Reason, *, apply: bool) -> list[Settled]:
        """Lets a held notice go unapplied, then decides what waited behind it. Raises SettleFault."""
        held = await self._found(notice_id)
        if not apply:
            return [Settled(notice_id, None, applied=False)]
        states = tuple(
            replace(let_go(s), version=s.version + 1) for s in await self._held.states(held.people)
        )
        leaf = self._leaf("held_rejected", held, operator, reason=reason)
        await self._settle(Settlement(held, states, None, None, leaf))
        return [Settled(notice_id, None, applied=True), *await self._go_on(held, operator)]

    async def _go_on(self, held: Held, operator: str) -> list[Settled]:
        settled = []
        for behind in await self._held.behind(held.people):
            if behind.code != BEHIND_HELD.code:
                break
            result = await self._decide_again(behind, operator, apply=True)
            settled.append(result)
            if not result.applied:
                break
        return settled

    async def _decide_again(self, held: Held, operator: str, *, apply: bool) -> Settled:
        notice = _notice_of(held, self._house)
        decision, states = await self._decision(held, notice)
        if decision.kind is not OutcomeClass.ACCEPTED:
            if apply:
                await self._held.mark(held.notice_id, decision.outcome.code)
            return Settled(held.notice_id, decision.outcome, applied=False)
        if apply:
            leaf = self._leaf("held_released", held, operator, code=decision.outcome.code)
            await self._settle(Settlement(held, states, notice, decision, leaf))
        return Settled(held.notice_id, decision.outcome, applied=apply)

    async def _decision(self, held: Held, notice: Notice) -> tuple[Decision, tuple[PersonState, ...]]:
        """Decides as if nothing waited; gives also the states after of all that this notice kept waiting."""
        keys = keys_of(notice)
        known = await self._inbox.known([], list(keys))
        subject = People(known.people).find(keys)
        if subject is None or subject.state.person_id not in held.people:
            raise SettleFault("この通知の人がファイルで見つからない / its person is no longer found")
        free = Subject(
            replace(subject.state, waiting=0),
            subject.new_keys,
            tuple(replace(other, waiting=0) for other in subject.others),
        )
        setting = Setting(held.sender, held.notified_on, self._house.areas, self._house.code_check)
        decision = decide(self._house.register, free, notice, setting)
        before = await self._held.states(held.people)
        return decision, tuple(_after(state, decision) for state in before)

    async def _settle(self, settlement: Settlement) -> None:
        if not await self._held.settle(settlement):
            raise SettleFault(
                "この人の状態が変わった。もう一度見てください / it moved on meanwhile; look again"
            )

    async def _found(self, notice_id: str) -> Held:
        held = await self._held.one(notice_id)
        if held is None:
            raise SettleFault("この番号の保留はない / no notice of this id is held")
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
        return leaf_of(canonical(payload).decode("utf-8"), new_salt())


def _after(state: PersonState, decision: Decision) -> PersonState:
    """The state after of a person whom the settled notice kept waiting: one wait less, and what it brings."""
    free = let_go(state)
    if decision.after is None or decision.after.person_id != state.person_id:
        return free
    return replace(decision.after, waiting=free.waiting)


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

"""A server in the hand: vectors put to the reading and the judgement alone, with a file in memory."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from jukinet_daemon.domain.decide import Decision, People, decide
from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.notice import ChangeNotice, Key, Notice, keys_of
from jukinet_daemon.domain.outcomes import OutcomeClass
from jukinet_daemon.domain.person import PersonState, unknown_person
from jukinet_daemon.domain.record import Record
from jukinet_daemon.domain.register import Finding, Setting, Strictness
from jukinet_daemon.domain.retention import keep_until
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.conformance.script import Letter, Script
from jukinet_daemon.sim.conformance.vectors import Answer
from jukinet_daemon.sim.conformance.verdict import Inside, complaints
from jukinet_daemon.wire.notice import read_notice
from jukinet_daemon.wire.relayed import write_record
from jukinet_daemon.wire.text import read_json

_REGISTERS = {"juki": JUKI, "fuhyo": FUHYO}
_AREAS = read_areas()


class Hand:
    """Reads and decides letters one by one; what is recorded is at hand by the place of its letter."""

    def __init__(self, register: str, code_check: str | None) -> None:
        self._register = _REGISTERS[register]
        self._code_check = Strictness(code_check or "warn")
        self._people = People({})
        self._fresh = count(1)
        self._last: tuple[Key, ...] = ()
        self.records: dict[int, Record] = {}

    def tell(self, place: int, letter: Letter) -> Answer:
        """The answer to a letter. An id is only looked at in its form: who remembers ids is the store."""
        raw = read_json(letter.text.encode(), marked=True)
        notice = read_notice(self._register.name, raw)
        if isinstance(notice, Finding):
            return Answer(OutcomeClass.REFUSED.value, notice.outcome.code, notice.field)
        decision = self._decision(notice, letter)
        if decision.recorded and decision.after is not None:
            assert isinstance(notice, ChangeNotice)
            state = decision.after
            self.records[place] = Record(notice, state.person_id, state.version, letter.on)
        return _answer(decision)

    def _decision(self, notice: Notice, letter: Letter) -> Decision:
        keys = keys_of(notice)
        known = self._people.find(keys) or People.stranger(keys, unknown_person(next(self._fresh)))
        setting = Setting(letter.sender, letter.on, _AREAS, self._code_check)
        decision = decide(self._register, known, notice, setting)
        self._people.apply(decision)
        self._last = keys
        return decision

    def inside(self) -> Inside:
        """What the file holds, and of the person of the last notice the state."""
        relayed = {place: write_record(self._register.name, r) for place, r in self.records.items()}
        found = self._people.find(self._last) if self._last else None
        return _state(relayed, list(self.records.values()), found.state) if found else Inside(relayed)


def _state(relayed: Mapping[int, Mapping[str, Any]], all_records: list[Record], state: PersonState) -> Inside:
    records = [record for record in all_records if record.person_id == state.person_id]
    current = next((r.notice for r in records if r.version == state.current), None)
    return Inside(
        relayed,
        stays=tuple(sorted(_place(stay.area, stay.foreign) for stay in state.open_stays)),
        current=_place(current.area, current.foreign) if current else "none",
        waiting=state.waiting,
        retention=_retention(records),
    )


def _place(area: str, foreign: bool) -> str:
    return f"{area} foreign" if foreign else area


def _retention(records: Sequence[Record]) -> tuple[str, ...]:
    days = keep_until(records)
    return tuple(day.isoformat() if day else "open" for day in days)


def _answer(decision: Decision) -> Answer:
    code, kind = decision.outcome.code, decision.kind.value
    if decision.kind is OutcomeClass.REFUSED:
        return Answer(kind, code, decision.findings[0].field)
    return Answer(kind, code, None, tuple(f"{f.outcome.code} {f.field}" for f in decision.findings))


def in_the_hand(script: Script) -> list[str]:
    """What the reading and the judgement do otherwise than a script expects."""
    hand = Hand(script.vector.register, script.vector.code_check)
    answers = [hand.tell(place, letter) for place, letter in enumerate(script.letters, start=1)]
    return complaints(script, answers, hand.inside())

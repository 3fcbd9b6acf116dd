"""The program's own file in memory: batches decided as service.batch.plan decides them, and committed."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.decide import Decision, People, Subject, decide
from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Key, Notice, Person, keys_of
from jukinet_daemon.domain.outcomes import OutcomeClass
from jukinet_daemon.domain.person import PersonState, unknown_person
from jukinet_daemon.domain.register import Register, Setting, Strictness
from jukinet_daemon.schemas import read_areas

from .telegram import DEPARTURE, Telegram

REGISTERS = {"juki": JUKI, "fuhyo": FUHYO}
AREAS = read_areas()
TODAY = date(2026, 11, 23)

Judge = Callable[[Register, Subject, Notice, Setting], Decision]


@dataclass
class File:
    """What would stand in the database after each commit: states, keys, history, relay, what waits."""

    register: str
    judge: Judge = decide
    states: dict[int, PersonState] = field(default_factory=dict)
    keys: dict[Key, int] = field(default_factory=dict)
    history: dict[int, dict[int, str]] = field(default_factory=dict)
    relayed: list[tuple[int, int, str]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    departures: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    answered: set[str] = field(default_factory=set)

    def commit(self, batch: Iterable[Telegram]) -> None:
        """Reads what is known of a batch, decides it in order, and stores what was decided."""
        new = self.unanswered(batch)
        notices = [(told, notice_of(told, self.register)) for told in new]
        wanted = {key for _, notice in notices for key in keys_of(notice)}
        people = People({key: self.states[self.keys[key]] for key in wanted if key in self.keys})
        for told, notice in notices:
            keys = keys_of(notice)
            fresh = unknown_person(len(self.states) + 1)
            setting = Setting(told.sender, TODAY, AREAS, Strictness.WARN)
            decision = self.judge(
                REGISTERS[self.register], people.find(keys) or people.stranger(keys, fresh), notice, setting
            )
            people.apply(decision)
            self.store(told, decision)

    def unanswered(self, batch: Iterable[Telegram]) -> list[Telegram]:
        """Those that are not repeats; their ids are remembered."""
        new = {told.id: told for told in batch if told.id not in self.answered}
        self.answered |= set(new)
        return list(new.values())

    def store(self, told: Telegram, decision: Decision) -> None:
        """One transaction, as commit_batch does it: compare-and-set, then insert."""
        self.outcomes[decision.outcome.code] += 1
        if decision.after is None:
            self.refused.append(told.id)
            return
        person, version = decision.after.person_id, decision.after.version
        assert decision.before is not None
        assert decision.before == self.states.get(person, unknown_person(person))
        self.states |= {state.person_id: state for state in (decision.after, *decision.others)}
        assert not set(decision.new_keys) & set(self.keys)
        self.keys |= dict.fromkeys(decision.new_keys, person)
        if decision.recorded:
            assert version not in self.history.setdefault(person, {})
            self.history[person][version] = told.id
            self.relayed.append((person, version, told.id))
        elif decision.kind is OutcomeClass.HELD:
            self.held.append(told.id)
        else:
            self.departures.append(told.id)


def notice_of(told: Telegram, register: str) -> Notice:
    """A telegram as the program reads it."""
    if told.what == DEPARTURE:
        assert told.code is not None
        return DepartureNotice(told.id, told.area, told.code, told.day)
    person = Person(
        resident_code=told.code,
        individual_number=told.number,
        name=told.name,
        date_of_birth="19850403",
        address=told.address or None,
        overseas=told.overseas,
    )
    return ChangeNotice(
        id=told.id,
        area=told.area,
        record_key=told.record_key,
        change=Change(told.what),
        cause=Cause(told.cause) if told.cause and register == "juki" else None,
        event_date=told.day,
        foreign=told.foreign,
        person=person,
        previous_code=told.old_code,
        previous_number=told.old_number,
    )

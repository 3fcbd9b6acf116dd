"""判定: what was seen of a server, laid beside what a vector expects of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jukinet_daemon.sim.conformance.script import Script
from jukinet_daemon.sim.conformance.vectors import Answer

_RELAYED = frozenset({"A100", "A120"})


@dataclass(frozen=True, slots=True)
class Inside:
    """What only somebody inside sees: the relayed records by place, the state, the end of keeping."""

    records: Mapping[int, Mapping[str, Any]] = field(repr=False)
    stays: tuple[str, ...] | None = None
    current: str | None = None
    waiting: int | None = None
    retention: tuple[str, ...] | None = None


def complaints(script: Script, answers: Sequence[Answer], inside: Inside | None = None) -> list[str]:
    """Everything in which a server did otherwise than the vector expects; nothing: it passes."""
    found = [
        f"notice {place}: {problem}"
        for place, (letter, given) in enumerate(zip(script.letters, answers, strict=False), start=1)
        for problem in _answer(letter.answer, given)
    ]
    if len(answers) < len(script.letters):
        found.append(f"notice {len(answers) + 1}: no answer")
    elif inside is not None:
        found += [*_records(script, answers, inside), *_state(script, inside)]
    return found


def _answer(expected: Answer, given: Answer) -> Iterator[str]:
    if given.outcome != expected.outcome:
        yield f"{given.outcome} {given.code}, expected {expected.outcome} {expected.code or ''}".rstrip()
    elif expected.code is not None:
        if given.code != expected.code:
            yield f"{given.code}, expected {expected.code}"
        elif (given.field or "-") != (expected.field or "-"):
            yield f"field {given.field}, expected {expected.field}"
        elif given.remarks != expected.remarks:
            yield f"remarks {given.remarks}, expected {expected.remarks}"
    if given.repeated != expected.repeated:
        yield "answered as a repeat" if given.repeated else "not answered as a repeat"


def _records(script: Script, answers: Sequence[Answer], inside: Inside) -> Iterator[str]:
    yield from _relay(script, answers, inside)
    last = inside.records.get(len(script.letters))
    expected = script.expected
    if expected.record is not None:
        yield from _differences(expected.record, last or {})
    for path in expected.blank:
        if _item(last or {}, path) is not None:
            yield f"record: {path} is not blank"
    if expected.person_of is not None and last is not None:
        first = inside.records.get(expected.person_of, {})
        if first.get("person_number") != last["person_number"]:
            yield f"record: not of the person of notice {expected.person_of}"


def _relay(script: Script, answers: Sequence[Answer], inside: Inside) -> Iterator[str]:
    """What is recorded is relayed, nothing else is, and the sequence of a person never goes back."""
    sequences: dict[str, int] = {}
    for place, answer in enumerate(answers, start=1):
        said = script.expected.relay if place == len(answers) else None
        wanted = answer.code in _RELAYED and not answer.repeated if said is None else said
        record = inside.records.get(place)
        if wanted != (record is not None):
            yield f"notice {place}: {'not relayed' if wanted else 'relayed'}"
        if record is not None:
            person, sequence = record["person_number"], record["sequence"]
            if sequence <= sequences.get(person, 0):
                yield f"notice {place}: the sequence does not rise"
            sequences[person] = sequence


def _state(script: Script, inside: Inside) -> Iterator[str]:
    for name in ("stays", "current", "waiting", "retention"):
        expected, seen = getattr(script.expected, name), getattr(inside, name)
        if expected is not None and seen is not None and seen != expected:
            yield f"{name}: {seen}, expected {expected}"


def _differences(
    expected: Mapping[str, Any], seen: Mapping[str, Any], where: str = "record"
) -> Iterator[str]:
    for name, value in expected.items():
        if isinstance(value, Mapping):
            yield from _differences(value, seen.get(name) or {}, f"{where}.{name}")
        elif seen.get(name) != value:
            yield f"{where}.{name}: otherwise than expected"


def _item(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value

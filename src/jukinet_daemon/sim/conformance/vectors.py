"""試験例: the vectors as they stand in their files, read strictly; and the templates they build on."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[2]
TEMPLATES = "templates.toml"


class VectorFault(ValueError):
    """A file of vectors says something that the kit does not know."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a notice is to be answered: outcome, and code, field and remarks where the vector says them."""

    outcome: str
    code: str | None = None
    field: str | None = None
    remarks: tuple[str, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One notice of a vector: what is sent, short, and what it is to be answered."""

    table: Mapping[str, Any]
    answer: Answer
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be seen after the last notice, besides its answer. None: the vector does not say.

    `record` is a part of the record as it is relayed, `blank` names items that it must not have; `person_of`
    the earlier notice whose person it is; `stays` the open stays, `current` where the record is that holds
    good, `waiting` how many notices wait; `retention` until when each record is kept, or "open".
    """

    relay: bool | None = None
    record: Mapping[str, Any] | None = None
    blank: tuple[str, ...] = ()
    person_of: int | None = None
    stays: tuple[str, ...] | None = None
    current: str | None = None
    waiting: int | None = None
    retention: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Vector:
    """One case: notices that came before, one more, and what must become of it by which article."""

    name: str
    subject: str
    citation: str
    register: str
    steps: tuple[Step, ...]
    expected: Expected
    traps: tuple[int, ...] = ()
    code_check: str | None = None
    expected_failure: str | None = None


@dataclass(frozen=True, slots=True)
class Kit:
    """All vectors and the templates of both registers."""

    vectors: tuple[Vector, ...]
    templates: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def of(self, register: str, code_check: str) -> tuple[Vector, ...]:
        """The vectors that hold for a server of a register with such a house rule."""
        return tuple(v for v in self.vectors if v.register == register and v.code_check in (None, code_check))


def vectors_folder() -> Path:
    """The folder of the vectors: inside the package when installed, with the tests in a checkout."""
    installed = _PACKAGE / "_vectors"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "tests" / "conformance" / "vectors"


def load_kit(folder: Path | None = None) -> Kit:
    """Reads every file of vectors. Raises VectorFault, OSError."""
    place = folder or vectors_folder()
    templates = _read(place / TEMPLATES)
    files = sorted(path for path in place.glob("*.toml") if path.name != TEMPLATES)
    vectors = tuple(_vector(table, path.stem) for path in files for table in _read(path)["vector"])
    return Kit(vectors, templates)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as fault:
        raise VectorFault(f"{path.name}: {fault}") from None


_EXPECTED = ("relay", "record", "blank", "person_of", "stays", "current", "waiting", "retention")
_LISTS = ("blank", "stays", "retention")
_ANSWER = ("answer", "remarks", "repeated")


def _vector(table: dict[str, Any], subject: str) -> Vector:
    rest = dict(table)
    try:
        given = [_step(step, "ACCEPTED") for step in rest.pop("given", [])]
        last = rest.pop("message") | {name: rest.pop(name) for name in _ANSWER if name in rest}
        expected = {name: rest.pop(name) for name in _EXPECTED if name in rest}
        return Vector(
            name=rest.pop("name"),
            subject=subject,
            citation=rest.pop("citation"),
            register=rest.pop("register", "juki"),
            steps=(*given, _step(last, None)),
            expected=Expected(**_frozen(expected)),
            traps=tuple(rest.pop("traps", ())),
            **rest,
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise VectorFault(f"{subject}: {table.get('name')}: {fault}") from None


def _frozen(table: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name in _LISTS else value for name, value in table.items()}


def _step(table: dict[str, Any], usual: str | None) -> Step:
    rest = dict(table)
    said = rest.pop("answer", usual)
    if said is None:
        raise ValueError("no answer")
    outcome, code, field_name = [*said.split(), None, None][:3]
    remarks, repeated = tuple(rest.pop("remarks", ())), rest.pop("repeated", False)
    on = rest.pop("on", None)
    return Step(rest, Answer(outcome, code, field_name, remarks, repeated), on)

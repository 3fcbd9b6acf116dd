"""台本: a vector written out in full for one run: who sends which text, and what is to be answered."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.sim.conformance.cast import Cast, Scene
from jukinet_daemon.sim.conformance.vectors import Answer, Expected, Step, Vector, VectorFault

_OWN = ("base", "copy", "who", "sender", "without", "null", "twice", "json", "parcel")
_ANYBODY = "401307"


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice ready to be sent: the sender, the JSON text, its id, the day, the answer to expect.

    `parcel` has what its parcel says otherwise than it should; `signature` there is spoiled.
    """

    sender: str
    text: str = field(repr=False)
    id: str
    on: date
    answer: Answer
    parcel: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """A vector written out: its letters in order, and what is to be seen after the last."""

    vector: Vector
    letters: tuple[Letter, ...]
    expected: Expected


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes vectors out, with the templates, the map of the prefecture, and the cast of the run.

    `dated` says that a notice may come on another day than today, as only a server in the hand can have it.
    """

    templates: Mapping[str, Mapping[str, Any]] = field(repr=False)
    areas: Areas
    cast: Cast
    dated: bool = False

    def script(self, vector: Vector) -> Script:
        """A vector in full. Raises VectorFault, SymbolFault."""
        tables: list[dict[str, Any]] = []
        for step in vector.steps:
            tables.append(self._table(vector, step, tables))
        scenes = [self._scene(vector, place, tables[place]) for place in range(len(tables))]
        letters = tuple(
            self._letter(scene, table, step.answer)
            for scene, table, step in zip(scenes, tables, vector.steps, strict=True)
        )
        record = scenes[-1].filled(vector.expected.record)
        return Script(vector, letters, replace(vector.expected, record=record))

    def _scene(self, vector: Vector, place: int, table: Mapping[str, Any]) -> Scene:
        on = vector.steps[place].on if self.dated else None
        return Scene(self.cast, vector.name, place + 1, table.get("who", "A"), on or self.cast.today)

    def _table(self, vector: Vector, step: Step, earlier: list[dict[str, Any]]) -> dict[str, Any]:
        """A step over what it copies or builds on."""
        made: dict[str, Any] = {}
        if "copy" in step.table:
            made = _over(made, earlier[step.table["copy"] - 1])
        for layer in self._layers(vector.register, step.table.get("base", [])):
            made = _over(made, layer)
        return _over(made, step.table)

    def _layers(self, register: str, bases: str | list[str]) -> list[Mapping[str, Any]]:
        names = [bases] if isinstance(bases, str) else bases
        found: list[Mapping[str, Any]] = []
        for name in names:
            template = self.templates[register].get(name)
            if template is None:
                raise VectorFault(f"{register} has no template {name}")
            found += [*self._layers(register, template.get("base", [])), template]
        return found

    def _letter(self, scene: Scene, table: dict[str, Any], answer: Answer) -> Letter:
        notice = scene.filled({name: value for name, value in table.items() if name not in _OWN})
        for path in table.get("null", ()):
            _at(notice, path, lambda part, name: part.update({name: None}))
        text = table.get("json") or json.dumps(notice)
        if "twice" in table:
            text = _twice(notice, table["twice"])
        sender = table.get("sender") or self._keeper(notice.get("area"))
        return Letter(sender, text, str(notice.get("id")), scene.on, answer, table.get("parcel", {}))

    def _keeper(self, area: Any) -> str:
        """The municipality that keeps the register of an area; for what is no area somebody must send too."""
        return (self.areas[area].city or area) if isinstance(area, str) and area in self.areas else _ANYBODY


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One layer over another: tables are merged, `without` takes items away, all else is replaced."""
    made = {name: dict(value) if isinstance(value, dict) else value for name, value in below.items()}
    for name in above.get("without", ()):
        _at(made, name, lambda part, item: part.pop(item, None))
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(made.get(name), dict):
            made[name] |= value
        elif name != "without":
            made[name] = value
    return made


def _at(table: dict[str, Any], path: str, change: Callable[[dict[str, Any], str], Any]) -> None:
    *way, name = path.split(".")
    for step in way:
        table = table.setdefault(step, {})
    change(table, name)


def _twice(notice: dict[str, Any], path: str) -> str:
    """The JSON text of a notice in which one field stands twice, as no dictionary can say it."""
    part, _, name = path.rpartition(".")
    inside = notice[part] if part else notice
    doubled = f"{json.dumps(inside)[:-1]}, {json.dumps(name)}: {json.dumps(inside[name])}}}"
    if not part:
        return doubled
    rest = json.dumps({item: value for item, value in notice.items() if item != part})
    return f"{rest[:-1]}, {json.dumps(part)}: {doubled}}}"

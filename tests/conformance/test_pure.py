"""Every vector, put to the reading and the judgement alone."""

from datetime import date

import pytest

from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.conformance.cast import Cast
from jukinet_daemon.sim.conformance.script import Writer
from jukinet_daemon.sim.conformance.vectors import Vector, load_kit
from support.conformance import in_the_hand
from support.tally import tally

KIT = load_kit()
WRITER = Writer(KIT.templates, read_areas(), Cast("pure", date(2026, 11, 23)), dated=True)
# What the store remembers of ids is seen over the wire alone.
REMEMBERED = frozenset({"R390", "R391"})


def needs_memory(vector: Vector) -> bool:
    return any(step.answer.repeated or step.answer.code in REMEMBERED for step in vector.steps)


def is_of_parcels(vector: Vector) -> bool:
    return any("parcel" in step.table for step in vector.steps)


SEEN = [vector for vector in KIT.vectors if not (needs_memory(vector) or is_of_parcels(vector))]


@pytest.mark.parametrize("vector", SEEN, ids=lambda vector: f"{vector.subject}: {vector.name}")
def test_vector(vector: Vector, request: pytest.FixtureRequest) -> None:
    if vector.expected_failure:
        request.applymarker(pytest.mark.xfail(reason=vector.expected_failure, strict=True))
    problems = in_the_hand(WRITER.script(vector))
    tally("the rules alone", not problems)
    assert problems == []

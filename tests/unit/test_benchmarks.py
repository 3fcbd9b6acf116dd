"""The parts of the benchmarks that a figure stands on."""

import asyncio
from xml.etree import ElementTree as ET

import pytest

from benchmarks.figures import milliseconds
from benchmarks.flame import flame
from benchmarks.parcels import code_of, number_of
from benchmarks.stages import OTHER, shares, stacks_of, step_of
from benchmarks.targets import TARGETS, judged
from benchmarks.websocket import WebSocketLine, frame
from jukinet_daemon.domain.identifiers import is_individual_number, is_resident_code

RAW = """\
main (jukinet_daemon/cli/jukinetd.py:39);Runner.run (asyncio/runners.py:118) 5
Runner.run (asyncio/runners.py:118);read_notice (jukinet_daemon/wire/notice.py:9) 3
Runner.run (asyncio/runners.py:118);unseal (jukinet_daemon/wire/envelope.py:1);verify (joserfc/jws.py:2) 2
"""


def test_the_keys_are_those_of_the_table() -> None:
    assert [target.key for target in TARGETS] == [
        "ack_vs_pgbench",
        "ack_single_vs_pgbench",
        "end_to_end_vs_pgbench",
        "ack_vs_practitioner",
        "rate_at_5m_vs_empty",
        "fair_p99_ratio",
        "rss_mib",
        "latency_ms",
        "bridge_lookups_per_s",
        "bridge_vs_select",
        "import_s",
        "start_s",
    ]


@pytest.mark.parametrize(
    ("key", "value", "met"),
    [
        ("ack_vs_pgbench", 1.0, True),
        ("ack_vs_pgbench", 0.99, False),
        ("fair_p99_ratio", 3.0, True),
        ("fair_p99_ratio", 3.1, False),
        ("ack_vs_practitioner", None, None),
        ("start_s", 9.0, None),
    ],
)
def test_a_target_is_met_or_not(key: str, value: float | None, met: bool | None) -> None:
    assert judged({key: value})[key]["met"] is met


def test_quantiles_are_values_that_occurred() -> None:
    made = milliseconds(second / 1000 for second in range(1, 1001))
    assert made == {"p50": 500.0, "p99": 990.0, "p999": 999.0, "longest": 1000.0, "count": 1000}
    assert milliseconds([0.25])["p50"] == 250.0


@pytest.mark.parametrize("person", [1, 59, 60, 4_999_999, 60_000_001])
def test_people_have_sound_numbers(person: int) -> None:
    assert is_resident_code(code_of(person))
    assert is_individual_number(number_of(person))


def test_a_sample_belongs_to_the_innermost_telling_frame() -> None:
    stacks = list(stacks_of(RAW))
    assert [step_of(stack).name for stack, _ in stacks] == [OTHER.name, "validate", "JWS"]
    assert shares(stacks)["validate"] == pytest.approx(0.3)
    assert sum(shares(stacks).values()) == pytest.approx(1.0)


def test_the_picture_is_small_and_well_formed() -> None:
    picture = flame(stacks_of(RAW), "a < b")
    drawn = ET.fromstring(picture)
    titles = [title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert "read_notice (wire/notice.py) 30.0% validate" in titles
    assert len(picture) < 10_000


@pytest.mark.parametrize("size", [0, 5, 125, 126, 65_535, 65_536, 200_000])
async def test_the_load_client_speaks_websocket(size: int) -> None:
    """A client's frame unmasked is a server's, and the line cuts it out of the stream, in parts or whole."""
    text = bytes(index % 251 for index in range(size))
    masked = frame(text)
    head = 2 + (0 if size < 126 else 2 if size < 65_536 else 8)
    mask = masked[head : head + 4]
    assert bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked[head + 4 :])) == text
    served = bytes((masked[0], masked[1] & 0x7F)) + masked[2:head] + text
    got: list[bytes] = []
    line = WebSocketLine("/")
    line.on_text = got.append
    line.data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + served[:1])
    for part in (served[1:3], served[3:], served):
        line.data_received(part)
    await asyncio.wait_for(line.opened, 1)
    assert got == [text, text]

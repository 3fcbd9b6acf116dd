"""Every vector, put to a running server: its answers, and what reached the national server."""

import json
from collections import defaultdict
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from conftest import HouseMaker
from jukinet_daemon.cli.jukinet_sim import main
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.conformance.conduct import Heard, conduct
from jukinet_daemon.sim.conformance.run import fresh_cast, run_conformance, server_at
from jukinet_daemon.sim.conformance.script import Writer
from jukinet_daemon.sim.conformance.vectors import Kit, Vector, load_kit
from jukinet_daemon.sim.conformance.verdict import Inside, complaints
from jukinet_daemon.sim.journal import read_journal
from support.national import relayed
from support.tally import tally
from support.world import House, Pki, until

KIT = load_kit()


def records_of(house: House) -> dict[str, dict[str, Any]]:
    """What the national server received, by the id of the notice; nothing comes twice or is refused."""
    found = defaultdict(list)
    for entry in read_journal(house.national_journal):
        assert entry["code"] == "N100"
        found[entry["record"]["id"]].append(entry["record"])
    assert all(len(records) == 1 for records in found.values())
    return {name: records[0] for name, records in found.items()}


def problems(heard: Heard, records: dict[str, dict[str, Any]]) -> list[str]:
    # A repeat and a reused id have the id of an earlier notice, whose record it is.
    ids: dict[str, int] = {}
    for place, letter in enumerate(heard.script.letters, start=1):
        ids.setdefault(letter.id, place)
    inside = Inside({place: records[name] for name, place in ids.items() if name in records})
    found = complaints(heard.script, heard.answers, inside)
    return [*found, heard.fault] if heard.fault else found


@pytest.mark.parametrize(
    ("register", "code_check"), [("juki", "warn"), ("juki", "refuse"), ("fuhyo", "warn")]
)
async def test_vectors(open_house: HouseMaker, register: str, code_check: str) -> None:
    house: House = await open_house(register, rules={"resident_code_check": code_check})
    writer = Writer(KIT.templates, read_areas(), fresh_cast())
    server = server_at(house.notices_url, register, house.pki.folder)
    # What holds for every house is put to the usual one only.
    usual = code_check == "warn"
    vectors = [v for v in KIT.of(register, code_check) if usual or v.code_check]
    heard = await conduct(server, [writer.script(vector) for vector in vectors])
    await until(lambda: relayed(house))
    records = records_of(house)
    failed = {one.script.vector.name: found for one in heard if (found := problems(one, records))}
    for vector in vectors:
        tally(f"over the wire, {register}, {code_check}", vector.name not in failed)
    disputed = {vector.name for vector in vectors if vector.expected_failure}
    assert {name: found for name, found in failed.items() if name not in disputed} == {}
    assert disputed <= failed.keys()


def spoiled(kit: Kit, name: str) -> Kit:
    """The kit with another code expected of one vector."""

    def spoil(vector: Vector) -> Vector:
        *given, last = vector.steps
        wrong = replace(last, answer=replace(last.answer, code="A110"))
        return replace(vector, steps=(*given, wrong)) if vector.name == name else vector

    return replace(kit, vectors=tuple(spoil(vector) for vector in kit.vectors))


async def test_the_command_finds_a_planted_error_and_says_which(open_house: HouseMaker) -> None:
    house: House = await open_house("fuhyo")
    kit = spoiled(KIT, "an entry without a code")
    said = StringIO()
    status = await run_conformance(
        house.notices_url, "fuhyo", house.pki.folder, kit=kit, as_json=True, console=Console(file=said)
    )
    summary = json.loads(said.getvalue())
    assert status == 1
    assert summary["passed"] == summary["run"] - 1
    (failed,) = summary["failed"]
    assert failed["name"] == "an entry without a code"
    assert failed["problems"] == ["notice 1: A100, expected A110"]


def test_a_server_that_is_not_there_fails_no_vector(pki: Pki, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ((), ("--json",)):
        command = ("conformance", "--server", "wss://127.0.0.1:1/notices", "--pki", str(pki.folder), *more)
        assert main([*command]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        (line,) = said.err.splitlines()
        assert line.startswith("jukinet-sim: wss://127.0.0.1:1/notices につながりません")
        assert line.endswith("cannot be reached: Connection refused")


@pytest.mark.parametrize("register", ["juki", "fuhyo"])
async def test_the_command_passes_our_own_server_twice(open_house: HouseMaker, register: str) -> None:
    house: House = await open_house(register)
    for _ in range(2):
        said = StringIO()
        run = await run_conformance(
            house.notices_url, register, house.pki.folder, as_json=True, console=Console(file=said)
        )
        assert run == 0
    summary = json.loads(said.getvalue())
    for place in range(summary["run"]):
        tally(f"as a vendor runs them, {register}", place < summary["passed"])

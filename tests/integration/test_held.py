"""Held notices: an operator lists, looks, lets go or rejects; what waited behind goes on in order."""

import asyncio
import json
import os
import pwd
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conftest import HouseMaker
from jukinet_daemon.sim.journal import read_journal
from support.notices import fuhyo_change, individual_number, juki_change, resident_code
from support.store import session
from support.world import House, until

CORRECTION = {"change": "correction", "cause": "correction_ex_officio"}
DEATH = {"change": "deletion", "cause": "death"}


class Operator:
    """Somebody at the control socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ask(self, question: str) -> Any:
        return await self._request("GET", question)

    async def tell(self, order: str) -> Any:
        return await self._request("POST", order)

    async def _request(self, method: str, path: str) -> Any:
        connector = aiohttp.UnixConnector(str(self._path))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, f"http://control{path}") as answer,
        ):
            return await answer.json()


@pytest.fixture
async def house(open_house: HouseMaker, tmp_path: Path) -> House:
    opened: House = await open_house("juki", control={"socket": tmp_path / "control.sock"})
    return opened


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path / "control.sock")


async def _codes(house: House, *notices: dict[str, Any]) -> list[str]:
    async with house.line() as line:
        return [answer.code for answer in await line.tell(*notices)]


async def _versions(house: House) -> list[str]:
    rows = await house.rows("SELECT notice_id FROM history ORDER BY person_id, version")
    return [str(row["notice_id"]) for row in rows]


async def test_a_rejected_head_lets_what_waited_behind_go_on(house: House, operator: Operator) -> None:
    person = {"resident_code": resident_code()}
    lost = juki_change(**CORRECTION, person=person)  # its 記載 never came
    entry, later = juki_change(person=person), juki_change(**CORRECTION, person=person)
    assert await _codes(house, lost, entry, later) == ["H212", "H200", "H200"]
    waiting = await operator.ask("/held")
    assert [(item["id"], item["code"]) for item in waiting] == [
        (lost["id"], "H212"),
        (entry["id"], "H200"),
        (later["id"], "H200"),
    ]
    assert person["resident_code"] not in json.dumps(waiting)
    settled = await operator.tell(f"/held/{lost['id']}/reject?reason=withdrawn&apply=true")
    assert [(item["notice_id"], item["kind"], item["applied"]) for item in settled] == [
        (lost["id"], "REJECTED", True),
        (entry["id"], "ACCEPTED", True),
        (later["id"], "ACCEPTED", True),
    ]
    assert await _versions(house) == [entry["id"], later["id"]]
    assert await operator.ask("/held") == []
    received = await until(lambda: _journal(house, 2))
    assert [entry["record"]["id"] for entry in received] == [entry["id"], later["id"]]
    # The person is free again.
    assert await _codes(house, juki_change(**DEATH, person=person)) == ["A100"]


async def _journal(house: House, count: int) -> list[dict[str, Any]]:
    entries = list(read_journal(house.national_journal))
    return entries if len(entries) >= count else []


async def test_a_release_is_a_dry_run_unless_told_to_apply(house: House, operator: Operator) -> None:
    person = {"resident_code": resident_code()}
    first, second = juki_change(person=person), juki_change(event_date="20261102", person=person)
    assert await _codes(house, first, second) == ["A100", "H210"]
    # The 消除 between the two comes late: behind the held one.
    between = juki_change(**DEATH, person=person)
    assert await _codes(house, between) == ["H200"]
    (would,) = await operator.tell(f"/held/{second['id']}/release")
    assert (would["outcome"], would["applied"]) == ("H210", False)
    (would,) = await operator.tell(f"/held/{between['id']}/release")
    assert (would["outcome"], would["applied"]) == ("A100", False)
    assert len(await operator.ask("/held")) == 2
    assert await _versions(house) == [first["id"]]


async def test_what_was_missing_is_released_first_and_the_rest_becomes_right(
    house: House, operator: Operator
) -> None:
    person = {"resident_code": resident_code()}
    first, second = juki_change(person=person), juki_change(event_date="20261102", person=person)
    between = juki_change(**DEATH, person=person)
    assert await _codes(house, first, second, between) == ["A100", "H210", "H200"]
    settled = await operator.tell(f"/held/{between['id']}/release?apply=true")
    assert [(item["notice_id"], item["applied"]) for item in settled] == [
        (between["id"], True),
        (second["id"], True),
    ]
    assert await _versions(house) == [first["id"], between["id"], second["id"]]
    assert await house.rows("SELECT waiting FROM person") == [{"waiting": 0}]


async def test_one_that_does_not_open_does_not_hide_what_was_settled(
    house: House, operator: Operator
) -> None:
    """What is behind it cannot be read; the notice itself was applied, and the operator is told so."""
    person = {"resident_code": resident_code()}
    first, second = juki_change(person=person), juki_change(event_date="20261102", person=person)
    between = juki_change(**DEATH, person=person)
    assert await _codes(house, first, second, between) == ["A100", "H210", "H200"]
    async with session(house.dsn) as owner:
        await owner.execute("UPDATE held SET sealed = '\\x0001ff' WHERE notice_id = $1", second["id"])
    settled = await operator.tell(f"/held/{between['id']}/release?apply=true")
    assert [(item["notice_id"], item["applied"]) for item in settled] == [(between["id"], True)]
    assert await _versions(house) == [first["id"], between["id"]]


async def test_two_persons_that_waited_are_free_once_the_notice_is_rejected(
    house: House, operator: Operator
) -> None:
    one, other = {"resident_code": resident_code()}, {"resident_code": resident_code()}
    both = juki_change(
        change="code_correction",
        cause="code_change_request",
        previous_code=one["resident_code"],
        person=other,
    )
    assert await _codes(house, juki_change(person=one), juki_change(person=other), both) == [
        "A100",
        "A100",
        "H213",
    ]
    # One of the two still has a bad notice behind it: it alone goes on waiting.
    bad = juki_change(event_date="20261102", person=one)
    good = juki_change(**CORRECTION, person=other)
    assert await _codes(house, bad, good) == ["H200", "H200"]
    settled = await operator.tell(f"/held/{both['id']}/reject?reason=wrong-person&apply=true")
    assert [(item["notice_id"], item["applied"]) for item in settled] == [
        (both["id"], True),
        (bad["id"], False),
        (good["id"], True),
    ]
    waiting = [row["waiting"] for row in await house.rows("SELECT waiting FROM person ORDER BY person_id")]
    assert waiting == [1, 0]


async def test_a_rejected_slip_of_the_pen_lets_the_code_go_to_its_true_owner(
    house: House, operator: Operator
) -> None:
    person, slip = {"resident_code": resident_code()}, {"resident_code": resident_code()}
    head = juki_change(event_date="20261102", person=person)
    wrong = juki_change(
        change="code_correction",
        cause="code_change_request",
        previous_code=person["resident_code"],
        person=slip,
    )
    owner = juki_change(person=slip)
    told = await _codes(house, juki_change(person=person), head, wrong, owner)
    assert told == ["A100", "H210", "H200", "H200"]
    await operator.tell(f"/held/{wrong['id']}/reject?reason=wrong-person&apply=true")
    keys = await house.rows("SELECT value, person_id FROM person_key WHERE kind = 'code'")
    of = {row["value"]: row["person_id"] for row in keys}
    assert len(set(of.values())) == 2
    assert of[slip["resident_code"]] != of[person["resident_code"]]
    history = await house.rows("SELECT person_id FROM history WHERE notice_id = $1", owner["id"])
    assert history == [{"person_id": of[slip["resident_code"]]}]


async def test_two_operators_at_once_settle_a_notice_once(house: House, operator: Operator) -> None:
    held = juki_change(**CORRECTION)
    await _codes(house, held)
    order = f"/held/{held['id']}/reject?reason=duplicate&apply=true"
    answers = await asyncio.gather(*(operator.tell(order) for _ in range(8)))
    assert sum(isinstance(answer, list) for answer in answers) == 1
    leaves = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%held_rejected%'")
    assert len(leaves) == 1


async def test_a_look_is_recorded_before_it_is_given(house: House, operator: Operator) -> None:
    held = juki_change(**CORRECTION, person={"name": "見られた 人", "individual_number": individual_number()})
    await _codes(house, held)
    shown = await operator.ask(f"/held/{held['id']}")
    assert shown["notice"]["person"]["name"] == "見られた 人"
    assert shown["born"] == "令和8年11月1日"
    leaves = [json.loads(row["payload"]) for row in await house.rows("SELECT payload FROM ledger")]
    (look,) = [leaf for leaf in leaves if leaf["event"] == "held_shown"]
    assert look["operator"] == pwd.getpwuid(os.getuid()).pw_name
    assert "見られた" not in json.dumps(leaves, ensure_ascii=False)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("/held/nobody/release", "通知番号の形でない"),
        ("/held/00000000-0000-4000-8000-000000000000/release", "この番号の保留はない"),
        ("/held/00000000-0000-4000-8000-000000000000/reject?reason=because", "理由は"),
    ],
)
async def test_what_stands_in_the_way_is_said(
    house: House, operator: Operator, order: str, says: str
) -> None:
    assert says in (await operator.tell(order))["problem"]


async def test_a_held_notice_keeps_the_day_it_came(house: House, operator: Operator) -> None:
    """令30条の6: the clock starts on the day of the notification, not of its release."""
    person = {"resident_code": resident_code()}
    lost, entry = juki_change(**CORRECTION, person=person), juki_change(event_date="20200201", person=person)
    await _codes(house, lost, entry)
    await house.rows("UPDATE held SET notified_on = '2020-02-29' RETURNING notice_id")
    await operator.tell(f"/held/{lost['id']}/reject?reason=corrected&apply=true")
    (row,) = await house.rows("SELECT notified_on FROM history")
    assert row["notified_on"].isoformat() == "2020-02-29"


async def test_a_repeat_of_a_settled_notice_gets_its_first_answer(house: House, operator: Operator) -> None:
    held = juki_change(**CORRECTION)
    await _codes(house, held)
    await operator.tell(f"/held/{held['id']}/reject?reason=duplicate&apply=true")
    async with house.line() as line:
        reply = await line.exchange(line.parcel(held))
    assert (reply.answers[0].code, reply.repeated) == ("H212", [0])


async def test_fuhyo_notices_are_settled_alike(open_house: HouseMaker, tmp_path: Path) -> None:
    house = await open_house("fuhyo", control={"socket": tmp_path / "fuhyo.sock"})
    lost = fuhyo_change(change="correction")
    entry = fuhyo_change(record_key=lost["record_key"], person=lost["person"])
    assert await _codes(house, lost, entry) == ["H212", "H200"]
    settled = await Operator(tmp_path / "fuhyo.sock").tell(
        f"/held/{lost['id']}/reject?reason=withdrawn&apply=true"
    )
    assert [item["applied"] for item in settled] == [True, True]

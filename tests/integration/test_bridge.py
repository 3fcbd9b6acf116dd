"""The bridge over its real doors: the five steps, every state of a person, evidence on both sides."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.server import bridge_control
from support.bridge import WANTED, Bridged, bridged, emigrate, entry, left, shown_overseas
from support.notices import fuhyo_change, individual_number, juki_change, resident_code
from support.world import REGISTERS, Pki


async def test_the_number_of_a_person_overseas_is_answered_and_delivered_once(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case())["case"]
    said = await bridge_world.ask(case, person["resident_code"])
    assert said == {"outcomes": {"B100": 1}}
    (line,) = await bridge_world.deliver(case)
    assert line == {"line": 1, "code": "B100", "individual_number": person["individual_number"]}
    again = await bridge_world.window("POST", f"/bridge/cases/{case}/delivery", {"password": "x" * 12})
    assert "problem" in again
    assert "problem" in await bridge_world.window("POST", f"/bridge/cases/{case}/delivered")
    assert len(await bridge_world.leaves("fuhyo", "bridge_delivered")) == 1
    assert await bridge_world.fuhyo.rows("SELECT * FROM bridge_held") == []
    (shown,) = await bridge_world.window("GET", "/bridge/cases")
    assert (shown["state"], shown["outcomes"]) == ("erased", {"B100": 1})


async def test_both_sides_hold_the_evidence_with_the_same_request(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    await bridge_world.numbers(person["resident_code"])
    (asked,) = await bridge_world.leaves("fuhyo", "bridge_requested")
    (confirmed,) = await bridge_world.leaves("fuhyo", "bridge_confirmed")
    (answered,) = await bridge_world.leaves("juki", "bridge_answered")
    (received,) = await bridge_world.leaves("fuhyo", "bridge_received")
    assert len({leaf["request"] for leaf in (asked, confirmed, answered, received)}) == 1
    for leaf in (asked, confirmed, answered, received):
        assert WANTED.items() <= leaf.items()
        assert leaf["item"] == "individual_number"
        assert leaf["requested_by"]
    # trap 25: the key that was used is on record, by keyed index, never the key itself
    assert asked["key"]["index"]
    assert answered["key"]["index"]
    for register in ("juki", "fuhyo"):
        rows = await bridge_world.houses[register].rows("SELECT payload FROM ledger")
        text = "".join(row["payload"] for row in rows)
        assert person["resident_code"] not in text
        assert person["individual_number"] not in text
    for event in ("bridge_case_opened", "bridge_taken", "bridge_delivered", "bridge_erased"):
        assert len(await bridge_world.leaves("fuhyo", event)) == 1


@pytest.mark.parametrize("told", ["juki", "both"])
async def test_who_came_back_is_refused(bridge_world: Bridged, told: str) -> None:
    """Trap 18: the state at the time of the question counts, in either file."""
    (person,) = await emigrate(bridge_world)
    back = juki_change(cause="overseas_move_in", event_date="20261115", person=person)
    await bridge_world.tell("juki", back)
    if told == "both":
        here = {"resident_code": person["resident_code"]}
        moved = fuhyo_change(change="correction", record_key=..., person=here)
        await bridge_world.tell("fuhyo", moved)
    (line,) = await bridge_world.numbers(person["resident_code"])
    assert line == {"line": 1, "code": {"juki": "B322", "both": "B312"}[told], "individual_number": None}


async def test_each_state_of_a_person_in_the_juki_file_has_its_outcome(bridge_world: Bridged) -> None:
    dead, gone, removed, ahead, numberless, foreign, twice, late = (entry() for _ in range(8))
    numberless["person"].pop("individual_number")
    foreign |= {"foreign": True}
    for item in ("birth_era", "name_kana"):
        del foreign["person"][item]
    # Trap 4: a stay that began before, in another municipality, whose 国内転出 comes last.
    moved_in = juki_change(
        area="401331", cause="domestic_move_in", event_date="20261102", person=late["person"]
    )
    await bridge_world.tell(
        "juki", dead, gone, removed, ahead, numberless, foreign, twice, late, moved_in,
        left(dead["person"], cause="death"),
        left(gone["person"], cause="domestic_move_out"),
        left(removed["person"], cause="deletion_ex_officio"),
        left(ahead["person"], event_date="20991231"),
        left(numberless["person"] | {"individual_number": ...}),
        left(foreign["person"] | {"birth_era": ..., "name_kana": ...}, foreign=True),
        left(twice["person"]),
        left(late["person"], area="401331"),
        left(late["person"], cause="domestic_move_out", event_date="20261102"),
    )  # fmt: skip
    stranger = resident_code()
    people = (dead, gone, removed, ahead, numberless, foreign, twice, late)
    codes = [notice["person"]["resident_code"] for notice in people] + [stranger]
    await bridge_world.tell("fuhyo", *(shown_overseas(code) for code in codes))
    lines = await bridge_world.numbers(*codes)
    assert [line["code"] for line in lines] == [
        "B323", "B320", "B324", "B325", "B327", "B328", "B100", "B100", "B320",
    ]  # fmt: skip
    given = [line["individual_number"] for line in lines if line["individual_number"]]
    assert given == [notice["person"]["individual_number"] for notice in (twice, late)]


async def test_another_code_since_is_refused(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    old, new = person["resident_code"], resident_code()
    changed = person | {"resident_code": new}
    await bridge_world.tell(
        "juki",
        juki_change(cause="overseas_move_in", event_date="20261111", person=person),
        juki_change(change="code_correction", cause="code_change_request", previous_code=old, person=changed),
        left(changed, event_date="20261112"),
    )
    (line,) = await bridge_world.numbers(old)
    assert line["code"] == "B326"


async def test_a_person_is_found_by_an_old_code_of_the_fuhyo_and_by_its_record_key(
    bridge_world: Bridged,
) -> None:
    """Trap 6: the person is followed through the chain of codes; the record's own code is asked for."""
    (person,) = await emigrate(bridge_world)
    code, old = person["resident_code"], resident_code()
    other = entry()
    await bridge_world.tell("juki", other, left(other["person"]))
    first = shown_overseas(old, record_key="F-1")
    corrected = shown_overseas(
        other["person"]["resident_code"], change="code_correction", record_key="F-1", previous_code=old
    )
    await bridge_world.tell("fuhyo", first, corrected)
    lines = await bridge_world.numbers(code, old, f"{first['area']}/F-1")
    assert [line["individual_number"] for line in lines] == [
        person["individual_number"],
        other["person"]["individual_number"],
        other["person"]["individual_number"],
    ]


# One that the database would not take must not cost the whole list.
MALFORMED = ("１２３", "401307/\x00", "401307/", "40130/F-1", "401307/F 1")


async def test_each_state_of_a_person_in_the_fuhyo_file_has_its_outcome(bridge_world: Bridged) -> None:
    at_home, deleted, codeless, held = (fuhyo_change() for _ in range(4))
    codeless = shown_overseas("0", record_key="F-2", person={"resident_code": ...})
    shown = shown_overseas(held["person"]["resident_code"])
    gone = shown_overseas(deleted["person"]["resident_code"])
    await bridge_world.tell("fuhyo", at_home, gone, codeless, shown)
    await bridge_world.tell("fuhyo", gone | {"id": fuhyo_change()["id"], "change": "deletion"})
    async with bridge_world.fuhyo.line() as line:
        (waits,) = await line.tell(shown_overseas(shown["person"]["resident_code"], event_date="20261102"))
    assert waits.outcome == "HELD"
    keys = [notice["person"]["resident_code"] for notice in (at_home, gone, shown)]
    lines = await bridge_world.numbers(*keys, f"{codeless['area']}/F-2", resident_code(), *MALFORMED)
    assert [line["code"] for line in lines] == [
        "B312",
        "B311",
        "B314",
        "B313",
        "B310",
        *["B302"] * len(MALFORMED),
    ]
    assert await bridge_world.juki.rows("SELECT * FROM bridge_answer") == []


async def test_who_last_lived_elsewhere_is_asked_of_the_national_server(bridge_world: Bridged) -> None:
    known, unknown = resident_code(), resident_code()
    bridge_world.elsewhere[known] = individual_number()
    await bridge_world.tell("fuhyo", shown_overseas(known), shown_overseas(unknown))
    lines = await bridge_world.numbers(known, unknown)
    assert [(line["code"], line["individual_number"]) for line in lines] == [
        ("B100", bridge_world.elsewhere[known]),
        ("B320", None),
    ]
    addressees = [leaf["addressee"] for leaf in await bridge_world.leaves("fuhyo", "bridge_requested")]
    assert addressees == ["juki", "juki", "national", "national"]


async def moved_on(world: Bridged) -> dict[str, Any]:
    """Left from here, came back to 東京都, left from there: our 都道府県 file knows the first time alone."""
    (person,) = await emigrate(world)
    code = person["resident_code"]
    tokyo = fuhyo_change(change="correction", record_key=..., person={"resident_code": code})
    await world.tell("fuhyo", tokyo, shown_overseas(code, change="correction", record_key=...))
    return person


async def test_who_left_from_another_prefecture_since_is_not_asked_of_our_own(bridge_world: Bridged) -> None:
    person = await moved_on(bridge_world)
    newer = bridge_world.elsewhere[person["resident_code"]] = individual_number()
    (line,) = await bridge_world.numbers(person["resident_code"])
    assert (line["code"], line["individual_number"]) == ("B100", newer)
    addressees = [leaf["addressee"] for leaf in await bridge_world.leaves("fuhyo", "bridge_requested")]
    assert addressees == ["national"]
    assert await bridge_world.juki.rows("SELECT * FROM bridge_answer") == []


async def test_who_left_from_another_prefecture_is_refused_where_no_national_server_is_known(
    pki: Pki, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    dsns = {register: new_database(register) for register in REGISTERS}
    async with bridged(pki, dsns, tmp_path, national=None) as world:
        person = await moved_on(world)
        (line,) = await world.numbers(person["resident_code"])
        assert (line["code"], line["individual_number"]) == ("B321", None)
        assert await world.leaves("fuhyo", "bridge_requested") == []
        assert await world.juki.rows("SELECT * FROM bridge_answer") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"office": "nobody"}, "B400"),
        ({"affair": "passport"}, "B401"),
        ({"basis": "J5-6"}, "B403"),
        ({"basis": "J15-3"}, "B403"),
        ({"basis": "X"}, "B410"),
    ],
)
async def test_a_basis_that_does_not_permit_it_is_refused_before_anybody_is_looked_up(
    bridge_world: Bridged, changes: dict[str, str], code: str
) -> None:
    refused = await bridge_world.open_case(**changes)
    assert refused["code"] == code
    said = await bridge_world.ask(refused["case"], resident_code())
    assert "problem" in said
    (leaf,) = await bridge_world.leaves("fuhyo", "bridge_case_refused")
    assert (leaf["code"], leaf["case"]) == (code, refused["case"])
    assert await bridge_world.fuhyo.rows("SELECT * FROM bridge_request") == []


async def test_nobody_approves_their_own_request(bridge_world: Bridged) -> None:
    opened = await bridge_world.open_case()
    (case,) = await bridge_world.fuhyo.rows("SELECT requested_by FROM bridge_case")
    refused = await bridge_world.open_case(approved_by=case["requested_by"])
    assert ("code" in opened, refused["code"]) == (False, "B301")


ACCOUNTS = ("tanaka@pref.example", "Tanaka.Hanako+1@ad.pref.fukuoka.lg.jp", r"PREF\tanaka", "uid:65534")


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_an_account_of_a_domain_asks_and_approves_as_any_other(
    bridge_world: Bridged, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    monkeypatch.setattr(bridge_control, "operator_of", lambda _request: account)
    (person,) = await emigrate(bridge_world)
    case = (await bridge_world.open_case(approved_by="suzuki@pref.example"))["case"]
    assert await bridge_world.ask(case, person["resident_code"]) == {"outcomes": {"B100": 1}}
    (answered,) = await bridge_world.leaves("juki", "bridge_answered")
    assert (answered["requested_by"], answered["approved_by"]) == (account, "suzuki@pref.example")
    refused = await bridge_world.open_case(approved_by=account.upper())
    assert refused["code"] == "B301"


@pytest.mark.parametrize("account", ["田中", "tanaka hanako", "t" * 129])
async def test_an_account_that_no_message_can_name_is_told_so_before_anything_is_opened(
    bridge_world: Bridged, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    monkeypatch.setattr(bridge_control, "operator_of", lambda _request: account)
    said = await bridge_world.open_case()
    assert said["problem"].startswith("requested_by: ")
    assert account not in said["problem"]
    assert await bridge_world.fuhyo.rows("SELECT FROM bridge_case") == []


async def test_a_code_never_leaves_with_a_delivery(bridge_world: Bridged) -> None:
    """Trap 17."""
    (person,) = await emigrate(bridge_world)
    (line,) = await bridge_world.numbers(person["resident_code"])
    assert person["resident_code"] not in line.values()
    assert set(line) == {"line", "code", "individual_number"}

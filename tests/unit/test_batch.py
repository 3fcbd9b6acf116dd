"""A batch planned in order: what is a repeat, what is a reuse, what is remembered, and in which words."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.decide import Decision
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.notice import Key
from jukinet_daemon.domain.outcomes import Outcome, OutcomeClass
from jukinet_daemon.domain.person import PersonState
from jukinet_daemon.domain.register import Strictness
from jukinet_daemon.ledger.leaf import leaf_of
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.service.batch import (
    House,
    Item,
    Plan,
    items_of,
    later_answer,
    one_of_each_new_id,
    parcel_row,
    strangers,
)
from jukinet_daemon.service.lanes import Arrival
from jukinet_daemon.store.inbox import FirstAnswer, Known
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.keyring import Keyring
from jukinet_daemon.wire.envelope import base64url
from jukinet_daemon.wire.parcel import Parcel, read_parcel, write_parcel
from jukinet_daemon.wire.reply import ReplyHead, read_reply, write_reply
from support.notices import departure, fuhyo_change, juki_change
from support.plans import plan_of

FUKUOKA, OMUTA = "401307", "402028"
MORNING = datetime(2026, 11, 24, 0, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
HOUSE = House(
    JUKI, read_areas(), Strictness.WARN, lambda: MORNING, Vault(Keyring({1: bytes(32)}, 1, bytes(32)))
)
NOTHING = Known({}, {})
CODE = "24727059608"


def items(*notices: Any, sender: str = FUKUOKA, parcel_id: int = 1) -> list[Item]:
    arrival = Arrival(
        Parcel("juki", sender, parcel_id, notices), "signed.parcel", "digest", "thumbprint", MORNING
    )
    return list(items_of([arrival], [parcel_id], HOUSE))


def planned(batch: list[Item], known: Known = NOTHING) -> Plan:
    numbers: Iterator[int] = iter(range(1, strangers(batch, known) + 1))
    return plan_of(batch, known, numbers, HOUSE)


def decisions(made: Plan) -> list[Decision]:
    return [entry.decision for _, entry, _ in made.entries]


def told(made: Plan) -> list[Outcome]:
    return [decision.outcome for decision in decisions(made)]


def remembered(made: Plan) -> Known:
    """What the database would know after this plan was committed."""
    rows = [entry.inbox for _, entry, _ in made.entries if entry.inbox]
    states: dict[int, PersonState] = {}
    keys: dict[Key, int] = {}
    for decision in decisions(made):
        if decision.after:
            states[decision.after.person_id] = decision.after
            keys |= dict.fromkeys(decision.new_keys, decision.after.person_id)
    answers = {
        row.notice_id: FirstAnswer(row.sender, row.answer, frozenset({row.fingerprint})) for row in rows
    }
    return Known(answers, {key: states[person] for key, person in keys.items()})


def test_later_notices_of_a_batch_see_the_effect_of_earlier_ones() -> None:
    person = {"resident_code": CODE}
    made = planned(
        items(
            juki_change(person=person),
            juki_change(change="correction", cause="minor_correction", person=person),
            juki_change(change="deletion", cause="death", person=person),
            juki_change(change="deletion", cause="death", event_date="20261102", person=person),
        )
    )
    assert told(made) == [*[outcomes.APPLIED] * 3, outcomes.NOTHING_TO_DELETE]
    chain = [(d.before.version, d.after.version) for d in decisions(made) if d.before and d.after]
    assert chain == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert len({d.after.person_id for d in decisions(made) if d.after}) == 1


def test_order_holds_across_the_parcels_of_a_batch() -> None:
    person = {"resident_code": CODE}
    first = items(juki_change(person=person), parcel_id=1)
    second = items(
        juki_change(area=OMUTA, cause="domestic_move_in", person=person), sender=OMUTA, parcel_id=2
    )
    made = planned([*first, *second])
    assert told(made) == [outcomes.APPLIED, outcomes.APPLIED]
    assert [
        entry.decision.after and len(entry.decision.after.open_stays) for _, entry, _ in made.entries
    ] == [
        1,
        2,
    ]


def test_an_id_that_comes_twice_in_a_batch_waits_for_the_answer_to_the_first() -> None:
    raw, other = juki_change(), juki_change()
    now, later = one_of_each_new_id(items(raw, other, raw, raw), NOTHING)
    assert [item.position for item in now] == [0, 1]
    assert [item.position for item in later] == [2, 3]
    made = planned(now)
    assert one_of_each_new_id(later, remembered(made)) == (later, [])  # all copies go in one more round
    again = planned(later[:1], remembered(made))
    assert again.entries == []
    assert again.repeats[0][1].text == made.entries[0][2].text


def test_notices_without_an_id_are_each_their_own() -> None:
    nameless = juki_change(id=...)
    now, later = one_of_each_new_id(
        [*items(nameless, nameless, [], None), *items(nameless, parcel_id=2)], NOTHING
    )
    assert (len(now), later) == (5, [])


def test_a_repeat_gets_the_stored_answer_word_for_word_and_writes_nothing_new() -> None:
    raw = juki_change()
    stored = '{ "written" : "by an older version", "code":"A100" }'
    (item,) = items(raw)
    known = Known({raw["id"]: FirstAnswer(FUKUOKA, stored, frozenset({item.fingerprint}))}, {})
    made = planned([item], known)
    assert made.entries == []
    (_, answer) = made.repeats[0]
    assert (answer.text, answer.repeated, answer.later) == (stored, True, False)


def test_the_same_content_in_another_field_order_is_a_repeat() -> None:
    raw = juki_change()
    known = remembered(planned(items(raw)))
    shuffled = dict(reversed(raw.items())) | {"person": dict(reversed(raw["person"].items()))}
    assert len(planned(items(shuffled), known).repeats) == 1


@pytest.mark.parametrize(
    ("change", "sender", "outcome"),
    [
        ({"event_date": "20261102"}, FUKUOKA, outcomes.ID_REUSED),
        ({"person": {"name": "高島 太郎"}}, FUKUOKA, outcomes.ID_REUSED),
        ({}, OMUTA, outcomes.ID_OF_ANOTHER),
        ({"event_date": "20261102"}, OMUTA, outcomes.ID_OF_ANOTHER),
    ],
)
def test_a_reused_id_is_refused_changes_nothing_and_does_not_replace_the_memory(
    change: dict[str, Any], sender: str, outcome: Outcome
) -> None:
    raw = juki_change(person={"resident_code": CODE, "individual_number": "379474484458"})
    first = planned(items(raw))
    other = raw | change | {"person": raw["person"] | change.get("person", {})}
    made = planned(items(other, sender=sender), remembered(first))
    ((_, entry, answer),) = made.entries
    assert entry.decision.outcome is outcome
    assert (entry.decision.after, entry.inbox) == (None, None)
    assert json.loads(answer.text)["field"] == "id"
    # The first one is still known by its own words.
    assert planned(items(raw), remembered(first)).repeats[0][1].text == first.entries[0][2].text


@pytest.mark.parametrize(
    "raw",
    [
        juki_change(area=OMUTA),
        juki_change(cause="death"),
        juki_change(more=1),
        juki_change(person={"name": "\u202e"}),
        juki_change(kind="record"),
        {"id": juki_change()["id"]},
    ],
)
def test_a_refused_notice_is_remembered_so_that_its_repeat_gets_the_same_refusal(raw: dict[str, Any]) -> None:
    made = planned(items(raw))
    ((_, entry, answer),) = made.entries
    assert entry.decision.kind is OutcomeClass.REFUSED
    assert entry.inbox is not None
    assert (entry.inbox.notice_id, entry.inbox.answer) == (raw["id"], answer.text)
    assert planned(items(raw), remembered(made)).repeats[0][1].text == answer.text


@pytest.mark.parametrize(
    "raw", [juki_change(id=...), juki_change(id="1"), juki_change(id=None), [], None, "x", 7]
)
def test_what_has_no_id_is_refused_with_evidence_but_cannot_be_remembered(raw: Any) -> None:
    ((_, entry, answer),) = planned(items(raw)).entries
    assert entry.decision.kind is OutcomeClass.REFUSED
    assert entry.inbox is None
    assert "id" not in json.loads(answer.text)
    assert entry.leaf.hash


def test_strangers_are_counted_high_enough_for_the_worst_batch() -> None:
    person = {"resident_code": CODE}
    batch = items(
        *(juki_change() for _ in range(5)),
        departure(),
        juki_change(person=person),
        juki_change(person=person),
        juki_change(area=OMUTA),
        fuhyo_change(),
        [],
    )
    # planned() gives exactly so many numbers: one too few would end the iterator and raise.
    assert len(planned(batch).entries) == len(batch)


def test_known_persons_need_no_new_number() -> None:
    raw = juki_change(person={"resident_code": CODE})
    known = remembered(planned(items(raw)))
    correction = juki_change(change="correction", cause="minor_correction", person={"resident_code": CODE})
    assert strangers(items(correction), known) == 0
    assert told(planned(items(correction), known)) == [outcomes.APPLIED]


def test_the_day_of_the_notification_is_the_day_in_japan() -> None:
    # Half past midnight in Japan is still the day before in UTC; today's date does not lie ahead.
    ((_, entry, answer),) = planned(items(juki_change(event_date="20261124"))).entries
    assert entry.decision.outcome is outcomes.APPLIED
    assert entry.notified_on.isoformat() == "2026-11-24" == json.loads(answer.text)["received_on"]


def test_an_answer_opens_its_leaf() -> None:
    ((item, entry, answer),) = planned(items(juki_change())).entries
    said = json.loads(answer.text)
    assert said["leaf"] == base64url(entry.leaf.hash)
    assert said["salt"] == base64url(entry.leaf.salt)
    assert leaf_of(entry.leaf.payload, entry.leaf.salt).hash == entry.leaf.hash
    assert json.loads(entry.leaf.payload) == {
        "event": "notice",
        "register": "juki",
        "sender": FUKUOKA,
        "parcel_digest": "digest",
        "position": item.position,
        "id": item.id,
        "code": "A100",
        "received_on": "2026-11-24",
    }


def test_text_that_has_no_utf_8_is_refused_and_told_apart_like_any_other() -> None:
    raw = juki_change(person={"name": "\ud800"})
    made = planned(items(raw))
    assert told(made) == [outcomes.MALFORMED]
    other = raw | {"person": raw["person"] | {"name": "\ud801"}}
    assert told(planned(items(other), remembered(made))) == [outcomes.ID_REUSED]


def test_no_answer_holds_a_personal_value_and_each_reads_as_an_answer() -> None:
    odd = juki_change(person={"resident_code": "25208017644"})
    batch = [odd, juki_change(area=OMUTA), juki_change(秘密太郎=1), [], departure()]
    made = planned(items(*batch))
    texts = [answer.text for _, _, answer in made.entries] + [later_answer(odd).text, later_answer([]).text]
    reply = read_reply(
        write_reply(ReplyHead("juki", FUKUOKA, 1, "digest"), texts, [], "2026-11-24T00:30:00Z")
    )
    assert [answer.code for answer in reply.answers] == [
        "A100",
        "R310",
        "R301",
        "R300",
        "H220",
        "L500",
        "L500",
    ]
    assert [remark.code for remark in reply.answers[0].remarks or []] == ["W600"]
    personal = [value for value in odd["person"].values() if len(value) > 6] + ["秘密", odd["person"]["name"]]
    assert [value for value in personal if any(value in text for text in texts)] == []


def test_later_is_said_with_the_id_and_not_as_an_answer_to_keep() -> None:
    raw = juki_change()
    answer = later_answer(raw)
    assert (answer.later, answer.repeated) == (True, False)
    assert json.loads(answer.text) == {"code": "L500", "id": raw["id"], "outcome": "LATER"}


def test_a_parcel_is_kept_sealed_to_its_number() -> None:
    (item,) = items(juki_change())
    row = parcel_row(item.arrival, 7, HOUSE.vault)
    assert b"signed" not in row.sealed
    assert HOUSE.vault.open("parcel/7", row.sealed)
    assert (row.parcel_id, row.sender, row.number, row.digest) == (7, FUKUOKA, 1, "digest")


def test_a_notice_with_a_field_twice_is_no_repeat_of_the_sound_one() -> None:
    raw = juki_change()
    known = remembered(planned(items(raw)))
    text = write_parcel(Parcel("juki", FUKUOKA, 1, (raw,)), "2026-11-24T00:30:00Z").decode()
    doubled = text.replace('"area"', '"area":"402028","area"', 1)
    assert doubled != text
    notices = read_parcel(doubled.encode()).notices
    assert told(planned(items(*notices), known)) == [outcomes.ID_REUSED]

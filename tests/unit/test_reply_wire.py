"""A reply carries the stored text of its answers, so that a repeat is the first answer word for word."""

import json
from typing import Any

import pytest

from jukinet_daemon.wire.reply import (
    ReplyFault,
    ReplyHead,
    read_reply,
    write_answer,
    write_refusal,
    write_reply,
)

NOW = "2026-11-23T09:00:00.000+09:00"
HEAD = ReplyHead("juki", "401307", 7, "digest")
ID = "6352e5f3-f825-42e0-ba06-64d5d75dfbfe"
STORED = [
    f'{{"code":"A100","id":"{ID}","outcome":"ACCEPTED"}}',
    '{ "outcome" : "REFUSED" ,\n "code":"R300","field":"髙\\u0022" }',
    '{"code":"H200","outcome":"HELD","remarks":[{"code":"W600","field":"person.resident_code"}]}',
]


def test_answers_stand_in_the_reply_as_they_were_stored_to_the_byte() -> None:
    payload = write_reply(HEAD, STORED, [1], NOW)
    for text in STORED:
        assert payload.count(text.encode()) == 1
    assert b'"answers":[' + ",".join(STORED).encode() + b"]" in payload


def test_a_reply_reads_as_what_was_written() -> None:
    reply = read_reply(write_reply(HEAD, STORED, [0, 2], NOW))
    assert (reply.register_, reply.receiver, reply.parcel, reply.parcel_digest) == (
        "juki",
        "401307",
        7,
        "digest",
    )
    assert [answer.code for answer in reply.answers] == ["A100", "R300", "H200"]
    assert reply.answers[0].id == ID
    assert reply.repeated == [0, 2]
    assert reply.refused is None


@pytest.mark.parametrize("field", [None, "sender"])
def test_a_refusal_says_why_and_answers_nothing(field: str | None) -> None:
    reply = read_reply(write_refusal(ReplyHead("juki", "401307", None, "digest"), "P400", field, NOW))
    assert reply.answers == []
    assert reply.parcel is None
    assert reply.refused is not None
    assert (reply.refused.code, reply.refused.field) == ("P400", field)


def test_an_answer_leaves_out_what_is_not_there_and_is_the_same_in_any_order() -> None:
    assert (
        write_answer({"b": None, "c": 1, "a": "髙"})
        == '{"a":"髙","c":1}'
        == write_answer({"a": "髙", "c": 1})
    )


@pytest.mark.parametrize(
    "change",
    [
        {"answers": [{"outcome": "REPEATED", "code": "A100"}]},
        {"answers": [{"outcome": "ACCEPTED", "code": "a100"}]},
        {"answers": [{"outcome": "ACCEPTED"}]},
        {"parcel": "7"},
        {"protocol": "jukinet/2"},
        {"refused": {}},
        {"repeated": [True]},
        {"answered_at": "2026-11-23T24:00:00+09:00"},
        {"answered_at": "2026-02-30T09:00:00+09:00"},
        {"answers": [{"outcome": "ACCEPTED", "code": "A100", "received_on": "2026-02-30"}]},
    ],
)
def test_what_is_not_a_reply_is_refused(change: dict[str, Any]) -> None:
    sound = json.loads(write_reply(HEAD, STORED[:1], [], NOW))
    assert read_reply(json.dumps(sound).encode())
    with pytest.raises(ReplyFault):
        read_reply(json.dumps(sound | change).encode())


def test_a_reply_may_gain_fields_that_an_older_reader_passes_over() -> None:
    sound = json.loads(write_reply(HEAD, STORED[:1], [], NOW))
    newer = sound | {"more": 1, "answers": [sound["answers"][0] | {"more": 1}]}
    assert read_reply(json.dumps(newer).encode()) == read_reply(json.dumps(sound).encode())


def test_a_reply_that_names_a_field_twice_is_refused() -> None:
    text = write_reply(
        HEAD, ['{"code":"R300","outcome":"REFUSED","code":"A100","outcome":"ACCEPTED"}'], [], NOW
    )
    with pytest.raises(ReplyFault):
        read_reply(text)

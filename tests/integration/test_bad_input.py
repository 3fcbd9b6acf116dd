"""Bad parcels and notices: each has its coded, signed answer, one log line naming nobody, no effect."""

import json
from typing import Any

import pytest

from conftest import HouseMaker
from jukinet_daemon.sim.pki import tls_files
from jukinet_daemon.wire.envelope import REPLY_TYPE, unseal
from jukinet_daemon.wire.reply import read_reply
from support.forge import (
    Forgery,
    changed,
    false_signature,
    fields,
    of_text,
    other_typ,
    other_x5t,
    others_key,
    rewritten,
    sealed,
    with_header,
)
from support.notices import juki_change
from support.raw import BINARY, cs_context, raw_line
from support.watch import secrets_of, versions, watching
from support.world import KITAKYUSHU, CsLine, House

DEEP = "[" * 100_000 + "]" * 100_000
NAMED = "髙島 太郎"
NUMBER = "person.individual_number"


async def accepted(house: House, line: CsLine) -> str:
    """The id of a sound notice that is accepted now."""
    notice = juki_change()
    (answer,) = await line.tell(notice)
    assert answer.outcome == "ACCEPTED"
    return str(notice["id"])


PARCELS: dict[str, tuple[Forgery, str, str | None]] = {
    "sender of another certificate": (changed(sender=KITAKYUSHU), "P402", "sender"),
    "another register": (changed(register="fuhyo"), "P403", "register"),
    "false signature": (false_signature, "P400", None),
    "alg none": (with_header(alg="none"), "P400", None),
    "alg HS256 with the public key": (with_header(alg="HS256"), "P400", None),
    "crit of a wrong type": (with_header(crit=5), "P400", None),
    "payload not base64url": (with_header(b64=False, crit=["b64"]), "P400", None),
    "letter beyond ASCII": (lambda line, notice: line.parcel(notice) + "髙", "P400", None),
    "no signature": (with_header(), "P400", None),
    "other typ": (other_typ, "P400", None),
    "other x5t": (other_x5t, "P400", None),
    "empty message": (lambda _line, _notice: "", "P400", None),
    "message that is no JWS": (lambda _line, notice: json.dumps(notice, ensure_ascii=False), "P400", None),
    "not JSON": (of_text(lambda text: text[:-1]), "P401", None),
    "JSON array": (of_text(lambda text: f"[{text}]"), "P401", None),
    "JSON text": (of_text(lambda _: f'"{NAMED}"'), "P401", None),
    "not UTF-8": (lambda line, _notice: sealed(line, b'{"register":"\xff\xfe"}'), "P401", None),
    "unknown field": (changed(operator="somebody"), "P401", None),
    "unknown field with a person's name": (changed(**{NAMED: 1}), "P401", None),
    "field twice": (of_text(lambda text: text[:-1] + ',"number":2}'), "P401", None),
    "missing field": (changed(sent_at=...), "P401", "sent_at"),
    "other protocol": (changed(protocol="jukinet/2"), "P401", "protocol"),
    "number as text": (changed(number="1"), "P401", "number"),
    "number true": (changed(number=True), "P401", "number"),
    "number 0": (changed(number=0), "P401", "number"),
    "number past 2^53": (changed(number=2**53), "P401", "number"),
    "number of 5,000 digits": (rewritten('"number": 1', f'"number": {"9" * 5000}'), "P401", None),
    "number with a fraction": (changed(number=1.5), "P401", None),
    "no notices": (changed(notices=[]), "P401", "notices"),
    "501 notices": (changed(notices=[{}] * 501), "P401", "notices"),
    "notices as an object": (changed(notices={}), "P401", "notices"),
    "full-width sender": (changed(sender="４０１３０７"), "P401", "sender"),
    "lone surrogate": (changed(sender="\ud800"), "P401", "sender"),
    "NUL": (changed(register="juki\0"), "P401", "register"),
    "NaN in a notice": (changed(notices=[{"id": float("nan")}]), "P401", None),
    "100,000 deep": (rewritten('"notices": [', f'"notices": [{DEEP},'), "P401", None),
}  # fmt: skip


@pytest.mark.parametrize("name", PARCELS)
async def test_bad_parcel(open_house: HouseMaker, caplog: pytest.LogCaptureFixture, name: str) -> None:
    forge, code, field = PARCELS[name]
    house = await open_house("juki", national=False)
    bad = juki_change(person={"name": NAMED})
    async with house.line() as line:
        with watching(caplog) as watch:
            reply = await line.exchange(forge(line, bad))
            assert (reply.refused.code, reply.refused.field, reply.answers) == (code, field, [])
            event = await watch.one()
        assert (event["event"], event["code"], event["field"]) == ("parcel_refused", code, field)
        assert event["sender"] == "401307"
        assert watch.says_nothing_of(secrets_of(bad))
        good = await accepted(house, line)
    assert await versions(house) == [good]


async def test_parcel_signed_by_another_municipality(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    forge = others_key(lambda role, name: tls_files(house.pki.folder, role, name))
    async with house.line() as line:
        reply = await line.exchange(forge(line, juki_change()))
        assert reply.refused.code == "P400"
        good = await accepted(house, line)
    assert await versions(house) == [good]


async def test_binary_frame(open_house: HouseMaker, caplog: pytest.LogCaptureFixture) -> None:
    house = await open_house("juki", national=False)
    bad = juki_change()
    async with house.line() as sane, raw_line(house, cs_context(house)) as raw:
        await raw.upgrade()
        with watching(caplog) as watch:
            await raw.send(BINARY, sane.parcel(bad).encode())
            _kind, content = await raw.receive()
            assert (await watch.one())["code"] == "P401"
        reply = read_reply(unseal(content.decode(), REPLY_TYPE, sane.conversation._key))
        assert reply.refused
        assert reply.refused.code == "P401"
        assert watch.says_nothing_of(secrets_of(bad))
        good = await accepted(house, sane)
    assert await versions(house) == [good]


def of(person: dict[str, Any]) -> dict[str, Any]:
    """A notice of a person with these items."""
    return juki_change(person=person)


NOTICES: dict[str, tuple[Any, str, str | None]] = {
    "another municipality's resident": (juki_change(area="401013"), "R310", "area"),
    "an area that is none": (juki_change(area="999999"), "R310", "area"),
    "続柄": (juki_change(relationship="head"), "R301", "relationship"),
    "続柄 of the person": (of({"relationship": "head"}), "R301", "person.relationship"),
    "field with a person's name": (juki_change(**{NAMED: 1}), "R301", "(?)"),
    "field missing": (juki_change(event_date=...), "R302", "event_date"),
    "field of the person missing": (of({"date_of_birth": ...}), "R302", "person.date_of_birth"),
    "kind missing": (juki_change(kind=...), "R302", "kind"),
    "kind unknown": (juki_change(kind=NAMED), "R311", "kind"),
    "kind as a number": (juki_change(kind=1), "R311", "kind"),
    "id missing": (juki_change(id=...), "R302", "id"),
    "id of another form": (juki_change(id="A-1"), "R300", "id"),
    "id in capitals": (juki_change(id="F47AC10B-58CC-4372-A567-0E02B2C3D479"), "R300", "id"),
    "full-width code": (of({"resident_code": "１２３４５６７８９０１"}), "R300", "person.resident_code"),
    "code as a number": (of({"resident_code": 12345678901}), "R300", "person.resident_code"),
    "number with a line end": (of({"individual_number": "123456789018\n"}), "R300", NUMBER),
    "number's check digit": (of({"individual_number": "123456789010"}), "R320", NUMBER),
    "NUL in a name": (of({"name": "髙島\0太郎"}), "R300", "person.name"),
    "lone surrogate in a name": (of({"name": "髙島\ud867"}), "R300", "person.name"),
    "lone surrogate in a field's name": (juki_change(**{"\udc00": 1}), "R300", "(?)"),
    "name of 201 letters": (of({"name": "髙" * 201}), "R300", "person.name"),
    "name empty": (of({"name": ""}), "R300", "person.name"),
    "date as a number": (juki_change(event_date=20261101), "R300", "event_date"),
    "foreign as 1": (juki_change(foreign=1), "R300", "foreign"),
    "foreign as text": (juki_change(foreign="false"), "R300", "foreign"),
    "person as an array": ({**juki_change(), "person": []}, "R300", "person"),
    "person null": ({**juki_change(), "person": None}, "R300", "person"),
    "notice as text": (NAMED, "R300", None),
    "notice as an array": ([juki_change()], "R300", None),
    "notice null": (None, "R300", None),
    "notice empty": ({}, "R302", "kind"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTICES)
async def test_bad_notice_among_good_neighbours(
    open_house: HouseMaker, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    bad, code, field = NOTICES[name]
    house = await open_house("juki", national=False)
    before, after = juki_change(), juki_change()
    async with house.line() as line:
        with watching(caplog) as watch:
            reply = await line.exchange(sealed(line, json.dumps(fields(before, bad, after))))
            event = await watch.one()
        assert [answer.code for answer in reply.answers] == ["A100", code, "A100"]
        assert (reply.answers[1].outcome, reply.answers[1].field or None) == ("REFUSED", field)
        assert (event["event"], event["codes"]) == ("notices_refused", {code: 1})
        assert watch.says_nothing_of([*secrets_of(before), NAMED])
        good = await accepted(house, line)
    assert sorted(await versions(house)) == sorted([before["id"], after["id"], good])


@pytest.mark.parametrize(
    ("written", "twice", "field"),
    [
        ('"kind": ', '"kind": "change", "kind": ', "kind"),
        ('"name": ', '"name": "他人", "name": ', "person.name"),
    ],
)
async def test_field_twice_in_a_notice(open_house: HouseMaker, written: str, twice: str, field: str) -> None:
    house = await open_house("juki", national=False)
    async with house.line() as line:
        reply = await line.exchange(rewritten(written, twice)(line, juki_change()))
        assert [(answer.code, answer.field) for answer in reply.answers] == [("R303", field)]
        good = await accepted(house, line)
    assert await versions(house) == [good]


async def test_any_depth_is_refused_for_good_and_never_later(open_house: HouseMaker) -> None:
    """What one reader lets through another must not choke on: a LATER would be sent again for ever."""
    house = await open_house("juki", national=False)
    async with house.line() as line:
        for depth in range(900, 1000):
            text = json.dumps(fields(juki_change(alias="*")))
            deep = text.replace('"*"', "[" * depth + "]" * depth)
            reply = await line.exchange(sealed(line, deep))
            codes = [reply.refused.code] if reply.refused else [answer.code for answer in reply.answers]
            assert codes in (["P401"], ["R301"], ["R300"]), depth
        good = await accepted(house, line)
    assert await versions(house) == [good]

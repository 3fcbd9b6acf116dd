"""Bad parcels and notices: each has its coded, signed answer, one log line naming nobody, no effect."""

import json

import pytest

from cases.case import coded, told
from cases.letters import LAWFUL, LETTERS
from cases.notices import DOUBLED, NOTICES
from cases.parcels import PARCELS
from cases.people import NAME
from jukinet_daemon.sim.pki import tls_files
from support.forge import fields, others_key, sealed
from support.notices import juki_change
from support.shared import HostileHouse
from support.watch import secrets_of, watching

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("name", PARCELS)
async def test_bad_parcel(hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str) -> None:
    case = PARCELS[name]
    bad = juki_change(person={"name": NAME})
    async with hostile.house.line() as line:
        with watching(caplog) as watch:
            reply = await line.exchange(case.what(line, bad))
            assert (coded(reply.refused.code, reply.refused.field), reply.answers) == (case.answer, [])
            event = await watch.one()
        assert told(event) == case.logged
        assert coded(event["code"], event["field"]) == case.answer
        assert event["sender"] == "401307"
        assert watch.says_nothing_of(secrets_of(bad))
    await hostile.all_well()


async def test_parcel_signed_by_another_municipality(hostile: HostileHouse) -> None:
    forge = others_key(lambda role, name: tls_files(hostile.house.pki.folder, role, name))
    async with hostile.house.line() as line:
        reply = await line.exchange(forge(line, juki_change()))
        assert reply.refused.code == "P400"
    await hostile.all_well()


@pytest.mark.parametrize("name", NOTICES)
async def test_bad_notice_among_good_neighbours(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    case = NOTICES[name]
    before, after = juki_change(), juki_change()
    async with hostile.house.line() as line:
        with watching(caplog) as watch:
            reply = await line.exchange(
                sealed(line, json.dumps(fields(before, case.what, after, number=hostile.number())))
            )
            event = await watch.one()
        first, answer, last = reply.answers
        assert (first.code, coded(answer.code, answer.field), last.code) == ("A100", case.answer, "A100")
        assert (answer.outcome, told(event)) == ("REFUSED", case.logged)
        assert watch.says_nothing_of([*secrets_of(before), NAME])
    await hostile.all_well(before["id"], after["id"])


@pytest.mark.parametrize("name", DOUBLED)
async def test_field_twice_in_a_notice(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    case = DOUBLED[name]
    async with hostile.house.line() as line:
        with watching(caplog) as watch:
            text = json.dumps(fields(juki_change(), number=hostile.number()), ensure_ascii=False)
            reply = await line.exchange(sealed(line, text.replace(*case.what)))
            event = await watch.one()
    assert [coded(answer.code, answer.field) for answer in reply.answers] == [case.answer]
    assert told(event) == case.logged
    await hostile.all_well()


@pytest.mark.parametrize("name", LETTERS)
async def test_letter_that_nobody_sees(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    case = LETTERS[name]
    item, text = case.what
    async with hostile.house.line() as line:
        with watching(caplog) as watch:
            bad = json.dumps(fields(juki_change(person={item: text}), number=hostile.number()))
            (answer,) = (await line.exchange(sealed(line, bad))).answers
            event = await watch.one()
    assert (coded(answer.code, answer.field), told(event)) == (case.answer, case.logged)
    assert watch.says_nothing_of([text, "髙島"])
    await hostile.all_well()


@pytest.mark.parametrize("name", LAWFUL)
async def test_letter_that_is_lawful(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    case = LAWFUL[name]
    item, text = case.what
    notice = juki_change(person={item: text})
    async with hostile.house.line() as line:
        with watching(caplog) as watch:
            (answer,) = await line.tell(notice)
            assert coded(answer.code, answer.field) == case.answer
            assert watch.events == []
    await hostile.all_well(notice["id"])


async def test_any_depth_is_refused_for_good_and_never_later(hostile: HostileHouse) -> None:
    """What one reader lets through another must not choke on: a LATER would be sent again for ever."""
    async with hostile.house.line() as line:
        for depth in range(900, 1000):
            text = json.dumps(fields(juki_change(alias="*"), number=hostile.number()))
            deep = text.replace('"*"', "[" * depth + "]" * depth)
            reply = await line.exchange(sealed(line, deep))
            codes = [reply.refused.code] if reply.refused else [answer.code for answer in reply.answers]
            assert codes in (["P401"], ["R301"], ["R300"]), depth
    await hostile.all_well()

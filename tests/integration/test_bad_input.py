"""Bad parcels and notices: each has its coded, signed answer, one log line naming nobody, no effect."""

import json

import pytest

from cases.case import Case, coded, told
from cases.letters import LAWFUL, LETTERS
from cases.notices import DOUBLED, NOTICES, NUMBERS
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


async def _refused_alone(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, case: Case, text: str
) -> None:
    """A notice, as JSON text, has the answer and the one event of its case; its neighbours are taken."""
    before, after = juki_change(), juki_change()
    parcel = json.dumps(fields(before, "*", after, number=hostile.number())).replace('"*"', text)
    async with hostile.house.line() as line:
        with watching(caplog) as watch:
            first, answer, last = (await line.exchange(sealed(line, parcel))).answers
            event = await watch.one()
    assert (first.code, coded(answer.code, answer.field), last.code) == ("A100", case.answer, "A100")
    assert (answer.outcome, told(event)) == ("REFUSED", case.logged)
    assert watch.says_nothing_of([*secrets_of(before), *NAME.split()])
    await hostile.all_well(before["id"], after["id"])


@pytest.mark.parametrize("name", NOTICES)
async def test_bad_notice(hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str) -> None:
    await _refused_alone(hostile, caplog, NOTICES[name], json.dumps(NOTICES[name].what))


WRITTEN = {**DOUBLED, **NUMBERS}


@pytest.mark.parametrize("name", WRITTEN)
async def test_what_only_text_can_say(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    text = json.dumps(juki_change(), ensure_ascii=False).replace(*WRITTEN[name].what)
    await _refused_alone(hostile, caplog, WRITTEN[name], text)


@pytest.mark.parametrize("name", LETTERS)
async def test_letter_that_nobody_sees(
    hostile: HostileHouse, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    item, text = LETTERS[name].what
    await _refused_alone(hostile, caplog, LETTERS[name], json.dumps(juki_change(person={item: text})))


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

"""The summary of a parcel: the watch reads it in place of the parcel; older parcels get theirs afterwards."""

import asyncio
import json
from dataclasses import astuple
from typing import Any

import aiohttp
import asyncpg
import pytest

from conftest import HouseMaker
from jukinet_daemon.cli import jukinetctl
from jukinet_daemon.service.summary import summary_of
from jukinet_daemon.store.queries import load_queries
from jukinet_daemon.wire.tally import kind_of
from support.comparison import COUNTS, some_notices, tally
from support.notices import departure, juki_change
from support.store import VAULT, session
from support.world import House, until

# As the program before this schema calls it.
OLDER = "CALL commit_batch($1::parcel_row[], $2::decision[], $3::uuid[], '{}')"


async def numbers_of(house: House) -> tuple[dict[str, Any], list[str]]:
    async with aiohttp.ClientSession() as session, session.get(f"{house.health_url}/healthz") as answer:
        told = await answer.json()
    return told["numbers"], [problem for problem in told["problems"] if "summary" in problem]


@pytest.fixture
async def older(open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house that commits as an older program does, on this schema."""
    monkeypatch.setattr("jukinet_daemon.loops.watch.NUMBERS_EVERY_S", 0.05)
    queries = {**load_queries("juki"), "commit_batch": OLDER}
    monkeypatch.setattr("jukinet_daemon.store.pool.load_queries", lambda _register: queries)
    monkeypatch.setattr("jukinet_daemon.store.inbox._parcel", lambda row: astuple(row)[:7])
    opened: House = await open_house(national=False)
    return opened


async def test_what_an_older_program_took_is_counted_and_told_apart_once_it_is_summarised(
    older: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with older.line() as line:
        await some_notices(line)
        await line.exchange(line.parcel(juki_change(area="401013"), number=1))
    async with older.line() as line:
        reply = await line.exchange(tally(line, COUNTS))
    assert (reply.comparison, reply.refused.code) == (None, "L500")
    numbers, problems = await numbers_of(older)
    assert (numbers["unsummarised"], numbers["reused"], len(problems)) == (True, [], 1)

    monkeypatch.setattr(jukinetctl, "load_config", lambda _path: older.config)
    capsys.readouterr()
    for command in (["summarise", "--config", "x", "--json"], ["summarise", "--config", "x"]):
        assert await asyncio.to_thread(jukinetctl.main, command) == 0
    said = capsys.readouterr().out.splitlines()
    assert '{"summarised": 4}' in said
    assert [line for line in said if line.startswith("電文 0 件")]

    async def reused() -> Any:
        return (await numbers_of(older))[0]["reused"]

    assert [(found["first"], found["last"]) for found in await until(reused)] == [(1, 1)]
    counts = COUNTS | {"entry": (2, 0, 2)}
    async with older.line() as line:
        assert (await line.exchange(tally(line, counts))).comparison.differing == []
    assert (await numbers_of(older))[1] == []
    leaves = await older.rows("SELECT payload FROM ledger WHERE payload LIKE '%parcels_summarised%'")
    assert [json.loads(row["payload"])["parcels"] for row in leaves] == [4]


async def test_a_parcel_has_its_summary_from_the_first_and_keeps_it(open_house: HouseMaker) -> None:
    house = await open_house(national=False)
    notices = [juki_change(), departure()]
    async with house.line() as line:
        await line.tell(*notices)
    (row,) = await house.rows("SELECT notice_ids::text[] AS ids, kinds FROM parcel")
    assert (row["ids"], row["kinds"]) == ([n["id"] for n in notices], [kind_of(n) for n in notices])
    async with session(house.dsn, role="jukinet_keys") as keys:
        with pytest.raises(asyncpg.RestrictViolationError):
            await keys.execute("UPDATE parcel SET kinds = '{}', notice_ids = '{}'")


def test_a_new_signature_around_the_same_is_no_other_content() -> None:
    notices = [juki_change()]
    prints = {
        summary_of(text, notices, VAULT).fingerprint
        for text in ("head.payload.signature", "other.payload.again", "head.payloae.signature")
    }
    assert len(prints) == 2
    assert VAULT.fingerprint(b"payload") not in prints


def test_an_id_twice_in_a_parcel_is_of_its_first_kind_and_none_is_left_out() -> None:
    first = juki_change()
    notices = [juki_change(id=...), first, departure(id=first["id"]), "no notice", departure()]
    summary = summary_of("a.b.c", notices, VAULT)
    last: Any = notices[-1]
    assert summary.notice_ids == (first["id"], last["id"])
    assert summary.kinds == ("entry", "departure")

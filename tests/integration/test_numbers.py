"""Running numbers: a number that never comes is asked for, one that comes twice is told of."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conftest import HouseMaker
from jukinet_daemon.cli import jukinetctl
from jukinet_daemon.outward import Conversation, PeerFault
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.service.numbers import number_problems
from jukinet_daemon.sim.journal import Journal
from jukinet_daemon.sim.municipality import Answered, MunicipalCs, Window
from jukinet_daemon.wire.parcel import MAX_PARCEL_NUMBER
from support.notices import juki_change
from support.store import holding, session
from support.world import FUKUOKA, CsLine, House, until


@pytest.fixture
async def house(open_house: HouseMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("jukinet_daemon.loops.watch.NUMBERS_EVERY_S", 0.05)
    control = {"socket": tmp_path / "control.sock"}
    opened: House = await open_house(national=False, control=control, watch={"grace_seconds": 0})
    return opened


async def numbers_of(house: House) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{house.health_url}/healthz") as answer:
        return dict((await answer.json())["numbers"])


async def asked_for(line: CsLine) -> list[list[int]]:
    """What the server asks for in a reply, once it asks."""

    async def asked() -> list[list[int]]:
        return list((await line.exchange(line.parcel(juki_change()))).missing)

    return list(await until(asked))


async def test_a_skipped_number_is_asked_for_until_it_comes(house: House) -> None:
    async with house.line() as line:
        await line.tell(juki_change())
        lost = line.parcel(juki_change())
        assert await asked_for(line) == [[2, 2]]
        assert (await line.exchange(lost)).answers[0].code == "A100"

        async def content() -> bool:
            reply = await line.exchange(line.parcel(juki_change()))
            return not reply.missing and not (await numbers_of(house))["missing"]

        await until(content)


async def test_a_parcel_in_a_gap_that_came_before_is_answered_as_a_repeat(house: House) -> None:
    """A CS packs what the line swallowed anew; the number it was under is asked for all the same."""
    notice = juki_change()
    async with house.line() as line:
        swallowed = line.parcel(notice)
        await line.tell(notice)
        assert await asked_for(line) == [[1, 1]]
        reply = await line.exchange(swallowed)
    assert (reply.answers[0].code, reply.repeated) == ("A100", [0])
    assert len(await house.rows("SELECT 1 FROM history WHERE notice_id = $1", notice["id"])) == 1


async def test_a_number_used_again_with_other_content_is_told_of(house: House) -> None:
    async with house.line() as line:
        await line.tell(juki_change())
        await line.exchange(line.parcel(juki_change(), number=1))

        async def reused() -> Any:
            return (await numbers_of(house))["reused"]

        (found,) = await until(reused)
        assert found == {"sender": FUKUOKA, "first": 1, "last": 1}
    leaves = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%number_reused%'")
    assert len(leaves) == 1


async def test_a_number_used_again_is_found_after_the_first_was_looked_at(house: House) -> None:
    async with house.line() as line:
        await line.tell(juki_change())

        async def looked_at() -> bool:
            return bool(await house.rows("SELECT 1 FROM numbering WHERE highest = 1"))

        await until(looked_at)
        again = line.parcel(juki_change(), number=1)

        async def reused() -> Any:
            await line.exchange(again)
            return (await numbers_of(house))["reused"]

        assert len(await until(reused)) == 1


async def test_the_same_parcel_again_or_signed_anew_is_no_reuse(house: House) -> None:
    notice = juki_change()
    async with house.line() as line:
        signed, anew = line.parcel(notice, number=1), line.parcel(notice, number=1)
        assert signed != anew
        for parcel in (signed, signed, anew):
            await line.exchange(parcel)
        await line.exchange(line.parcel(juki_change(), number=2))

        async def looked_at() -> bool:
            return bool(await house.rows("SELECT 1 FROM numbering WHERE highest = 2"))

        await until(looked_at)
        await line.exchange(anew)
        await line.exchange(line.parcel(juki_change(), number=4))

        async def looked_again() -> bool:
            return bool(await house.rows("SELECT 1 FROM numbering WHERE highest = 4"))

        await until(looked_again)
    assert (await numbers_of(house))["reused"] == []


async def test_a_lasting_gap_is_a_problem_until_an_operator_settles_it(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("jukinet_daemon.service.numbers.GAP_WARNING", timedelta(0))
    async with house.line() as line:
        await line.exchange(line.parcel(juki_change(), number=4))

        async def problems() -> Any:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{house.health_url}/healthz") as answer,
            ):
                return (await answer.json())["problems"]

        (problem,) = await until(problems)
        assert "1-3" in problem
        assert FUKUOKA in problem
        monkeypatch.setattr(jukinetctl, "load_config", lambda _path: house.config)
        common = ["numbers", "settle", FUKUOKA, "1", "3", "--config", "x", "--json"]
        for command in (common, [*common, "--apply"], ["numbers", "list", "--config", "x"]):
            assert await asyncio.to_thread(jukinetctl.main, command) == 0
        assert '"applied": true' in capsys.readouterr().out

        async def settled() -> bool:
            return not await problems()

        await until(settled)
    leaves = await house.rows("SELECT payload FROM ledger WHERE payload LIKE '%numbers_settled%'")
    assert len(leaves) == 1


async def test_a_number_far_above_the_rest_is_told_and_hides_no_gap(house: House) -> None:
    """One slip of a pen must not be the highest number for ever."""
    far = MAX_PARCEL_NUMBER
    async with house.line() as line:
        await line.exchange(line.parcel(juki_change(), number=far))
        for number in (1, 2, 3, 4, 5):
            await line.exchange(line.parcel(juki_change(), number=number))
        assert await asked_for(line) == [[6, 6]]  # the line goes on with 7

        async def leapt() -> Any:
            return [leap["number"] for leap in (await numbers_of(house))["leapt"]]

        assert await until(leapt) == [far]
        async with aiohttp.ClientSession() as http, http.get(f"{house.health_url}/healthz") as answer:
            problems = (await answer.json())["problems"]
        assert [text for text in problems if "へ飛んだ" in text and FUKUOKA in text and str(far) in text]


async def test_an_operator_lets_a_sender_go_on_from_where_it_leapt_to(house: House) -> None:
    far = 10**9
    async with house.line() as line:
        await line.tell(juki_change())
        for number in (far, far + 2):
            await line.exchange(line.parcel(juki_change(), number=number))

        async def leapt() -> bool:
            expected = {"sender": FUKUOKA, "highest": 1, "number": far}
            return bool((await numbers_of(house))["leapt"] == [expected])

        await until(leapt)
        # Part of it settles nothing: the sender would go on from a number that nobody used.
        assert (await settled(house, 2, far - 2))["missing"] == []
        assert (await settled(house, 2, far - 1))["missing"] == [[2, far - 1]]
        assert await asked_for(line) == [[far + 1, far + 1]]
        assert (await numbers_of(house))["leapt"] == []


async def settled(house: House, first: int, last: int) -> dict[str, Any]:
    assert house.config.control
    connector = aiohttp.UnixConnector(str(house.config.control.socket))
    path = f"http://control/numbers/{FUKUOKA}/settle?first={first}&last={last}&apply=true"
    async with aiohttp.ClientSession(connector=connector) as session, session.post(path) as answer:
        return dict(await answer.json())


async def test_a_cs_sends_again_from_its_journal_what_the_line_swallowed(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, calls = Conversation.send, 0

    async def swallowing(line: Conversation, signed: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise PeerFault("the line swallowed it")
        await send(line, signed)

    monkeypatch.setattr(Conversation, "send", swallowing)
    answered: list[Answered] = []
    journal = Journal(tmp_path / "cs.ndjson")
    window = Window("juki", FUKUOKA, house.notices_url, house.pki.caller(Role.CS, FUKUOKA, "juki"))
    cs = MunicipalCs(window, journal, answered.append)
    work = asyncio.create_task(cs.run())
    try:
        for _ in range(2):
            cs.post([juki_change()])
            await cs.done()

        async def whole() -> bool:
            cs.post([juki_change()])
            await cs.done()
            (row,) = await house.rows("SELECT count(*) FROM parcel WHERE number = 2")
            return bool(row["count"]) and not (await numbers_of(house))["missing"]

        await until(whole)
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        journal.close()
    assert {item.outcome for item in answered} == {"ACCEPTED"}
    assert len({item.notice["id"] for item in answered}) == len(answered)
    assert (await numbers_of(house))["reused"] == []


async def test_of_many_numbers_used_again_none_is_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jukinet_daemon.service.numbers.MOST_SUSPECTS", 2)
    async with house.line() as line:
        for _ in range(5):
            await line.tell(juki_change())

        async def looked_at() -> bool:
            return bool(await house.rows("SELECT 1 FROM numbering WHERE highest = 5"))

        await until(looked_at)
        await line.tell(juki_change())
        # No look comes between: all five wait together.
        async with holding(house.dsn, "SELECT pg_advisory_xact_lock(hashtext('jukinet numbers'))"):
            for number in range(1, 6):
                await line.exchange(line.parcel(juki_change(), number=number))

    async def all_reused() -> bool:
        reused = (await numbers_of(house))["reused"]
        return [(item["first"], item["last"]) for item in reused] == [(1, 5)]

    await until(all_reused)
    async with aiohttp.ClientSession() as asking, asking.get(f"{house.health_url}/healthz") as answer:
        problems = [text for text in (await answer.json())["problems"] if "was used again" in text]
    assert problems == [f"{FUKUOKA}: 電文番号 1-5 が別の内容で使われた / a parcel number was used again"]
    assert house.config.control
    connector = aiohttp.UnixConnector(str(house.config.control.socket))
    async with aiohttp.ClientSession(connector=connector) as asking, asking.get("http://x/numbers") as answer:
        told = (await answer.json())["reused"]
    assert [(item["number"], len(item["digest"])) for item in told] == [(n, 43) for n in range(1, 6)]


def test_what_is_scattered_is_counted_past_the_first_ranges() -> None:
    reused = [{"sender": FUKUOKA, "first": 2 * n, "last": 2 * n} for n in range(1, 964)]
    (problem,) = number_problems(
        {"numbers": {"missing": [], "reused": reused, "leapt": [], "unsummarised": False}}
    )
    assert problem.startswith(f"{FUKUOKA}: 電文番号 2、4、6、8、10、12、14、16 ほか 955 か所 が")


async def test_a_number_past_any_number_is_refused_in_words(house: House) -> None:
    """Python itself refuses to read more than 4,300 digits."""
    assert house.config.control
    connector = aiohttp.UnixConnector(str(house.config.control.socket))
    path = f"http://control/numbers/{FUKUOKA}/settle?first={'9' * 5000}&last=1"
    async with aiohttp.ClientSession(connector=connector) as session, session.post(path) as answer:
        assert answer.status == 409
        assert "not a parcel number" in (await answer.json())["problem"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("settle", FUKUOKA, "9", "5"), "最初の番号 9 が最後の番号 5 より大きい"),
        (("settle", "999999", "5", "6"), "999999: 送信者の一覧にない"),
        (("settle", "401315", "5", "6"), "市 401307 が送る"),  # a ward
    ],
)
async def test_a_slip_of_the_keyboard_is_no_empty_range(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.setattr(jukinetctl, "load_config", lambda _path: house.config)
    assert await asyncio.to_thread(jukinetctl.main, ["numbers", *words, "--config", "x"]) == 1
    assert told in capsys.readouterr().err


async def test_the_numbers_of_a_municipality_that_is_no_more_can_be_settled(house: House) -> None:
    assert house.config.control
    async with session(house.dsn) as owner:
        await owner.execute("INSERT INTO numbering (sender, highest) VALUES ('402222', 5)")
        await owner.execute(
            "INSERT INTO number_gap (sender, first, last, found_at) VALUES ('402222', 2, 3, now())"
        )
    connector = aiohttp.UnixConnector(str(house.config.control.socket))
    path = "http://control/numbers/402222/settle?first=1&last=9"
    async with aiohttp.ClientSession(connector=connector) as asking, asking.post(path) as answer:
        assert (await answer.json())["missing"] == [[2, 3]]

"""Trust does not wait for our own certificate, outlives a restart, and is looked after by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from conftest import HouseMaker
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.loops import trust
from jukinet_daemon.pki.files import PkiFileError, load_certificate, load_crls, write_crl
from jukinet_daemon.pki.issue import make_crl
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.standing import age
from jukinet_daemon.service import crls
from support.estate import DAY, Estate, replace_files
from support.place import Place, answered, lost, of, place_of
from support.store import session
from support.wellness import problem, report_of, well
from support.world import KITAKYUSHU, until


@pytest.fixture
async def place(open_house: HouseMaker, tmp_path: Path) -> Place:
    return await place_of(open_house, Estate(tmp_path / "estate"))


async def metric(place: Place, half: str) -> float:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{place.house.health_url}/metrics") as answer,
    ):
        start = f'jukinet_credentials_up{{half="{half}"}} '
        (line,) = [line for line in (await answer.text()).splitlines() if line.startswith(start)]
    return float(line.removeprefix(start))


async def test_a_certificate_without_its_key_stops_no_revocation(place: Place) -> None:
    """As at each renewal of an installed server, whose key is a copy from its start, until the restart."""
    assert [await metric(place, half) for half in ("own", "trust")] == [1.0, 1.0]
    async with place.line(place.fukuoka) as revoked:
        assert await answered(revoked)
        place.estate.peer(Role.PREF, "juki").certificate.replace(place.server.certificate)
        place.estate.revoke(place.fukuoka)
        with capture_logs() as events:
            place.look()
            await until(lambda: lost(revoked))
            place.look()
    (event,) = of(events, "credentials_unusable")
    assert (event["half"], "is not the key of the certificate" in event["fault"]) == ("own", True)
    assert len(of(events, "credentials_loaded")) == 1
    assert not await place.let_in(place.fukuoka)
    assert await place.let_in(place.kitakyushu, KITAKYUSHU)
    report = await problem(place.house, "our certificate or key cannot be used")
    assert not report["degraded"]["credentials"]["ok"]
    assert report["degraded"]["credentials"]["seconds_left"] == pytest.approx(30 * 86400, rel=0.01)
    assert report["degraded"]["trust"]["ok"]
    assert [await metric(place, half) for half in ("own", "trust")] == [0.0, 1.0]
    replace_files(place.server, place.estate.peer(Role.PREF, "juki"))
    place.look()
    report = await well(place.house)
    assert (report["credentials"], report["degraded"]["credentials"]["ok"]) == ([], True)


async def test_a_list_that_is_none_stops_no_renewal(place: Place) -> None:
    before = place.house.daemon._frame.credentials.own
    guest = place.estate.caller(place.fukuoka)
    (place.estate.folder / "ca.crl").write_bytes(b"half a li")
    replace_files(place.server, place.estate.peer(Role.PREF, "juki"))
    with capture_logs() as events:
        place.look()
        place.look()
    assert [event["half"] for event in of(events, "credentials_unusable")] == ["trust"]
    after = place.house.daemon._frame.credentials.own
    assert after.key.thumbprint != before.key.thumbprint
    assert after.standing == before.standing
    assert await place.let_in(guest)
    report = await problem(place.house, "the CAs or CRLs cannot be used")
    assert (report["degraded"]["trust"]["ok"], report["degraded"]["trust"]["seconds_left"]) == (False, 0.0)
    assert await metric(place, "trust") == 0.0


async def test_what_is_right_in_a_file_counts_beside_what_is_wrong(place: Place, tmp_path: Path) -> None:
    """A list that revokes somebody, in a file with a stranger's and without the root's."""
    estate, now = place.estate, datetime.now().astimezone()
    thief, honest = estate.caller(place.fukuoka), estate.caller(place.kitakyushu)
    serial = load_certificate(place.fukuoka.certificate).serial_number
    revoking = make_crl(estate.issuing, {serial: now}, now - DAY, now + DAY, 50)
    write_crl(estate.folder / "ca.crl", Estate(tmp_path / "rogue").newest_crl(), revoking)
    with capture_logs() as events:
        place.look()
    (event,) = of(events, "credentials_unusable")
    assert "no CA of the bundle signed" in event["fault"]
    assert "holds no CRL of CN=root 1" in event["fault"]
    assert not await place.let_in(thief)
    assert await place.let_in(honest, KITAKYUSHU)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop looks often; else it is as it is."""
    monkeypatch.setattr(trust, "LOOK_EVERY_S", 0.05)


def test_the_loop_looks_often_enough_for_a_minute() -> None:
    assert trust.LOOK_EVERY_S <= 30


@pytest.mark.usefixtures("quick")
async def test_nobody_has_to_be_told_of_a_new_list(place: Place) -> None:
    async with place.line(place.fukuoka) as revoked:
        assert await answered(revoked)
        place.estate.revoke(place.fukuoka)
        await until(lambda: lost(revoked))
    assert not await place.let_in(place.fukuoka)


@pytest.mark.usefixtures("quick")
async def test_a_list_that_begins_later_counts_when_its_time_has_come(place: Place) -> None:
    """Until then the one from before counts on: by a list of the future everybody would be shut out."""
    estate, lists = place.estate, place.estate.folder / "ca.crl"
    first, others = estate.newest_crl(), [crl for crl in load_crls(lists) if crl != estate.newest_crl()]
    serial = load_certificate(place.fukuoka.certificate).serial_number

    def publish(ahead: timedelta) -> None:
        begins = datetime.now(UTC) + ahead
        number = age(estate.newest_crl())[0] + 1
        revoking = make_crl(estate.issuing, {serial: begins}, begins, begins + DAY, number)
        write_crl(lists, *others, revoking)

    # The callers' own view of the lists is from before.
    thief, honest = estate.caller(place.fukuoka), estate.caller(place.kitakyushu)
    async with place.line(thief) as revoked:
        publish(DAY)
        report = await problem(place.house, "later than now")
        assert any(f"number {age(first)[0]} counts on" in text for text in report["problems"])
        assert await answered(revoked)
        assert await place.let_in(thief)
        publish(timedelta(seconds=1))
        await until(lambda: lost(revoked))
    assert not await place.let_in(thief)
    assert await place.let_in(honest, KITAKYUSHU)
    assert (await report_of(place.house))["credentials"] == []


@pytest.mark.usefixtures("quick")
async def test_a_database_that_stands_still_holds_up_no_revocation(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each list counts before it is kept, and the next while this one cannot be kept."""
    monkeypatch.setattr(crls, "PATIENCE_S", 0.05)
    with capture_logs() as events:
        async with session(place.house.dsn) as owner, owner.transaction():
            await owner.execute("LOCK TABLE kept_crl")
            async with place.line(place.fukuoka) as line:
                place.estate.revoke(place.fukuoka)
                await until(lambda: lost(line))
            async with place.line(place.kitakyushu, KITAKYUSHU) as other_line:
                place.estate.revoke(place.fukuoka, place.kitakyushu)
                await until(lambda: lost(other_line))
    assert of(events, "crls_not_kept")
    newest = {age(crl)[0] for crl in load_crls(place.estate.folder / "ca.crl")}

    async def remembered() -> bool:
        return await kept(place) == newest

    await until(remembered)


ANOTHER_KEEPS = """
INSERT INTO kept_crl (login, authority, number, issued_at, list)
SELECT 'another', authority, 1e15, issued_at, list FROM kept_crl
"""


@asynccontextmanager
async def restarted(place: Place) -> AsyncIterator[None]:
    """The same server, started anew after it was stopped."""
    daemon = Daemon(place.house.config)
    await daemon.start()
    place.house = replace(place.house, daemon=daemon)
    try:
        yield
    finally:
        await daemon.stop()


async def kept(place: Place) -> set[int]:
    """The numbers of the lists that the database keeps."""
    return {row["number"] for row in await place.house.rows("SELECT number::bigint FROM kept_crl")}


@pytest.mark.usefixtures("quick")
async def test_an_older_list_lets_nobody_in_after_a_restart(place: Place) -> None:
    estate, lists = place.estate, place.estate.folder / "ca.crl"
    before = load_crls(lists)
    estate.revoke(place.fukuoka)
    newest = {age(crl)[0] for crl in load_crls(lists)}

    async def remembered() -> bool:
        return await kept(place) == newest

    await until(remembered)
    thief, honest = estate.caller(place.fukuoka), estate.caller(place.kitakyushu)
    await place.house.daemon.stop()
    write_crl(lists, *before)
    async with session(place.house.dsn) as owner:  # and one of the logins that keep it is in other hands
        await owner.execute(ANOTHER_KEEPS)
        await owner.execute("UPDATE kept_crl SET list = '' WHERE login = 'another'")
        await owner.execute("UPDATE kept_crl SET login = 'first' WHERE login <> 'another'")
    async with restarted(place):
        assert not await place.let_in(thief)
        assert await place.let_in(honest, KITAKYUSHU)
        report = await problem(place.house, "the CAs or CRLs cannot be used")
        assert any("holds an older CRL of CN=issuing 1" in text for text in report["problems"])
        assert newest <= await kept(place)


async def test_what_the_database_made_up_revokes_nobody(place: Place, tmp_path: Path) -> None:
    """Whoever can write the database can make it forget a list. It cannot make one: a CA signs it."""
    rogue, now = Estate(tmp_path / "rogue"), datetime.now().astimezone()
    serial = load_certificate(place.fukuoka.certificate).serial_number
    forged = make_crl(rogue.issuing, {serial: now}, now, now + DAY, 10**30).public_bytes(Encoding.DER)
    await place.house.daemon.stop()
    async with session(place.house.dsn) as owner:
        await owner.execute("UPDATE kept_crl SET list = $1, number = 1e30", forged)
        await owner.execute(
            "INSERT INTO kept_crl (authority, number, issued_at, list) VALUES ('x', 1, now(), 'x')"
        )
    with capture_logs() as events:
        async with restarted(place):
            assert await place.let_in(place.fukuoka)
            assert (await report_of(place.house))["credentials"] == []
    assert [event["authority"] for event in of(events, "kept_crl_unreadable")] == ["x"]


async def test_a_first_start_has_nothing_to_remember_and_needs_every_list(place: Place) -> None:
    await place.house.daemon.stop()
    async with session(place.house.dsn) as owner:
        await owner.execute("DELETE FROM kept_crl")
    write_crl(place.estate.folder / "ca.crl", place.estate.newest_crl())
    with pytest.raises(PkiFileError, match="holds no CRL of CN=root 1"):
        async with restarted(place):
            pass

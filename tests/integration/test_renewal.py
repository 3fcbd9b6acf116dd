"""Certificates, CAs, CRLs and pins change under a running server: no good peer notices, no bad one stays."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from conftest import HouseMaker
from jukinet_daemon.outward import Conversation
from jukinet_daemon.pki.files import load_certificate, load_crls, write_crl
from jukinet_daemon.pki.issue import make_crl
from jukinet_daemon.pki.peer import Role, thumbprint
from support.estate import DAY, Estate, replace_files, validity
from support.national import national_of, relay_of, relayed, taken
from support.place import Place, answered, lost, of, place_of
from support.wellness import problem
from support.world import FUKUOKA, KITAKYUSHU, until


@pytest.fixture
async def place(open_house: HouseMaker, tmp_path: Path) -> Place:
    return await place_of(open_house, Estate(tmp_path / "estate"))


async def test_a_revoked_peer_is_cut_and_kept_out_and_its_neighbour_is_not(place: Place) -> None:
    async with place.line(place.fukuoka) as revoked, place.line(place.kitakyushu, KITAKYUSHU) as neighbour:
        assert await answered(revoked)
        place.estate.revoke(place.fukuoka)
        with capture_logs() as events:
            place.look()
            place.look()
            await until(lambda: lost(revoked))
            assert await answered(neighbour)
            assert not await place.let_in(place.fukuoka)
    cut, *kept_out = [(event["reason"], event["peer"]) for event in of(events, "peer_refused")]
    assert cut == ("revoked", f"spiffe://jukinet.test/cs/{FUKUOKA}")
    assert set(kept_out) == {("revoked", None)}
    assert len(of(events, "credentials_loaded")) == 1


async def test_without_the_sweep_a_revoked_peer_would_stay(place: Place) -> None:
    async with place.line(place.fukuoka) as revoked:
        place.estate.revoke(place.fukuoka)
        assert place.house.daemon.trust._credentials.refresh(datetime.now().astimezone())
        assert await answered(revoked)


async def test_a_list_of_the_same_second_counts_too(place: Place) -> None:
    now = datetime.now().astimezone()
    old = place.estate.newest_crl()
    serial = load_certificate(place.fukuoka.certificate).serial_number
    authorities = (place.estate.issuing, place.estate.root)
    newer = [make_crl(ca, {serial: now}, old.last_update_utc, now + DAY, number=99) for ca in authorities]
    assert await place.let_in(place.fukuoka)
    write_crl(place.estate.folder / "ca.crl", *newer)
    place.look()
    assert not await place.let_in(place.fukuoka)


async def test_an_older_list_lets_nobody_back_in(place: Place) -> None:
    lists = place.estate.folder / "ca.crl"
    before = load_crls(lists)
    place.estate.revoke(place.fukuoka)
    place.look()
    write_crl(lists, *before)
    with capture_logs() as events:
        place.look()
    assert "holds an older CRL of CN=issuing 1" in of(events, "credentials_unusable")[0]["fault"]
    assert not await place.let_in(place.fukuoka)


async def test_a_forged_list_changes_nothing(place: Place, tmp_path: Path) -> None:
    rogue = Estate(tmp_path / "rogue")
    write_crl(place.estate.folder / "ca.crl", rogue.newest_crl())
    with capture_logs() as events:
        place.look()
    assert "no CA of the bundle signed" in of(events, "credentials_unusable")[0]["fault"]
    place.estate.publish()
    place.look()
    assert await place.let_in(place.fukuoka)


async def test_an_expired_list_refuses_everybody_until_a_newer_one_comes(place: Place) -> None:
    later = datetime.now().astimezone() + 31 * DAY
    async with place.line(place.fukuoka) as open_line:
        place.look(at=later - 2 * DAY)
        assert await answered(open_line)
        with capture_logs() as events:
            place.estate.publish(until=-timedelta(seconds=1))
            place.look()
            await until(lambda: lost(open_line))
        assert [event["reason"] for event in of(events, "peer_refused")] == ["crl-expired"]
    assert not await place.let_in(place.kitakyushu, KITAKYUSHU)
    place.estate.publish()
    place.look()
    assert await place.let_in(place.kitakyushu, KITAKYUSHU)


@pytest.mark.parametrize(("days", "warned"), [(6.9, True), (7.1, False)])
async def test_health_warns_a_week_before_a_list_or_certificate_ends(
    place: Place, days: float, warned: bool
) -> None:
    place.estate.publish(until=days * DAY)
    replace_files(place.server, place.estate.peer(Role.PREF, "juki", validity(days)))
    place.look()
    async with aiohttp.ClientSession() as session, session.get(f"{place.house.health_url}/healthz") as answer:
        problems = [line for line in (await answer.json())["problems"] if "expires soon" in line]
    assert [line.split(":")[0] for line in problems] == (["certificate", "crl"] if warned else [])


async def test_a_peer_whose_certificate_ends_is_cut(place: Place) -> None:
    brief = place.estate.peer(Role.CS, KITAKYUSHU, validity(2))
    async with place.line(place.fukuoka) as longer, place.line(brief, KITAKYUSHU) as shorter:
        assert await answered(shorter)
        with capture_logs() as events:
            place.look(at=datetime.now().astimezone() + 3 * DAY)
            await until(lambda: lost(shorter))
        assert await answered(longer)
    assert [event["reason"] for event in of(events, "peer_refused")] == ["expired"]


async def test_our_renewed_certificate_counts_at_once_and_open_lines_keep_the_old(place: Place) -> None:
    old = thumbprint(load_certificate(place.server.certificate))
    async with place.line(place.fukuoka) as before:
        assert await answered(before)
        replace_files(place.server, place.estate.peer(Role.PREF, "juki"))
        place.look()
        new = thumbprint(load_certificate(place.server.certificate))
        async with place.line(place.kitakyushu, KITAKYUSHU) as after:
            # A line verifies replies by the certificate that it was shown: both keys sign, each for its own.
            assert await answered(before)
            assert await answered(after)
            assert [shown(before.conversation), shown(after.conversation)] == [old, new]


def shown(conversation: Conversation) -> str:
    return thumbprint(conversation.certificate)


async def test_a_line_does_not_outlive_the_certificate_it_was_shown(place: Place) -> None:
    replace_files(place.server, place.estate.peer(Role.PREF, "juki", validity(2)))
    place.look()
    async with place.line(place.fukuoka) as before:
        assert await answered(before)
        replace_files(place.server, place.estate.peer(Role.PREF, "juki", validity(20)))
        place.look()
        assert await answered(before)
        with capture_logs() as events:
            place.look(at=datetime.now().astimezone() + 3 * DAY)
            await until(lambda: lost(before))
        assert of(events, "peer_refused") == []
    assert await place.let_in(place.fukuoka)


def _only_the_certificate(place: Place) -> None:
    place.estate.peer(Role.PREF, "juki").certificate.replace(place.server.certificate)


def _another_identity(place: Place) -> None:
    replace_files(place.server, place.estate.peer(Role.PREF, "fuhyo"))


def _not_yet_valid(place: Place) -> None:
    replace_files(place.server, place.estate.peer(Role.PREF, "juki", validity(20, ago=-DAY)))


def _cut_off(place: Place) -> None:
    place.server.certificate.write_bytes(place.server.certificate.read_bytes()[:100])


def _gone(place: Place) -> None:
    place.server.key.unlink()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_only_the_certificate, "is not the key"),
        (_another_identity, "is of spiffe://jukinet.test/pref/fuhyo"),
        (_not_yet_valid, "is not valid now"),
        (_cut_off, "must hold|unreadable"),
        (_gone, "No such file"),
    ],
)
async def test_files_that_do_not_fit_change_nothing(
    place: Place, spoil: Callable[[Place], None], word: str
) -> None:
    spoil(place)
    with capture_logs() as events:
        place.look()
    (event,) = of(events, "credentials_unusable")
    assert any(part in event["fault"] for part in word.split("|"))
    assert await place.let_in(place.fukuoka)


async def test_a_ca_rolls_over_without_a_gap(place: Place) -> None:
    estate = place.estate
    async with AsyncExitStack() as stack:
        old_line = await stack.enter_async_context(place.line(place.fukuoka))
        # Both roots are trusted, and each issuing CA has its list.
        estate.roll_root()
        estate.trust_all()
        estate.publish()
        place.look()
        assert await answered(old_line)
        assert await place.let_in(place.kitakyushu, KITAKYUSHU)
        # The server, then one municipality, get certificates of the new CA.
        replace_files(place.server, estate.peer(Role.PREF, "juki"))
        place.look()
        renewed = estate.peer(Role.CS, KITAKYUSHU)
        assert await answered(old_line)
        assert await place.let_in(place.fukuoka)
        assert await place.let_in(renewed, KITAKYUSHU)
        new_line = await stack.enter_async_context(place.line(renewed, KITAKYUSHU))
        # The old root goes, and with it whoever has not changed.
        del estate.authorities[:2]
        estate.publish()
        estate.trust_all()
        with capture_logs() as events:
            place.look()
            await until(lambda: lost(old_line))
            assert await answered(new_line)
            assert not await place.let_in(place.fukuoka)
        assert of(events, "peer_refused")[0]["reason"] == "unknown-ca"
        assert await place.let_in(estate.peer(Role.CS, FUKUOKA))


async def test_an_issuing_ca_is_revoked_by_its_root_and_no_file_brings_it_back(place: Place) -> None:
    estate, now = place.estate, datetime.now().astimezone()
    second = estate.issuing_beside()
    replace_files(place.server, second.peer(Role.PREF, "juki"))
    survivor = second.peer(Role.CS, KITAKYUSHU)
    estate.trust_all()
    estate.publish()
    place.look()
    lists = [make_crl(ca, {}, now - DAY, now + DAY, 50) for ca in (estate.issuing, second.issuing)]
    async with place.line(place.fukuoka) as line:
        assert await answered(line)
        serial = estate.issuing.certificate.serial_number
        root_list = make_crl(estate.root, {serial: now}, now - DAY, now + DAY, 50)
        write_crl(estate.folder / "ca.crl", *lists, root_list)
        place.look()
        await until(lambda: lost(line))
    assert not await place.let_in(place.fukuoka)
    assert await place.let_in(survivor, KITAKYUSHU)
    # A file without the root's list. It is of no use to a CS either: theirs was whole when they began.
    thief, honest = estate.caller(place.fukuoka), estate.caller(survivor)
    write_crl(estate.folder / "ca.crl", *lists)
    with capture_logs() as events:
        place.look()
        place.look()
    (event,) = of(events, "credentials_unusable")
    assert "holds no CRL of CN=root 1: number 50 counts on" in event["fault"]
    assert not await place.let_in(thief)
    assert await place.let_in(honest, KITAKYUSHU)
    await problem(place.house, "the CAs or CRLs cannot be used")


async def test_a_revoked_national_server_is_cut_and_told_nothing_more(place: Place, tmp_path: Path) -> None:
    estate, journal = place.estate, tmp_path / "national.ndjson"
    files = estate.peer(Role.NATIONAL, "juki")
    async with national_of(files, journal) as url, relay_of(place.house, url=url) as relay:
        assert await place.let_in(place.fukuoka)
        await until(lambda: relayed(place.house))
        told = taken(journal)
        estate.revoke(files)
        with capture_logs() as events:
            relay.trust.look()
            assert await place.let_in(place.kitakyushu, KITAKYUSHU)

            async def refused_twice() -> bool:
                return len(of(events, "peer_refused")) >= 2

            await until(refused_twice)
        assert {(e["door"], e["reason"]) for e in of(events, "peer_refused")} == {("national", "revoked")}
        assert taken(journal) == told
        assert not await relayed(place.house)
    renewed = estate.peer(Role.NATIONAL, "juki")
    async with national_of(renewed, journal) as url, relay_of(place.house, url=url):
        await until(lambda: relayed(place.house))
    assert len(taken(journal)) == 2


async def test_the_relay_calls_anew_with_our_renewed_certificate(place: Place, tmp_path: Path) -> None:
    journal = tmp_path / "national.ndjson"
    files = place.estate.peer(Role.NATIONAL, "juki")
    async with national_of(files, journal) as url, relay_of(place.house, url=url) as relay:
        assert await place.let_in(place.fukuoka)
        await until(lambda: relayed(place.house))
        with capture_logs() as events:
            replace_files(place.server, place.estate.peer(Role.PREF, "juki"))
            relay.trust.look()
            place.look()
            assert await place.let_in(place.fukuoka)
            await until(lambda: relayed(place.house))
    assert len(of(events, "relay_connected")) == 1
    assert len(taken(journal)) == 2


async def test_a_pin_rolls_over_without_a_gap(place: Place, tmp_path: Path) -> None:
    journal = tmp_path / "national.ndjson"
    first, second = (place.estate.peer(Role.NATIONAL, "juki") for _ in range(2))
    pins = tuple(thumbprint(load_certificate(files.certificate)) for files in (first, second))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(national_of(first, journal))
        async with relay_of(place.house, url=url, pins=pins):
            assert await place.let_in(place.fukuoka)
            await until(lambda: relayed(place.house))
            await stack.aclose()
            address = url.removeprefix("wss://").split("/")[0]
            await stack.enter_async_context(national_of(second, journal, address))
            assert await place.let_in(place.fukuoka)
            await until(lambda: relayed(place.house))
        async with relay_of(place.house, url=url, pins=pins[1:]):
            assert await place.let_in(place.fukuoka)
            await until(lambda: relayed(place.house))
        assert len(taken(journal)) == 3
        with capture_logs() as events:
            async with relay_of(place.house, url=url, pins=pins[:1]):

                async def turned_away() -> bool:
                    return bool(of(events, "peer_refused"))

                await until(turned_away)
        assert of(events, "peer_refused")[0]["reason"] == "not-pinned"

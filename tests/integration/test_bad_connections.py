"""Peers that may not come in, and bytes that are no conversation: closed, logged once, nobody else harmed."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import HouseMaker
from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.files import write_issued
from jukinet_daemon.pki.issue import Validity, issue
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.pki.tls import TlsFiles, client_context
from support.notices import juki_change
from support.raw import TEXT, RawLine, cs_context, frame, garbage, raw_line
from support.watch import Watch, secrets_of, versions, watching
from support.world import FUKUOKA, TRUST_DOMAIN, House, Pki, until

SECRET = "福岡県福岡市博多区"
PLAIN_GET = "GET {} HTTP/1.1\r\nHost: prefecture\r\n\r\n"


async def all_well(house: House) -> None:
    """A new line is taken, and nothing but its own notice is in the file."""
    notice = juki_change()
    async with house.line() as line:
        (answer,) = await line.tell(notice)
    assert answer.outcome == "ACCEPTED"
    assert await versions(house) == [notice["id"]]


def _outsider(pki: Pki, folder: Path) -> TlsFiles:
    """A municipality of another prefecture (佐賀市), certified by the same CA."""
    now = datetime.now(UTC)
    issued = issue(
        pki.authority,
        PeerIdentity(TRUST_DOMAIN, Role.CS, "412015"),
        Validity(now - timedelta(minutes=5), now + timedelta(days=1)),
    )
    write_issued(folder, "outsider", issued, pki.authority.chain)
    sound = pki.files(Role.CS, "401307")
    return TlsFiles(folder / "outsider.pem", folder / "outsider.key", sound.ca, sound.crl)


@pytest.mark.parametrize(
    ("role", "name"), [(Role.PREF, "juki"), (Role.PREF, "fuhyo"), (Role.OPERATOR, "demo")]
)
async def test_wrong_role(
    open_house: HouseMaker, caplog: pytest.LogCaptureFixture, role: Role, name: str
) -> None:
    house = await open_house("juki", national=False)
    with watching(caplog) as watch:
        with pytest.raises(PeerFault):
            async with call(house.notices_url, house.pki.caller(role, name, "juki")):
                pass
        logged = await watch.one()
    assert (logged["event"], logged["reason"]) == ("peer_refused", "wrong-role")
    assert logged["peer"] == f"spiffe://{TRUST_DOMAIN}/{role}/{name}"
    await all_well(house)


async def test_national_server_only_answers_calls(
    open_house: HouseMaker, caplog: pytest.LogCaptureFixture
) -> None:
    """Its certificate is no client's, and TLS says so before the door does."""
    house = await open_house("juki", national=False)
    with watching(caplog) as watch:
        async with raw_line(house, client_context(house.pki.files(Role.NATIONAL, "juki"))) as raw:
            with pytest.raises(ssl.SSLError, match="ALERT_UNSUPPORTED_CERTIFICATE"):
                await raw.ask(PLAIN_GET.format("/notices"))
        logged = await watch.one()
    assert (logged["event"], logged["reason"]) == ("peer_refused", "wrong-purpose")
    await all_well(house)


async def test_municipality_of_another_prefecture(
    open_house: HouseMaker, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    house = await open_house("juki", national=False)
    caller = house.pki.caller(Role.CS, "412015", "juki", _outsider(house.pki, tmp_path))
    with watching(caplog) as watch:
        with pytest.raises(PeerFault):
            async with call(house.notices_url, caller):
                pass
        logged = await watch.one()
    assert (logged["reason"], logged["peer"]) == ("wrong-name", f"spiffe://{TRUST_DOMAIN}/cs/412015")
    await all_well(house)


async def test_who_may_not_come_in_learns_nothing_of_the_paths(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    context = client_context(house.pki.files(Role.OPERATOR, "demo"))
    for path in ("/notices", "/elsewhere"):
        async with raw_line(house, context) as raw:
            assert b" 403 " in await raw.ask(PLAIN_GET.format(path))


async def test_no_client_certificate(open_house: HouseMaker, caplog: pytest.LogCaptureFixture) -> None:
    house = await open_house("juki", national=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(house.pki.files(Role.CS, "401307").ca)
    with watching(caplog) as watch:
        async with raw_line(house, context) as raw:
            assert await raw.gone()
        logged = await watch.one()
    assert (logged["event"], logged["reason"]) == ("peer_refused", "no-certificate")
    await all_well(house)


async def test_garbage_below_tls_after_the_handshake(
    open_house: HouseMaker, caplog: pytest.LogCaptureFixture
) -> None:
    house = await open_house("juki", national=False)
    async with raw_line(house, cs_context(house)) as raw:
        # In TLS 1.3 a client is done before the server is: an answer shows that the server is done too.
        await raw.upgrade()
        with watching(caplog) as watch:
            _below_tls(raw, garbage(4096))
            assert await raw.gone()
            logged = await until(lambda: _both_told(watch))
    assert [(event["event"], event.get("stage")) for event in logged] == [
        ("tls_broke", "reading"),
        ("line_broke", None),
    ]
    broke = logged[0]
    named = (broke["door"], broke["address"], broke["peer"])
    assert named == ("notices", "127.0.0.1", f"spiffe://{TRUST_DOMAIN}/cs/{FUKUOKA}")
    await all_well(house)


async def test_cut_in_the_middle_of_a_frame(open_house: HouseMaker, caplog: pytest.LogCaptureFixture) -> None:
    house = await open_house("juki", national=False)
    bad = juki_change()
    async with house.line() as sane:
        whole = frame(TEXT, sane.parcel(bad).encode())
        with watching(caplog) as watch:
            async with raw_line(house, cs_context(house)) as raw:
                await raw.upgrade()
                raw.writer.write(whole[: len(whole) // 2])
                await raw.writer.drain()
            assert (await watch.one())["event"] == "line_broke"
    assert watch.says_nothing_of(secrets_of(bad))
    await all_well(house)


async def test_cut_in_the_middle_of_a_tls_record(
    open_house: HouseMaker, caplog: pytest.LogCaptureFixture
) -> None:
    house = await open_house("juki", national=False)
    with watching(caplog) as watch:
        async with raw_line(house, cs_context(house)) as raw:
            await raw.upgrade()
            _below_tls(raw, b"\x17\x03\x03\x10\x00" + bytes(100))
        assert (await watch.one())["event"] == "line_broke"
    await all_well(house)


async def _both_told(watch: Watch) -> list[Any]:
    """What the TLS and the conversation have to say, once both have said it."""
    return watch.events if len(watch.events) > 1 else []


def _below_tls(raw: RawLine, data: bytes) -> None:
    """Writes past our own TLS straight into the connection."""
    raw.writer.transport._ssl_protocol._transport.write(data)  # type: ignore[attr-defined]

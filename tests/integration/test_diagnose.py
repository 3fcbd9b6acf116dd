"""Why a peer cannot connect, in words, from the server's end and from the peer's."""

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from conftest import HouseMaker
from jukinet_daemon.cli import as_client
from jukinet_daemon.cli.as_client import Finding
from jukinet_daemon.cli.diagnose import findings_in
from jukinet_daemon.cli.jukinetctl import main
from jukinet_daemon.cli.remedies import REMEDIES
from jukinet_daemon.daemon import frame as frame_module
from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.pki.tls import TlsFiles, server_context
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.service.clock import Clock
from support.bridge import Bridged, emigrate
from support.estate import DAY, Estate, validity
from support.national import national_of, relay_of
from support.notices import juki_change
from support.store import session
from support.world import FUKUOKA, KITAKYUSHU, TRUST_DOMAIN, House, until

SERVER = f"spiffe://{TRUST_DOMAIN}/pref/juki"


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(tmp_path / "estate")


async def open_on(estate: Estate, open_house: HouseMaker) -> House:
    own = estate.peer(Role.PREF, "juki")
    tls = {"certificate": own.certificate, "key": own.key, "ca": own.ca, "crl": own.crl}
    house: House = await open_house("juki", national=False, tls=tls)
    return house


async def seen_by_server(house: House, peer: str | None) -> list[Finding]:
    return findings_in(await house.daemon._frame.status.look(), peer, read_areas())


async def seen_by_client(
    url: str, files: TlsFiles, capsys: pytest.CaptureFixture[str], server: str = SERVER
) -> list[dict[str, Any]]:
    own = ("--certificate", files.certificate, "--key", files.key, "--ca", files.ca, "--crl", files.crl)
    options = ["diagnose", "--as-client", "--url", url, "--server", server, *map(str, own), "--json"]
    capsys.readouterr()
    status = await asyncio.to_thread(main, options)
    # The server logs to the same output in these tests.
    output = capsys.readouterr().out
    told: list[dict[str, Any]]
    told, _end = json.JSONDecoder().raw_decode(output, output.index("[\n {"))
    assert status == (0 if all(step["ok"] for step in told) else 2)
    return told


async def test_all_is_well(
    estate: Estate, open_house: HouseMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    house, files = await open_on(estate, open_house), estate.peer(Role.CS, FUKUOKA)
    told = await seen_by_client(house.notices_url, files, capsys)
    assert [step["ok"] for step in told] == [True] * 6
    assert "101" in told[-2]["text"]
    async with call(house.notices_url, estate.caller(files)):
        found = await seen_by_server(house, FUKUOKA)
    assert all(finding.ok for finding in found)
    assert any(
        finding.text == f"spiffe://{TRUST_DOMAIN}/cs/{FUKUOKA} 127.0.0.1 (notices)" for finding in found
    )


async def test_a_revoked_peer_from_both_ends(
    estate: Estate, open_house: HouseMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house, files = await open_on(estate, open_house), estate.peer(Role.CS, FUKUOKA)
    caller = estate.caller(files)
    list_of_before = tmp_path / "before.crl"
    list_of_before.write_bytes(files.crl.read_bytes())
    estate.revoke(files)
    house.daemon.trust.look()
    with pytest.raises(PeerFault, match="refuses us in the handshake: certificate_revoked"):
        async with call(house.notices_url, caller):
            pass
    away, why = [finding for finding in await seen_by_server(house, FUKUOKA) if not finding.ok]
    assert "is not connected now" in away.text
    # A handshake that fails names nobody.
    assert "この相手とは限らない" in why.text
    assert Refusal.REVOKED in why.text
    assert REMEDIES[Refusal.REVOKED] in why.text
    (only,) = await seen_by_client(house.notices_url, files, capsys)
    assert "revoked" in only["text"]
    # A peer that has no newer list yet is told by the server.
    *_, last = await seen_by_client(house.notices_url, replace(files, crl=list_of_before), capsys)
    assert "(certificate_revoked)" in last["text"]


async def test_a_peer_at_the_wrong_door_is_named(
    estate: Estate, open_house: HouseMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    house, files = await open_on(estate, open_house), estate.peer(Role.OPERATOR, "somebody")
    told = await seen_by_client(house.notices_url, files, capsys)
    assert "403" in told[-2]["text"]
    away, why = [finding for finding in await seen_by_server(house, "somebody") if not finding.ok]
    assert "is not connected now" in away.text
    assert "wrong-role" in why.text


async def test_the_national_server_is_called_by_us_and_the_advice_says_so(
    estate: Estate, open_house: HouseMaker, tmp_path: Path
) -> None:
    house = await open_on(estate, open_house)
    wrong = estate.peer(Role.NATIONAL, "fuhyo")
    async with national_of(wrong, tmp_path / "journal") as url, relay_of(house, url=url):

        async def told() -> Any:
            report = await house.daemon._frame.status.look()
            return report if (report.get("relay") or {}).get("fault") else None

        report = await until(told)
    for peer in ("national", f"spiffe://{TRUST_DOMAIN}/national/juki"):
        found = {finding.step: finding for finding in findings_in(report, peer, read_areas())}
        line = found["全国サーバとの回線 / line to the national server"]
        assert not line.ok
        assert "wrong-name" in line.text
        assert "we call it" in line.text
        assert "IPAddressAllow" not in line.text  # it was reached
        assert any("wrong-name" in text.text for step, text in found.items() if "refused" in step)
        assert not any("is not connected" in finding.text for finding in found.values())


async def test_a_clock_that_is_wrong_is_told_beside_each_other_clock(
    open_house: HouseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = datetime.now

    def late_clock(zone: str) -> Clock:
        return lambda: right(ZoneInfo(zone)) - timedelta(minutes=3)

    # This machine's clock is slow; the database's and the national server's are not.
    monkeypatch.setattr(frame_module, "clock_of", late_clock)
    house = await open_house("juki")
    async with house.line() as line:
        await line.tell(juki_change())

    async def wrong(clocks: int) -> bool:
        found = await seen_by_server(house, None)
        return len([each for each in found if "clock" in each.step and not each.ok]) == clocks

    await until(lambda: wrong(2))
    pulse = house.daemon._frame.pulse
    assert pulse is not None
    pulse.clock = lambda: right(UTC)  # somebody sets it right: that is a step
    await until(lambda: wrong(3))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that answers nothing: its queue is full, and what knocks is let drop."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            knocking = stack.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(server.getsockname())
        yield server.getsockname()[1]


async def test_a_silent_port_and_one_that_does_not_shake_hands(
    estate: Estate,
    silent_port: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(as_client, "PATIENCE_S", 2.0)
    files = estate.peer(Role.CS, FUKUOKA)
    told = await seen_by_client(f"wss://127.0.0.1:{silent_port}/notices", files, capsys)
    assert [(step["step"], "silent" in step["text"]) for step in told if not step["ok"]] == [
        ("ポート / port", True)
    ]
    with socket.create_server(("127.0.0.1", 0)) as mute:
        told = await seen_by_client(f"wss://127.0.0.1:{mute.getsockname()[1]}/notices", files, capsys)
    assert [(step["step"], "does not end" in step["text"]) for step in told if not step["ok"]] == [
        ("TLS", True)
    ]


async def test_a_server_whose_clock_is_wrong_is_seen_by_its_peer(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\nDate: {ahead}\r\n\r\n".encode())
        await writer.drain()

    context = server_context(estate.peer(Role.PREF, "juki"))
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}/notices"
        told = await seen_by_client(url, estate.peer(Role.CS, FUKUOKA), capsys)
    assert [step["step"] for step in told if not step["ok"]] == ["時計 / clock"]


async def test_a_peer_that_never_came_is_told_so(estate: Estate, open_house: HouseMaker) -> None:
    house = await open_on(estate, open_house)
    bad = [finding for finding in await seen_by_server(house, KITAKYUSHU) if not finding.ok]
    assert ["is not connected" in finding.text for finding in bad] == [True]
    assert "IPAddressAllow=" in bad[0].text


async def test_maintenance_is_told_before_everything_else(open_house: HouseMaker, tmp_path: Path) -> None:
    house = await open_house("juki", national=False)
    until_then = datetime.now(UTC) + timedelta(hours=1)
    async with session(house.dsn) as owner:
        await owner.execute(
            "INSERT INTO maintenance (until, reason, operator) VALUES ($1, '機器交換', 'somebody')",
            until_then,
        )
    first, *_, last = [finding for finding in await seen_by_server(house, KITAKYUSHU) if not finding.ok]
    assert first.step == "保守中 / under maintenance"
    assert "機器交換" in first.text
    assert "is not connected now" in last.text
    assert "maintenance ends" in last.text
    assert "IPAddressAllow" not in last.text


async def test_who_showed_no_certificate_is_taken_for_nobody(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    bare = ssl.create_default_context()
    bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
    host, _, port = house.daemon.addresses["notices"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=bare)
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    away, anybody = [finding for finding in await seen_by_server(house, KITAKYUSHU) if not finding.ok]
    assert "is not connected now" in away.text
    assert "IPAddressAllow" in away.text
    assert Refusal.NO_CERTIFICATE in anybody.text
    assert "この相手とは限らない" in anybody.text


@pytest.mark.parametrize(
    ("code", "told"), [("999999", "送信者の一覧にない"), ("401315", "区は送信しない。市 401307 が送る")]
)
async def test_who_never_sends_is_told_so(open_house: HouseMaker, code: str, told: str) -> None:
    house = await open_house("juki", national=False)
    for peer in (code, f"spiffe://{TRUST_DOMAIN}/cs/{code}"):
        (only,) = [finding for finding in await seen_by_server(house, peer) if not finding.ok]
        assert told in only.text
        assert "IPAddressAllow" not in only.text


async def test_a_national_server_that_is_not_reached_may_be_on_no_list(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    async with relay_of(house, url="wss://127.0.0.1:1/records"):

        async def told() -> Any:
            report = await house.daemon._frame.status.look()
            return report if (report.get("relay") or {}).get("fault") else None

        report = await until(told)
    found = {finding.step: finding for finding in findings_in(report, "national", read_areas())}
    line = found["全国サーバとの回線 / line to the national server"]
    assert line.text.startswith("cannot be reached")
    assert "IPAddressAllow=" in line.text


async def test_the_bridge_is_told_of_by_its_questions(bridge_world: Bridged) -> None:
    other = f"spiffe://{TRUST_DOMAIN}/pref/juki"
    (person,) = await emigrate(bridge_world)
    for peer in (other, "juki"):
        found = await seen_by_server(bridge_world.fuhyo, peer)
        assert [finding.text for finding in found if not finding.ok] == []
        assert any("connects for a question" in finding.text for finding in found)
    # Only the other end of the bridge: nobody else may be away, and not ourselves.
    for peer in (KITAKYUSHU, "fuhyo"):
        bad = [finding.text for finding in await seen_by_server(bridge_world.fuhyo, peer) if not finding.ok]
        assert ["is not connected" in text for text in bad] == [True]
    await bridge_world.numbers(person["resident_code"])
    doors = {f.step: f.text for f in await seen_by_server(bridge_world.juki, None)}
    assert doors["戸口 / door bridge"].endswith(" 問い合わせ 1 件")
    assert doors["戸口 / door notices"].endswith(" 接続 0")


async def test_a_question_without_an_answer_is_told_of(bridge_world: Bridged) -> None:
    (person,) = await emigrate(bridge_world)
    await bridge_world.juki.daemon.stop()
    case = (await bridge_world.open_case())["case"]
    await bridge_world.ask(case, person["resident_code"])
    bad = [finding for finding in await seen_by_server(bridge_world.fuhyo, "juki") if not finding.ok]
    assert [finding.step for finding in bad] == ["橋の相手への問い合わせ / questions to the other server"]
    assert "cannot be asked" in bad[0].text
    assert "[bridge] peer" in bad[0].text
    assert "IPAddressAllow=" in bad[0].text


async def test_the_other_server_goes_the_way_of_a_question(
    bridge_world: Bridged, capsys: pytest.CaptureFixture[str]
) -> None:
    door, files = bridge_world.door("juki"), bridge_world.pki.files(Role.PREF, "fuhyo")
    told = await seen_by_client(door, files, capsys)
    assert all(step["ok"] for step in told)
    assert [step["text"] for step in told if step["step"].startswith("入室")] == [
        "HTTP 405: 入れる。この戸口は問い合わせ (POST) だけを受ける / admitted: a door for questions"
    ]
    # Who is not the other server never gets so far as to be told what the door takes.
    told = await seen_by_client(door, bridge_world.pki.files(Role.CS, FUKUOKA), capsys)
    assert ["HTTP 403" in step["text"] for step in told if not step["ok"]] == [True]
    told = await seen_by_client(door.replace("https", "wss"), files, capsys)
    assert ["HTTP 405" in step["text"] for step in told if not step["ok"]] == [True]


@pytest.mark.parametrize(
    ("url", "server", "step", "word"),
    [
        ("wss://nobody.invalid:1/notices", SERVER, "名前", "cannot be resolved"),
        ("wss://127.0.0.1:1/notices", SERVER, "ポート", "is the server up"),
        ("http://127.0.0.1/", SERVER, "URL", "not of this form"),
        ("{}", f"spiffe://{TRUST_DOMAIN}/pref/fuhyo", "身元", "wrong-name"),
        ("{}/elsewhere", SERVER, "入室", "404"),
    ],
)
async def test_each_step_says_where_the_way_ends(
    estate: Estate,
    open_house: HouseMaker,
    capsys: pytest.CaptureFixture[str],
    url: str,
    server: str,
    step: str,
    word: str,
) -> None:
    house, files = await open_on(estate, open_house), estate.peer(Role.CS, FUKUOKA)
    told = await seen_by_client(url.format(house.notices_url), files, capsys, server)
    bad = [item for item in told if not item["ok"]]
    assert len(bad) == 1
    assert step in bad[0]["step"]
    assert word in bad[0]["text"]


async def test_an_expired_certificate_of_our_own(
    estate: Estate, open_house: HouseMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    house = await open_on(estate, open_house)
    files = estate.peer(Role.CS, FUKUOKA, validity(-1, ago=9 * DAY))
    (only,) = await seen_by_client(house.notices_url, files, capsys)
    assert "expired" in only["text"]


def test_every_refusal_has_its_remedy() -> None:
    assert set(REMEDIES) == set(Refusal)

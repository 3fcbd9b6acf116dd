"""Why a peer cannot connect, in words, from the server's end and from the peer's."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from conftest import HouseMaker
from jukinet_daemon.cli.as_client import Finding
from jukinet_daemon.cli.diagnose import findings_in
from jukinet_daemon.cli.jukinetctl import main
from jukinet_daemon.cli.remedies import REMEDIES
from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.pki.tls import TlsFiles
from support.estate import DAY, Estate, validity
from support.world import FUKUOKA, KITAKYUSHU, TRUST_DOMAIN, House

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
    return findings_in(await house.daemon._frame.status.look(), peer)


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
    estate: Estate, open_house: HouseMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    house, files = await open_on(estate, open_house), estate.peer(Role.CS, FUKUOKA)
    caller = estate.caller(files)
    estate.revoke(files)
    house.daemon.trust.look()
    with pytest.raises(PeerFault):
        async with call(house.notices_url, caller):
            pass
    bad = [finding for finding in await seen_by_server(house, FUKUOKA) if not finding.ok]
    assert [Refusal.REVOKED in finding.text for finding in bad] == [True]
    assert REMEDIES[Refusal.REVOKED] in bad[0].text
    (only,) = await seen_by_client(house.notices_url, files, capsys)
    assert "revoked" in only["text"]


async def test_a_peer_at_the_wrong_door_is_named(
    estate: Estate, open_house: HouseMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    house, files = await open_on(estate, open_house), estate.peer(Role.OPERATOR, "somebody")
    told = await seen_by_client(house.notices_url, files, capsys)
    assert "403" in told[-2]["text"]
    bad = [finding for finding in await seen_by_server(house, "somebody") if not finding.ok]
    assert ["wrong-role" in finding.text for finding in bad] == [True]


async def test_a_peer_that_never_came_is_told_so(estate: Estate, open_house: HouseMaker) -> None:
    house = await open_on(estate, open_house)
    bad = [finding for finding in await seen_by_server(house, KITAKYUSHU) if not finding.ok]
    assert ["is not connected" in finding.text for finding in bad] == [True]


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

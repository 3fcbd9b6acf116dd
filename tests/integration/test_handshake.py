"""握手: a thread does its arithmetic, and what comes in one piece with its end is not lost."""

import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from support.bridge import Bridged
from support.raw import cs_context, everything, raw_line, upgrade_head
from support.world import FUKUOKA


async def test_a_request_in_one_piece_with_the_end_of_the_handshake_is_answered(
    bridge_world: Bridged,
) -> None:
    """As a client may send it: the rest of its handshake and what it wants, in one write."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    house = bridge_world.houses["juki"]
    tls = cs_context(house).wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    async with raw_line(house, None) as raw:
        raw.writer.write(outgoing.read())
        while True:
            came = await raw.reader.read(65536)
            assert came
            incoming.write(came)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                continue
            break
        tls.write(upgrade_head())
        raw.writer.write(outgoing.read())
        incoming.write(await raw.reader.read(65536))
        assert tls.read(65536).startswith(b"HTTP/1.1 101 ")


async def test_a_chain_of_hundreds_of_certificates_is_not_read_to_its_end(
    bridge_world: Bridged, tmp_path: Path
) -> None:
    """OpenSSL would read 100 KiB of them before it verifies the first."""
    house = bridge_world.houses["juki"]
    own = house.pki.files(Role.CS, FUKUOKA)
    chain = tmp_path / "long.pem"
    chain.write_text(own.certificate.read_text() + own.ca.read_text() * 60)
    with capture_logs() as events:
        async with raw_line(house, client_context(replace(own, certificate=chain))) as raw:
            assert await everything(raw.reader) == b""
    told = [(event["event"], event["reason"]) for event in events if event["event"] != "parcels_accepted"]
    assert told == [("tls_broke", "TOO_LONG")]


async def test_the_loop_shakes_no_hands(bridge_world: Bridged, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two milliseconds of OpenSSL each: a crowd of them must not halt those who are inside."""
    threads: set[int] = set()
    go_on = ssl.SSLObject.do_handshake

    def watched(tls: ssl.SSLObject) -> None:
        if tls.server_side:
            threads.add(threading.get_ident())
        go_on(tls)

    monkeypatch.setattr(ssl.SSLObject, "do_handshake", watched)
    house = bridge_world.houses["juki"]
    async with raw_line(house, cs_context(house)):
        pass
    assert threads
    assert threading.get_ident() not in threads

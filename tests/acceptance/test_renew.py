"""One command renews: what peers would refuse is not put in place; nobody is refused while units restart."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jukinet_daemon.outward import Caller, PeerFault, call
from jukinet_daemon.pki.files import load_certificate, write_crl
from jukinet_daemon.pki.peer import Role, thumbprint
from jukinet_daemon.pki.tls import TlsFiles
from support.activation import activated_daemon
from support.estate import DAY, Estate, validity
from support.store import session
from support.world import FUKUOKA, Pki, until

from .conftest import config_text, run
from .test_restart import Prober

# It stands for systemd: it takes down what it was asked, and the test does it.
SYSTEMCTL = '#!/bin/sh\necho "$@" >> {asked}\nexit {status}\n'


class Host:
    """An installed server: its configuration names a credential, a copy of the key from the unit's start."""

    def __init__(self, folder: Path, pki: Pki, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.asked, self.dsn = folder, folder / "asked", dsn
        self.estate = Estate(folder / "estate")
        self.server = self.estate.peer(Role.PREF, "juki")
        self.config = folder / "juki.toml"
        old = pki.files(Role.PREF, "juki")
        text = config_text("juki", pki, dsn, folder, {"notices": 1, "health": 0})
        for was, now in zip(
            (old.certificate, old.ca, old.crl),
            (self.server.certificate, self.server.ca, self.server.crl),
            strict=True,
        ):
            text = text.replace(str(was), str(now))
        self.config.write_text(text.replace(f'"{old.key}"', '"credential:tls-key"'), "utf-8")
        self.credentials = folder / "credentials"
        self.credentials.mkdir()
        (folder / "bin").mkdir()
        self.systemctl(0)
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")

    def systemctl(self, status: int) -> None:
        path = self.folder / "bin/systemctl"
        path.write_text(SYSTEMCTL.format(asked=self.asked, status=status))
        path.chmod(0o755)

    def load_credential(self) -> None:
        """What systemd does at each start of a unit."""
        (self.credentials / "tls-key").write_bytes(self.server.key.read_bytes())

    async def renew(self, new: TlsFiles) -> tuple[int, str, str]:
        files = ("--certificate", str(new.certificate), "--key", str(new.key))
        place = ("--key-file", str(self.server.key))
        return await run("jukinetctl", "renew", "--config", str(self.config), *files, *place, "--json")


async def _shown(url: str, caller: Caller) -> str | None:
    """The thumbprint of the certificate that a municipality is shown, unless the knocking crowds it out."""
    with suppress(PeerFault):
        async with call(url, caller) as conversation:
            return thumbprint(conversation.certificate)
    return None


@pytest.fixture
def host(
    tmp_path: Path, pki: Pki, new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Host:
    return Host(tmp_path, pki, new_database("juki"), monkeypatch)


async def test_nobody_is_refused_while_a_certificate_is_renewed(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = host.estate.peer(Role.PREF, "juki")
    wanted = [thumbprint(load_certificate(files.certificate)) for files in (host.server, new)]
    caller, shown = host.estate.caller(host.estate.peer(Role.CS, FUKUOKA)), []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as passed:
        url = "wss://{}:{}/notices".format(*passed.getsockname())
        prober = Prober(passed.getsockname())
        knocking = asyncio.create_task(prober.run())
        for turn in range(2):
            host.load_credential()
            monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(host.credentials))
            async with activated_daemon(host.config, tmp_path, [("notices", passed)], "notices"):
                shown.append(await until(lambda: _shown(url, caller)))
                monkeypatch.delenv("CREDENTIALS_DIRECTORY")
                if turn == 0:
                    status, output, errors = await host.renew(new)
                    assert (status, errors) == (0, "")
        knocking.cancel()
    assert shown == wanted
    assert prober.knocks["refused"] == 0
    assert prober.knocks["taken"] > 10
    units = [f"jukinet-{unit}@juki.service" for unit in ("notices", "bridge", "relay")]
    assert host.asked.read_text().splitlines() == [f"try-restart {unit}" for unit in units]
    assert json.loads(output)["restarted"] == units
    assert json.loads(output)["certificate"] == wanted[1]
    assert stat.S_IMODE(host.server.key.stat().st_mode) == 0o600


def _another_server(host: Host) -> TlsFiles:
    return host.estate.peer(Role.PREF, "fuhyo")


def _another_key(host: Host) -> TlsFiles:
    one, other = (host.estate.peer(Role.PREF, "juki") for _ in range(2))
    return TlsFiles(one.certificate, other.key, one.ca, one.crl)


def _not_yet(host: Host) -> TlsFiles:
    return host.estate.peer(Role.PREF, "juki", validity(20, ago=-DAY))


def _revoked(host: Host) -> TlsFiles:
    files = host.estate.peer(Role.PREF, "juki")
    host.estate.revoke(files)
    return files


def _strange(host: Host) -> TlsFiles:
    return Estate(host.folder / "strange").peer(Role.PREF, "juki")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (_another_server, "is of spiffe://jukinet.test/pref/fuhyo"),
        (_another_key, "is not the key of the certificate"),
        (_not_yet, "is not valid yet"),
        (_revoked, "would be refused: revoked"),
        (_strange, "would be refused: unknown-ca"),
    ],
)
async def test_what_peers_would_refuse_is_not_put_in_place(
    host: Host, made: Callable[[Host], TlsFiles], told: str
) -> None:
    before = host.server.certificate.read_bytes(), host.server.key.read_bytes()
    status, _, errors = await host.renew(made(host))
    assert (status, told in errors) == (1, True), errors
    assert (host.server.certificate.read_bytes(), host.server.key.read_bytes()) == before
    assert not host.asked.exists()


async def test_a_unit_that_does_not_come_back_is_told_and_the_others_go_on(host: Host) -> None:
    host.systemctl(1)
    status, _, errors = await host.renew(host.estate.peer(Role.PREF, "juki"))
    assert (status, "journalctl -u jukinet-notices@juki.service" in errors) == (1, True)
    # With the old key still in their memory, the units that were not restarted serve on.
    assert host.asked.read_text().splitlines() == ["try-restart jukinet-notices@juki.service"]


async def test_a_file_that_lost_a_list_is_told_and_a_start_goes_on_with_the_one_that_is_kept(
    host: Host, start_daemon: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    host.load_credential()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(host.credentials))
    text = host.config.read_text("utf-8").replace('"127.0.0.1:1"', '"127.0.0.1:0"')
    await asyncio.to_thread(host.config.write_text, text, "utf-8")
    whole = host.server.crl.read_bytes()
    write_crl(host.server.crl, host.estate.newest_crl())
    check = ("jukinetctl", "check-config", "--config", str(host.config))
    status, _, errors = await run(*check)
    assert (status, "holds no CRL of CN=root 1" in errors) == (1, True)
    # A first start has nothing to remember.
    status, _, errors = await run("jukinetd", "--config", str(host.config))
    assert (status, "holds no CRL of CN=root 1" in errors) == (os.EX_CONFIG, True)
    host.server.crl.write_bytes(whole)
    assert (await run(*check))[0] == 0

    async def remembered() -> bool:
        async with session(host.dsn) as owner:
            return bool(await owner.fetchval("SELECT count(*) FROM kept_crl") == 2)

    first = await start_daemon(host.config)
    await until(remembered)
    await first.stop()
    write_crl(host.server.crl, host.estate.newest_crl())
    second = await start_daemon(host.config)
    status, told, _ = await run("jukinetctl", "status", "--config", str(host.config), "--json")
    assert status == 2
    assert "holds no CRL of CN=root 1: number" in " ".join(json.loads(told)["problems"])
    await second.stop()

"""What each unit's process asks of the kernel is within what the units allow it to ask.

Traced are, of both registers, every service of systemd/ as its unit starts it: with its --only sections, with
the sockets that its socket units pass, with the secrets that it loads; and before these the migration of an
empty database. In that run each door, loop and window does its work: notices by mutual TLS, their relay to a
national server and its receipts, health, metrics, an operator's command, leaves sealed, a number of a person
overseas from case to delivery, an orderly end. Not traced: faults (a database that goes away, certificates
that change), commands but `migrate`, and what systemd does itself before it starts the program.
"""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from jukinet_daemon.outward import call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.bridge import OFFICES, OTHER, PASSWORD, WANTED, at_window, entry, left, pin, shown_overseas
from support.installed import install, listening
from support.traced import Site, migrated, served_units
from support.units import services, settings
from support.world import FUKUOKA, REGISTERS, CsLine, Pki, national_server, until

from .conftest import run

MISSING = [tool for tool in ("strace", "systemd-analyze") if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (make syscalls)")

# Calls without which a process cannot have done its work. All of them call PostgreSQL.
ALL = {"socket", "connect", "epoll_ctl", "recvfrom", "sendto"}
TAKES = {"accept4", "epoll_pwait"}
EXPECTED = {
    "jukinet-notices@.service": ALL | TAKES,
    "jukinet-host@.service": ALL | TAKES,
    "jukinet-bridge@.service": ALL | TAKES,
    "jukinet-relay@.service": ALL | {"epoll_pwait"},
    "jukinet-seal@.service": ALL | {"epoll_pwait"},
    "jukinet-migrate@.service": ALL,
}
SEALED = "SELECT count(*) FROM ledger_checkpoint"
RECEIPTED = "SELECT count(*) > 0 AND bool_and(receipt_id IS NOT NULL) FROM outbox"


def allowed() -> set[str]:
    """The calls that hardening.conf leaves: sets that are allowed, less sets that are taken away."""
    calls = _expanded("@default")
    for words in settings("jukinet-.service.d/hardening.conf")["Service"]["SystemCallFilter"]:
        named = set[str]().union(*(_expanded(word) for word in words.removeprefix("~").split()))
        calls = calls - named if words.startswith("~") else calls | named
    return calls


def _expanded(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(
        ("systemd-analyze", "syscall-filter", name), capture_output=True, text=True, check=True
    ).stdout
    words = [line.strip() for line in told.splitlines()[1:]]
    return set[str]().union(*(_expanded(word) for word in words if word and not word.startswith("#")))


@pytest.fixture
def empty(pg: EmbeddedPostgres) -> Iterator[dict[str, str]]:
    """An empty database for each register."""
    for register in REGISTERS:
        pg.psql("postgres", f"CREATE DATABASE traced_{register}")
    yield {register: pg.dsn(f"traced_{register}") for register in REGISTERS}
    for register in REGISTERS:
        pg.psql("postgres", f"DROP DATABASE traced_{register} WITH (FORCE)")


@pytest.fixture
async def sites(pki: Pki, empty: dict[str, str], tmp_path: Path) -> AsyncIterator[dict[str, Site]]:
    """Both registers, and a national server for each."""
    async with AsyncExitStack() as stack:
        folders = {register: tmp_path / register for register in REGISTERS}
        for folder in folders.values():
            folder.mkdir()
        ports = {register: listening(folders[register], register) for register in REGISTERS}
        for sock in (sock for opened in ports.values() for sock in opened.values()):
            stack.callback(sock.close)
        found = {}
        for register in REGISTERS:
            url = await stack.enter_async_context(national_server(register, pki, tmp_path / f"n-{register}"))
            host, port = ports[OTHER[register]]["bridge"].getsockname()
            changes = {
                "url": url,
                "peer": f"https://{host}:{port}/bridge",
                "pins": pin(pki, OTHER[register]),
            }
            installed = install(register, pki, empty[register], folders[register], **changes)
            with installed.config.open("a") as config:
                config.write(f'[rules]\noffices = "{OFFICES}"\n')
            found[register] = Site(installed, empty[register], ports[register])
        yield found


async def _tell(site: Site, pki: Pki, *notices: dict[str, object]) -> None:
    register = site.installed.register
    caller = pki.caller(Role.CS, FUKUOKA, register)
    async with call(f"wss://{site.address('notices')}/notices", caller) as conversation:
        answers = await CsLine(register, FUKUOKA, caller, conversation).tell(*notices)
    assert [answer.outcome for answer in answers] == ["ACCEPTED"] * len(notices)


async def _looked_at(site: Site) -> None:
    """What people and monitors of this host ask."""
    async with aiohttp.ClientSession() as client:
        for path in ("/healthz", "/metrics"):
            async with client.get(f"http://{site.address('health')}{path}") as answer:
                assert answer.status == 200
    assert (await run("jukinetctl", "held", "list", "--config", str(site.installed.config)))[0] == 0


async def _comes_true(site: Site, *questions: str) -> None:
    connection = await asyncpg.connect(site.dsn)
    try:
        for question in questions:
            await until(lambda question=question: connection.fetchval(question), 60)
    finally:
        await connection.close()


async def _delivered(window: Path, code: str) -> None:
    """A number of a person overseas, from case to delivery."""
    case = (await at_window(window, "POST", "/bridge/cases", WANTED))["case"]
    said = await at_window(window, "POST", f"/bridge/cases/{case}/keys", {"first": 1, "keys": [code]})
    assert said == {"outcomes": {"B100": 1}}
    assert isinstance(
        await at_window(window, "POST", f"/bridge/cases/{case}/delivery", {"password": PASSWORD}), bytes
    )


async def test_every_call_of_every_unit_is_allowed(sites: dict[str, Site], pki: Pki) -> None:
    migrations = await asyncio.gather(*(migrated(site) for site in sites.values()))
    arrival = entry()
    person, code = arrival["person"], arrival["person"]["resident_code"]
    async with served_units(sites) as served:
        await _tell(sites["juki"], pki, arrival)
        await _tell(sites["juki"], pki, left(person))
        await _tell(sites["fuhyo"], pki, shown_overseas(code))
        await _delivered(sites["fuhyo"].installed.folder / "bridge.sock", code)
        for site in sites.values():
            await _looked_at(site)
            await _comes_true(site, RECEIPTED, SEALED)
    traced = [*migrations, *served]
    assert {child.service for child in traced} == set(services()) == set(EXPECTED)
    for child in traced:
        seen = await child.seen()
        # A run that counted nothing would prove nothing.
        assert EXPECTED[child.service] - seen == set(), child.log.parent.parent.name + " " + child.service
        assert seen - allowed() == set(), child.service


def test_the_filter_takes_something_away() -> None:
    """Teeth: what a server must never ask is not allowed, and the daemon's run would be told from it."""
    forbidden = {
        "ptrace",
        "mount",
        "reboot",
        "kexec_load",
        "bpf",
        "init_module",
        "setuid",
        "chroot",
        "setrlimit",
    }
    assert not forbidden & allowed()

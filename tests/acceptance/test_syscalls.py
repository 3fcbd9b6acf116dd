"""What each unit's process asks of the kernel is within what the units allow it to ask.

Traced are, of both registers, every service of systemd/ as its unit starts it: with its --only sections, with
the sockets that its socket units pass, with the secrets that it loads; and before these the migration of an
empty database. In that run each door, loop and window does its work: notices by mutual TLS, their relay to a
national server and its receipts, health, metrics, an operator's command, leaves sealed, a number of a person
overseas from case to delivery, an orderly end. Not traced: faults (a database that goes away, certificates
that change), commands but `migrate`, and what systemd does itself before it starts the program.
"""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import aiohttp
import asyncpg
import pytest

from jukinet_daemon.outward import call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.demo.children import ReadySocket
from jukinet_daemon.sim.postgres import EmbeddedPostgres
from support.activation import ActivatedChild
from support.bridge import OFFICES, OTHER, PASSWORD, WANTED, at_window, entry, left, pin, shown_overseas
from support.installed import Installed, install, listening
from support.units import opened_by, services, settings
from support.world import FUKUOKA, REGISTERS, CsLine, Pki, national_server, until

from .conftest import run

MISSING = [tool for tool in ("strace", "systemd-analyze") if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (make syscalls)")

DOORS = [service for service in services() if opened_by(service)]
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


class _Traced(ActivatedChild):
    """A program under strace, which counts its calls and those of all its threads into `counts`."""

    def __init__(self, service: str, folder: Path, passed: Sequence[tuple[str, socket]] = ()) -> None:
        self.service, self.counts = service, folder / "syscalls"
        strace = str(shutil.which("strace"))
        # -D: the tracer stands aside, so that signals go to the program itself.
        super().__init__(service, folder, passed, (strace, "-D", "-f", "-qq", "-c", "-o", str(self.counts)))

    async def seen(self) -> set[str]:
        """The calls that were made, once the tracer has written them down."""

        async def written() -> str | None:
            text = self.counts.read_text("utf-8") if self.counts.exists() else ""
            return text if text.rstrip().endswith("total") else None

        lines = (await until(written, 60)).splitlines()
        return set(re.findall(r"^ *[0-9.]+ .* ([a-z_0-9]+)$", "\n".join(lines), re.MULTILINE)) - {"total"}


@dataclass(frozen=True)
class _Site:
    """One register: its files, its database, its open ports."""

    installed: Installed
    dsn: str
    ports: dict[str, socket]

    def address(self, name: str) -> str:
        return "{}:{}".format(*self.ports[name].getsockname())


@pytest.fixture
def empty(pg: EmbeddedPostgres) -> Iterator[dict[str, str]]:
    """An empty database for each register."""
    for register in REGISTERS:
        pg.psql("postgres", f"CREATE DATABASE traced_{register}")
    yield {register: pg.dsn(f"traced_{register}") for register in REGISTERS}
    for register in REGISTERS:
        pg.psql("postgres", f"DROP DATABASE traced_{register} WITH (FORCE)")


@pytest.fixture
async def sites(pki: Pki, empty: dict[str, str], tmp_path: Path) -> AsyncIterator[dict[str, _Site]]:
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
            found[register] = _Site(installed, empty[register], ports[register])
        yield found


async def _migrated(site: _Site) -> _Traced:
    folder = site.installed.folder / "migrate"
    folder.mkdir()
    child = _Traced("jukinet-migrate@.service", folder)
    await child.start("jukinet_daemon.cli.jukinetctl", "migrate", "--config", str(site.installed.config))
    assert await child.ended() == 0, child.log.read_text("utf-8")
    return child


async def _up(site: _Site, service: str, stack: AsyncExitStack) -> _Traced:
    """Starts a service as its unit does, until the stack ends."""
    sections, folder = opened_by(service), site.installed.folder / opened_by(service)[0]
    folder.mkdir()
    passed = [(name, site.ports[name]) for name in sections if name in site.ports]
    child, ready = _Traced(service, folder, passed), ReadySocket(folder / "notify")
    stack.push_async_callback(child.stop)
    await child.start(
        "jukinet_daemon.cli.jukinetd",
        *("--config", str(site.installed.config)),
        *(word for section in sections for word in ("--only", section)),
        environment={
            "CREDENTIALS_DIRECTORY": str(site.installed.hand_over(service, folder)),
            "NOTIFY_SOCKET": str(ready.path),
            "WATCHDOG_USEC": "500000",
        },
    )
    await ready.wait_ready(child)
    return child


@asynccontextmanager
async def _served(sites: dict[str, _Site]) -> AsyncIterator[list[_Traced]]:
    """Every service of both registers."""
    async with AsyncExitStack() as stack:
        async with asyncio.TaskGroup() as starting:
            starts = [
                starting.create_task(_up(site, service, stack))
                for site in sites.values()
                for service in DOORS
            ]
        yield [start.result() for start in starts]


async def _tell(site: _Site, pki: Pki, *notices: dict[str, object]) -> None:
    register = site.installed.register
    caller = pki.caller(Role.CS, FUKUOKA, register)
    async with call(f"wss://{site.address('notices')}/notices", caller) as conversation:
        answers = await CsLine(register, FUKUOKA, caller, conversation).tell(*notices)
    assert [answer.outcome for answer in answers] == ["ACCEPTED"] * len(notices)


async def _looked_at(site: _Site) -> None:
    """What people and monitors of this host ask."""
    async with aiohttp.ClientSession() as client:
        for path in ("/healthz", "/metrics"):
            async with client.get(f"http://{site.address('health')}{path}") as answer:
                assert answer.status == 200
    assert (await run("jukinetctl", "held", "list", "--config", str(site.installed.config)))[0] == 0


async def _comes_true(site: _Site, *questions: str) -> None:
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


async def test_every_call_of_every_unit_is_allowed(sites: dict[str, _Site], pki: Pki) -> None:
    migrated = await asyncio.gather(*(_migrated(site) for site in sites.values()))
    arrival = entry()
    person, code = arrival["person"], arrival["person"]["resident_code"]
    async with _served(sites) as served:
        await _tell(sites["juki"], pki, arrival)
        await _tell(sites["juki"], pki, left(person))
        await _tell(sites["fuhyo"], pki, shown_overseas(code))
        await _delivered(sites["fuhyo"].installed.folder / "bridge.sock", code)
        for site in sites.values():
            await _looked_at(site)
            await _comes_true(site, RECEIPTED, SEALED)
    traced = [*migrated, *served]
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

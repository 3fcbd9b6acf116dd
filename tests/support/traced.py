"""Units under strace: each service of a register as its unit starts it, and the calls that it made."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from jukinet_daemon.sim.demo.children import ReadySocket

from .activation import ActivatedChild
from .installed import Installed
from .units import opened_by, services
from .world import until

DOORS = [service for service in services() if opened_by(service)]


class Traced(ActivatedChild):
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
class Site:
    """One register: its files, its database, its open ports."""

    installed: Installed
    dsn: str
    ports: dict[str, socket]

    def address(self, name: str) -> str:
        return "{}:{}".format(*self.ports[name].getsockname())


async def migrated(site: Site) -> Traced:
    folder = site.installed.folder / "migrate"
    folder.mkdir()
    child = Traced("jukinet-migrate@.service", folder)
    await child.start("jukinet_daemon.cli.jukinetctl", "migrate", "--config", str(site.installed.config))
    assert await child.ended() == 0, child.log.read_text("utf-8")
    return child


async def _up(site: Site, service: str, stack: AsyncExitStack) -> Traced:
    """Starts a service as its unit does, until the stack ends."""
    sections, folder = opened_by(service), site.installed.folder / opened_by(service)[0]
    folder.mkdir()
    passed = [(name, site.ports[name]) for name in sections if name in site.ports]
    child, ready = Traced(service, folder, passed), ReadySocket(folder / "notify")
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
async def served_units(sites: dict[str, Site]) -> AsyncIterator[list[Traced]]:
    """Every service of both registers."""
    async with AsyncExitStack() as stack:
        async with asyncio.TaskGroup() as starting:
            starts = [
                starting.create_task(_up(site, service, stack))
                for site in sites.values()
                for service in DOORS
            ]
        yield [start.result() for start in starts]

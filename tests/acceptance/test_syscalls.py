"""What the daemon asks of the kernel in a run with every door is within what its units allow it to ask."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp
import pytest

from jukinet_daemon.outward import call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.demo.children import Child, ReadySocket
from support.notices import juki_change
from support.units import settings
from support.world import FUKUOKA, CsLine, Pki, national_server, until

from .conftest import addresses_in, config_text, run

MISSING = [tool for tool in ("strace", "systemd-analyze") if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (make syscalls)")


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


class _Traced(Child):
    """A program of ours under strace, which counts its calls and those of all its threads into `counts`."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self.counts = folder / "syscalls"

    async def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        # -D: the tracer stands aside, so that signals go to the program itself.
        command = (
            "strace",
            "-D",
            "-f",
            "-qq",
            "-c",
            "-o",
            str(self.counts),
            sys.executable,
            "-m",
            *arguments,
        )
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=log, env=os.environ | dict(environment or {})
            )

    async def seen(self) -> set[str]:
        """The calls that were made, once the tracer has written them down."""

        async def written() -> str | None:
            text = self.counts.read_text("utf-8") if self.counts.exists() else ""
            return text if text.rstrip().endswith("total") else None

        lines = (await until(written, 60)).splitlines()
        return set(re.findall(r"^ *[0-9.]+ .* ([a-z_0-9]+)$", "\n".join(lines), re.MULTILINE)) - {"total"}


async def test_every_call_is_allowed(tmp_path: Path, pki: Pki, new_database: Callable[[str], str]) -> None:
    config = tmp_path / "juki.toml"
    async with national_server("juki", pki, tmp_path / "national") as url:
        dsn = new_database("juki")
        text = config_text("juki", pki, dsn, tmp_path, {"notices": 0, "health": 0})
        await asyncio.to_thread(config.write_text, f'{text}[national]\nurl = "{url}"\n', "utf-8")
        child, ready = _Traced("jukinetd", tmp_path), ReadySocket(tmp_path / "notify")
        await child.start(
            "jukinet_daemon.cli.jukinetd",
            *("--config", str(config)),
            environment={"NOTIFY_SOCKET": str(ready.path), "WATCHDOG_USEC": "500000"},
        )
        try:
            await ready.wait_ready(child)
            addresses = addresses_in(child.log)
            caller = pki.caller(Role.CS, FUKUOKA, "juki")
            async with call(f"wss://{addresses['notices']}/notices", caller) as conversation:
                line = CsLine("juki", FUKUOKA, caller, conversation)
                await line.tell(*(juki_change() for _ in range(50)))
                await line.tell(juki_change(area="401013"))
                await line.tell(juki_change(change="correction", cause="correction_ex_officio"))
            async with aiohttp.ClientSession() as client:
                for path in ("/healthz", "/metrics"):
                    assert (await client.get(f"http://{addresses['health']}{path}")).status == 200
            assert (await run("jukinetctl", "held", "list", "--config", str(config)))[0] == 0
        finally:
            await child.stop()
    seen = await child.seen()
    # A run that counted nothing would prove nothing; and Python starts before the filter is watched at all.
    assert {"sendto", "epoll_pwait", "accept4"} & seen
    assert len(seen) > 40
    assert seen - allowed() == set()


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

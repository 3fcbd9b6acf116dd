"""Each unit's process comes up with the secrets that systemd hands to it (LoadCredential=) and no others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jukinet_daemon.sim.demo.children import Child, ReadySocket
from support.installed import install
from support.units import opened_by, services
from support.world import Pki

DOORS = [service for service in services() if opened_by(service)]


@pytest.mark.parametrize("service", DOORS)
async def test_a_unit_comes_up_with_its_secrets_alone(
    service: str, pki: Pki, tmp_path: Path, new_database: Callable[[str], str]
) -> None:
    installed = install("juki", pki, new_database("juki"), tmp_path)
    handed_over = installed.hand_over(service, tmp_path)
    child, ready = Child("jukinetd", tmp_path), ReadySocket(tmp_path / "notify")
    only = [word for section in opened_by(service) for word in ("--only", section)]
    environment = {"CREDENTIALS_DIRECTORY": str(handed_over), "NOTIFY_SOCKET": str(ready.path)}
    try:
        await child.start(
            "jukinet_daemon.cli.jukinetd",
            *("--config", str(installed.config), *only),
            environment=environment,
        )
        await ready.wait_ready(child)
    finally:
        await child.stop()

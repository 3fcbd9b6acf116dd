"""Each unit's process comes up with the secrets that systemd hands to it (LoadCredential=) and no others."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jukinet_daemon.pki.peer import Role
from jukinet_daemon.sim.demo.children import Child, ReadySocket
from support.seal import ledger_sections
from support.units import ROOT, opened_by, services, settings
from support.world import TRUST_DOMAIN, Pki, write_keyring

DOORS = [service for service in services() if opened_by(service)]


@pytest.fixture
def config(tmp_path: Path, pki: Pki, new_database: Callable[[str], str]) -> Path:
    """The configuration of an installation, with its database, certificates and addresses put in."""
    files, (public,) = pki.files(Role.PREF, "juki"), ledger_sections(tmp_path)["ledger"]["keys"]
    text = (ROOT / "packaging" / "juki.toml").read_text("utf-8")
    for pattern, value in (
        (r'(?<=^dsn = ").*?(?=")', new_database("juki")),
        (r'(?<=^trust_domain = ").*?(?=")', TRUST_DOMAIN),
        (r'(?<=^certificate = ").*?(?=")', str(files.certificate)),
        (r'(?<=^ca = ").*?(?=")', str(files.ca)),
        (r'(?<=^crl = ").*?(?=")', str(files.crl)),
        (r'(?<=^keys = \[").*?(?=")', public),
        (r'(?<=^listen = ").*?(?=")', "127.0.0.1:0"),
        (r'(?<=^socket = ")/run/jukinet(?=/)', str(tmp_path)),
    ):
        text, found = re.subn(pattern, value, text, flags=re.MULTILINE)
        assert found, pattern
    path = tmp_path / "juki.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("service", DOORS)
async def test_a_unit_comes_up_with_its_secrets_alone(
    service: str, config: Path, pki: Pki, tmp_path: Path
) -> None:
    secrets = {
        "keyring": write_keyring(tmp_path),
        "tls-key": pki.files(Role.PREF, "juki").key,
        "ledger-key": ledger_sections(tmp_path)["seal"]["key"],
    }
    handed_over = tmp_path / "credentials"
    handed_over.mkdir()
    for loaded in settings(service)["Service"]["LoadCredential"]:
        name = loaded.split(":")[0]
        shutil.copy(secrets[name], handed_over / name)
    child, ready = Child("jukinetd", tmp_path), ReadySocket(tmp_path / "notify")
    only = [word for section in opened_by(service) for word in ("--only", section)]
    environment = {"CREDENTIALS_DIRECTORY": str(handed_over), "NOTIFY_SOCKET": str(ready.path)}
    try:
        await child.start(
            "jukinet_daemon.cli.jukinetd", "--config", str(config), *only, environment=environment
        )
        await ready.wait_ready(child)
    finally:
        await child.stop()

"""An installation of one register in a folder of a test: its configuration, its secrets, its sockets."""

import re
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from jukinet_daemon.pki.peer import Role

from .bridge import pin
from .seal import ledger_sections
from .units import ROOT, settings, sockets
from .world import TRUST_DOMAIN, Pki, write_keyring


@dataclass(frozen=True)
class Installed:
    """The files of one register."""

    register: str
    folder: Path
    config: Path
    secrets: dict[str, Path]

    def hand_over(self, service: str, into: Path) -> Path:
        """The folder of the secrets that systemd hands to a service (LoadCredential=)."""
        handed_over = into / "credentials"
        handed_over.mkdir()
        for loaded in settings(service)["Service"]["LoadCredential"]:
            name = loaded.split(":")[0]
            shutil.copy(self.secrets[name], handed_over / name)
        return handed_over


def install(register: str, pki: Pki, dsn: str, folder: Path, **changes: str) -> Installed:
    """The configuration of packaging/, with this database, these certificates and addresses put in."""
    files, (public,) = pki.files(Role.PREF, register), ledger_sections(folder)["ledger"]["keys"]
    values = {
        "dsn": dsn,
        "trust_domain": TRUST_DOMAIN,
        "certificate": str(files.certificate),
        "ca": str(files.ca),
        "crl": str(files.crl),
        "keys": public,
        "pins": pin(pki, "fuhyo" if register == "juki" else "juki"),
        "listen": "127.0.0.1:0",
    } | changes
    text = (ROOT / "packaging" / f"{register}.toml").read_text("utf-8")
    for key, value in values.items():
        text, found = re.subn(rf'(?<=^{key} = )(\[?)".*?"', rf'\1"{value}"', text, flags=re.MULTILINE)
        assert found, key
    text, found = re.subn(r'(?<=^socket = ")/run/jukinet[^/]*', str(folder), text, flags=re.MULTILINE)
    assert found, "socket"
    path = folder / f"{register}.toml"
    path.write_text(text, "utf-8")
    secrets = {
        "keyring": write_keyring(folder),
        "tls-key": files.key,
        "ledger-key": ledger_sections(folder)["seal"]["key"],
    }
    return Installed(register, folder, path, secrets)


def listening(folder: Path, register: str) -> dict[str, socket.socket]:
    """What the socket units listen on, by the name they pass it under: a port of this host, or a path."""
    opened = {}
    for unit in sockets():
        told = settings(unit)["Socket"]
        by_path = "ListenStream" in told
        sock = socket.socket(socket.AF_UNIX if by_path else socket.AF_INET)
        sock.bind(str(folder / f"{register}.sock") if by_path else ("127.0.0.1", 0))
        sock.listen(64)
        opened[told["FileDescriptorName"][0]] = sock
    return opened

"""jukinetctl renew: puts a new certificate and key of a server in place, and its units take them up."""

import argparse
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.remedies import REMEDIES
from jukinet_daemon.config import Config, waits_for_unit
from jukinet_daemon.credentials import pair_of
from jukinet_daemon.pki.files import IssuedFiles, PkiFileError, replace_issued
from jukinet_daemon.pki.peer import PeerIdentity, Role, thumbprint
from jukinet_daemon.pki.tls import Pair, TlsFiles, standing_in

# Where LoadCredential= of the units finds the key.
KEYS = Path("/etc/jukinet/keys")
# What opens a line. Their ports are systemd's: who calls during a restart waits and is not refused.
UNITS = ("notices", "bridge", "relay")


def add_renew(parser: argparse.ArgumentParser) -> None:
    """Adds what is new, and where the key goes."""
    new: dict[str, Any] = {"type": Path, "required": True, "metavar": "FILE"}
    parser.add_argument("--certificate", help="新しい証明書 / the new certificate with its chain", **new)
    parser.add_argument("--key", help="その秘密鍵 / its private key", **new)
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="秘密鍵を置く所。省けば設定の [tls] key / where the key goes",
    )


def renew(config: Config, options: argparse.Namespace) -> int:
    """Looks whether peers will admit it, puts it in place, restarts the units one by one; gives 0."""
    tls = config.tls
    if tls is None:
        raise CommandFault("設定に [tls] がありません / the configuration has no [tls]")
    expected = PeerIdentity(config.trust_domain, Role.PREF, config.register_)
    passed = waits_for_unit(tls.key)
    place = options.key_file or (KEYS / f"{config.register_}.key" if passed else tls.key)
    try:
        pair = _checked(TlsFiles(options.certificate, options.key, tls.ca, tls.crl), expected)
        replace_issued(IssuedFiles(tls.certificate, place), pair.chain, pair.key)
    except PkiFileError as fault:
        raise CommandFault(f"できません / cannot be done: {fault}") from None
    restarted = [_restart(f"jukinet-{unit}@{config.register_}.service") for unit in UNITS] if passed else []
    _tell(pair.chain[0], restarted, options)
    return 0


def _checked(new: TlsFiles, expected: PeerIdentity) -> Pair:
    pair = pair_of(expected, new)
    leaf, now = pair.chain[0], datetime.now(UTC)
    if now < leaf.not_valid_before_utc:
        raise PkiFileError(new.certificate, "まだ有効でない / is not valid yet")
    if refusal := standing_in(new)[0].lost_by(leaf, now):
        raise PkiFileError(
            new.certificate, f"相手に拒否される / would be refused: {refusal}: {REMEDIES[refusal]}"
        )
    return pair


def _restart(unit: str) -> str:
    """Gives the unit once it runs again, with the new key; one that does not run is left alone."""
    try:
        subprocess.run(["systemctl", "try-restart", unit], check=True)
    except (OSError, subprocess.CalledProcessError):
        raise CommandFault(
            f"証明書と鍵は置きましたが、{unit} を起動し直せません。journalctl -u {unit} を見てください"
            " / in place, but the unit did not restart"
        ) from None
    return unit


def _tell(certificate: x509.Certificate, restarted: list[str], options: argparse.Namespace) -> None:
    done = {
        "certificate": thumbprint(certificate),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "restarted": restarted,
    }
    if options.json:
        print(json.dumps(done, ensure_ascii=False))
        return
    print(f"新しい証明書 / new certificate: {done['certificate']}, {done['not_after']} まで / until")
    print(
        f"起動し直しました / restarted: {' '.join(restarted)}"
        if restarted
        else "三十秒以内に効きます / counts within half a minute"
    )

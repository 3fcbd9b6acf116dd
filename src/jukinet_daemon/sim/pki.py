"""模擬の認証局: a PKI for one prefecture: root, issuing CA, CRL, and a certificate for each peer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jukinet_daemon.pki.files import write_certificates, write_crl, write_issued
from jukinet_daemon.pki.issue import CertificateAuthority, Validity, issue, make_crl, make_issuing, make_root
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.pki.tls import TlsFiles

CAS, CRL = "ca.pem", "peers.crl"
_CLOCK_SLACK = timedelta(minutes=5)


def make_pki(folder: Path, trust_domain: str, municipalities: tuple[str, ...]) -> CertificateAuthority:
    """Makes a PKI in an empty folder and gives the issuing CA; every peer's files are then at `tls_files`."""
    now = datetime.now(UTC)
    root = make_root("jukinet simulation root", _validity(now, 3650))
    issuing = make_issuing(root, "jukinet simulation issuing CA", _validity(now, 1825), trust_domain)
    fill_pki(folder, root, issuing, (trust_domain, municipalities))
    return issuing


def fill_pki(
    folder: Path,
    root: CertificateAuthority,
    issuing: CertificateAuthority,
    whom: tuple[str, tuple[str, ...]],
) -> None:
    """Writes the bundle, the CRLs and everybody's certificate; `whom`: trust domain and municipalities."""
    trust_domain, municipalities = whom
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    write_certificates(folder / CAS, [root.certificate, issuing.certificate])
    dates = now - _CLOCK_SLACK, now + timedelta(days=30)
    write_crl(folder / CRL, *(make_crl(authority, {}, *dates, 1) for authority in (issuing, root)))
    for role, name in _peers(municipalities):
        identity = PeerIdentity(trust_domain, role, name)
        write_issued(
            folder, peer_file(role, name), issue(issuing, identity, _validity(now, 365)), issuing.chain
        )


def peer_file(role: Role, name: str) -> str:
    """The name that a peer's files have."""
    return f"{role}-{name}"


def tls_files(folder: Path, role: Role, name: str) -> TlsFiles:
    """The files of one peer in a folder that `make_pki` filled."""
    stem = peer_file(role, name)
    return TlsFiles(folder / f"{stem}.pem", folder / f"{stem}.key", folder / CAS, folder / CRL)


def _peers(municipalities: tuple[str, ...]) -> list[tuple[Role, str]]:
    registers = ("juki", "fuhyo")
    return [
        *((Role.CS, code) for code in municipalities),
        *((role, register) for role in (Role.PREF, Role.NATIONAL) for register in registers),
        (Role.OPERATOR, "demo"),
    ]


def _validity(now: datetime, days: int) -> Validity:
    return Validity(now - _CLOCK_SLACK, now + timedelta(days=days))


def make_ledger_key(path: Path) -> bytes:
    """Makes the key that seals a ledger; gives its public half."""
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key.public_key().public_bytes_raw()

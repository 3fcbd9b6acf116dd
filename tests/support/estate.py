"""A PKI of one test alone: certificates, CAs and CRLs that change while a house runs."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from cryptography import x509

from jukinet_daemon.keys import signing_key
from jukinet_daemon.outward import Caller
from jukinet_daemon.pki.files import load_crls, write_certificates, write_crl, write_issued
from jukinet_daemon.pki.issue import CertificateAuthority, Issued, Validity, issue, make_crl
from jukinet_daemon.pki.issue import make_issuing as new_issuing
from jukinet_daemon.pki.issue import make_root as new_root
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.pki.tls import TlsFiles, client_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from support.world import TRUST_DOMAIN

SLACK, DAY = timedelta(minutes=5), timedelta(days=1)


def validity(days: float = 30, ago: timedelta = SLACK) -> Validity:
    now = datetime.now(UTC)
    return Validity(now - ago, now + days * DAY)


@dataclass
class Estate:
    """A folder with the files of a prefecture: `ca.pem`, `ca.crl`, and one of each peer."""

    folder: Path
    root: CertificateAuthority = field(default_factory=lambda: new_root("root 1", validity(300)))
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.issuing = new_issuing(self.root, "issuing 1", validity(200), TRUST_DOMAIN)
        self.authorities: list[CertificateAuthority] = [self.issuing, self.root]
        self.trust_all()
        self.publish()

    def trust_all(self) -> None:
        """Puts the bundle of all CAs in place."""
        self.trust(*(authority.certificate for authority in self.authorities))

    def trust(self, *certificates: x509.Certificate) -> None:
        """Puts another bundle in place."""
        draft = self.folder / f"bundle-{next(self.numbers)}.pem"
        write_certificates(draft, certificates)
        draft.replace(self.folder / "ca.pem")

    def publish(self, revoked: Mapping[int, datetime] | None = None, until: timedelta = 30 * DAY) -> None:
        """Publishes a newer CRL of each CA."""
        number = next(self.numbers)
        # A CRL counts by whole seconds; each is a second later than the one before.
        since = datetime.now(UTC) - timedelta(hours=2) + timedelta(seconds=number)
        write_crl(
            self.folder / "ca.crl",
            *(
                make_crl(authority, revoked or {}, since, datetime.now(UTC) + until, number)
                for authority in self.authorities
            ),
        )

    def revoke(self, *files: TlsFiles) -> None:
        """Publishes a CRL with the certificates of some peers."""
        moment = datetime.now(UTC) - SLACK
        chains = [x509.load_pem_x509_certificates(own.certificate.read_bytes()) for own in files]
        self.publish({chain[0].serial_number: moment for chain in chains})

    def roll_root(self) -> None:
        """Makes a second root and an issuing CA under it, which issues from now on."""
        self.root = new_root("root 2", validity(300))
        self.issuing = new_issuing(self.root, "issuing 2", validity(200), TRUST_DOMAIN)
        self.authorities += [self.issuing, self.root]

    def issuing_beside(self, trust_domain: str | None = TRUST_DOMAIN) -> "Estate":
        """The same folder and root, with another issuing CA; with None it is bound to no trust domain."""
        other = copy(self)
        other.issuing = new_issuing(self.root, "issuing beside", validity(200), trust_domain)
        other.authorities = self.authorities
        self.authorities.append(other.issuing)
        return other

    def peer(self, role: Role, name: str, valid: Validity | None = None) -> TlsFiles:
        """Issues a new certificate to a peer."""
        identity = PeerIdentity(TRUST_DOMAIN, role, name)
        return self.files(issue(self.issuing, identity, valid or validity()), f"{role}-{name}")

    def files(self, issued: Issued, stem: str) -> TlsFiles:
        """Writes what was issued."""
        paths = write_issued(self.folder, f"{stem}-{next(self.numbers)}", issued, self.issuing.chain)
        return TlsFiles(paths.certificate, paths.key, self.folder / "ca.pem", self.folder / "ca.crl")

    def caller(self, files: TlsFiles, register: str = "juki") -> Caller:
        """Somebody who calls a register's server."""
        policy = DoorPolicy(TRUST_DOMAIN, Role.PREF, frozenset({register}), side=Side.SERVER)
        return Caller(client_context(files), policy, signing_key(files))

    def newest_crl(self) -> x509.CertificateRevocationList:
        """The CRL of the first issuing CA."""
        return load_crls(self.folder / "ca.crl")[0]


def replace_files(old: TlsFiles, new: TlsFiles) -> None:
    """Puts a new certificate and key in place of the old, as an administrator would, by rename."""
    new.key.replace(old.key)
    new.certificate.replace(old.certificate)

"""証明書類: our certificate and key, the CAs and CRLs, as the files say now; a change needs no restart."""

import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from weakref import WeakKeyDictionary

from cryptography import x509

from jukinet_daemon.keys import signing_key
from jukinet_daemon.pki.files import PkiFileError, load_certificate
from jukinet_daemon.pki.peer import IdentityError, PeerIdentity, identity_of
from jukinet_daemon.pki.standing import Standing
from jukinet_daemon.pki.tls import TlsFiles, client_context, server_context, standing_in
from jukinet_daemon.wire.envelope import SigningKey

_Marks = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Own:
    """What the files said at one moment: who we are, what we sign with, whom we trust."""

    identity: PeerIdentity
    certificate: x509.Certificate
    key: SigningKey = field(repr=False)
    standing: Standing = field(repr=False)
    server: ssl.SSLContext = field(repr=False)
    client: ssl.SSLContext = field(repr=False)

    @property
    def until(self) -> datetime:
        """When our certificate ends."""
        return self.certificate.not_valid_after_utc


class Credentials:
    """The TLS files of one end; `own` is what they say. Contexts are made anew at each change.

    Making them anew is what lets a CA or a CRL go: from a live context nothing can be taken out.
    """

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        self._seen = self._marks()
        # A conversation keeps the key of the certificate that it was opened under: the peer knows no other.
        self._keys: WeakKeyDictionary[ssl.SSLContext, SigningKey] = WeakKeyDictionary()
        self.own = self._remembered(_read(files))

    def refresh(self, now: datetime) -> bool:
        """Reads the files if they are others than last time; gives whether what they say has changed.

        Raises PkiFileError, and everything stays as it was, for files that cannot be used or do not fit.
        """
        marks = self._marks()
        if marks == self._seen:
            return False
        fresh = _read(self.files)
        _require_a_step_forward(self.files, self.own, fresh, now)
        self.own = self._remembered(fresh)
        self._seen = marks
        return True

    def key_for(self, context: ssl.SSLContext) -> SigningKey:
        """The key of the certificate that a connection's context showed."""
        return self._keys[context]

    def _remembered(self, own: Own) -> Own:
        self._keys[own.server] = self._keys[own.client] = own.key
        return own

    def _marks(self) -> _Marks:
        files = self.files
        return tuple(_mark(path) for path in (files.certificate, files.key, files.ca, files.crl))


def _mark(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise PkiFileError(path, error.strerror or type(error).__name__) from error
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(files: TlsFiles) -> Own:
    certificate = load_certificate(files.certificate)
    try:
        identity = identity_of(certificate)
    except IdentityError as error:
        raise PkiFileError(files.certificate, f"names nobody: {error.reason}") from error
    return Own(
        identity,
        certificate,
        signing_key(files),
        standing_in(files),
        server_context(files),
        client_context(files),
    )


def _require_a_step_forward(files: TlsFiles, before: Own, after: Own, now: datetime) -> None:
    if after.identity != before.identity:
        raise PkiFileError(files.certificate, f"is of {after.identity.uri}, not of {before.identity.uri}")
    if not after.certificate.not_valid_before_utc <= now <= after.until:
        raise PkiFileError(files.certificate, "is not valid now")
    for authority, crl in before.standing.crls.items():
        newer = after.standing.crls.get(authority)
        # An older list would let a revoked peer in again. (An empty one is false, so ask for None.)
        if newer is not None and _age(newer) < _age(crl):
            raise PkiFileError(files.crl, f"is older than the one in use, number {_age(crl)[0]}")


def _age(crl: x509.CertificateRevocationList) -> tuple[int, datetime]:
    try:
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        number = 0
    return number, crl.last_update_utc

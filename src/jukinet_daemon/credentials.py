"""証明書類: our certificate and key, the CAs and CRLs, as the files say now; a change needs no restart."""

import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from weakref import WeakKeyDictionary

from cryptography import x509

from jukinet_daemon.config import Tls
from jukinet_daemon.pki.files import PkiFileError, told_by_system
from jukinet_daemon.pki.peer import IdentityError, PeerIdentity, identity_of, thumbprint
from jukinet_daemon.pki.standing import Standing
from jukinet_daemon.pki.tls import Pair, TlsFiles, client_side, load_pair, server_side, standing_in
from jukinet_daemon.wire.envelope import SigningKey

_Marks = tuple[tuple[int, int, int], ...]


class Half(StrEnum):
    """What is taken up apart from the other: a certificate without its key stops no revocation."""

    OWN = "own"  # our certificate and its key
    TRUST = "trust"  # the CAs and their CRLs


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
    """The TLS files of one end; `own` is what they say, `faults` what is wrong with either half of them.

    A half that cannot be used stays as it was. Contexts are made anew at each change: that is what lets a CA
    or a CRL go, for from a live context nothing can be taken out. `kept` are CRLs that were taken up before.
    """

    def __init__(self, files: TlsFiles, kept: Iterable[x509.CertificateRevocationList] = ()) -> None:
        self.files = files
        self.faults: dict[Half, str | None] = dict.fromkeys(Half)
        self._seen: dict[Half, _Marks | None] = {Half.OWN: _marks(files.certificate, files.key)}
        # A conversation keeps the key of the certificate that it was opened under: the peer knows no other.
        self._keys: WeakKeyDictionary[ssl.SSLContext, SigningKey] = WeakKeyDictionary()
        self._pair = load_pair(files)
        self._standing, self.faults[Half.TRUST] = standing_in(files, kept)
        self.own = self._made(_identity(files.certificate, self._pair.chain))

    def refresh(self, now: datetime) -> bool:
        """Reads the files if they are others than last time; gives whether what counts has changed."""
        before, files = (self._pair, self._standing), self.files
        self._look(Half.TRUST, (files.ca, files.crl), self._read_standing)
        self._look(Half.OWN, (files.certificate, files.key), lambda: self._read_pair(now))
        if (self._pair, self._standing) == before:
            return False
        self.own = self._made(self.own.identity)
        return True

    def key_for(self, context: ssl.SSLContext) -> SigningKey:
        """The key of the certificate that a connection's context showed."""
        return self._keys[context]

    def _look(self, half: Half, paths: tuple[Path, ...], read: Callable[[], str | None]) -> None:
        try:
            marks = _marks(*paths)
            if marks == self._seen.get(half):
                return
            fault = read()
        except PkiFileError as error:
            fault = str(error)
        # What is wrong may come right by time alone, so it is read again.
        self.faults[half], self._seen[half] = fault, None if fault else marks

    def _read_standing(self) -> str | None:
        self._standing, wrong = standing_in(self.files, self._standing.crls.values())
        return wrong

    def _read_pair(self, now: datetime) -> None:
        pair = pair_of(self.own.identity, self.files)
        if not pair.chain[0].not_valid_before_utc <= now <= pair.chain[0].not_valid_after_utc:
            raise PkiFileError(self.files.certificate, "今は有効でない / is not valid now")
        self._pair = pair

    def _made(self, identity: PeerIdentity) -> Own:
        pair, standing = self._pair, self._standing
        key = SigningKey.of(pair.key, thumbprint(pair.chain[0]))
        server, client = server_side(pair, standing), client_side(pair, standing)
        self._keys[server] = self._keys[client] = key
        return Own(identity, pair.chain[0], key, standing, server, client)


def files_in(tls: Tls) -> TlsFiles:
    """The TLS files that a configuration names."""
    return TlsFiles(tls.certificate, tls.key, tls.ca, tls.crl)


def pair_of(whose: PeerIdentity, files: TlsFiles) -> Pair:
    """A chain and its key, which are somebody's. Raises PkiFileError, also where they are another's."""
    pair = load_pair(files)
    require_ours(whose, files.certificate, pair.chain)
    return pair


def require_ours(whose: PeerIdentity, path: Path, chain: tuple[x509.Certificate, ...]) -> None:
    """Raises PkiFileError where the chain of a file names somebody else."""
    if (identity := _identity(path, chain)) != whose:
        raise PkiFileError(path, f"{whose.uri} のものでない / is of {identity.uri}, not of {whose.uri}")


def _identity(path: Path, chain: tuple[x509.Certificate, ...]) -> PeerIdentity:
    try:
        return identity_of(chain[0])
    except IdentityError as error:
        raise PkiFileError(path, f"だれの名もない / names nobody: {error.reason}") from error


def _marks(*paths: Path) -> _Marks:
    return tuple(map(_mark, paths))


def _mark(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise PkiFileError(path, told_by_system(error)) from error
    return found.st_mtime_ns, found.st_size, found.st_ino

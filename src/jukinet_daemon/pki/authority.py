"""認証局: a CA as a folder: its key and certificate, its book of what was issued, its CRL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from .book import Book, Entry, load_book, only_writer, save_book
from .files import (
    PkiFileError,
    load_certificate,
    load_key,
    load_request,
    reserved,
    told_by_system,
    write_certificates,
    write_crl,
    write_key,
    write_request,
    write_reserved,
)
from .issue import (
    CertificateAuthority,
    Validity,
    certify,
    certify_issuing,
    common_name,
    make_crl,
    make_root,
    request,
)
from .peer import IdentityError, PeerIdentity, identity_from_uri, p256_key

KEY, CERTIFICATE, REQUEST, CRL = "ca.key", "ca.pem", "ca.csr", "ca.crl"
ISSUED = "issued"
_FOLDER = 0o700
# Two persons know half of it each, and the form in which the key is written (PKCS 8) makes no guess
# slow: the half that one of them does not know has to be long by itself.
LEAST_PASSPHRASE = 20
# A peer whose clock is a little behind must not find a certificate from the future, or a list.
_SLACK = timedelta(minutes=5)


class Authority:
    """A CA that is opened with its key. Every method may raise PkiFileError; ValueError for a wrong wish."""

    def __init__(self, folder: Path, passphrase: bytes | None = None) -> None:
        self.folder = folder
        certificate = load_certificate(folder / CERTIFICATE)
        key = load_key(folder / KEY, passphrase)
        if certificate.public_key() != key.public_key():
            raise PkiFileError(folder / KEY, "ca.pem の鍵でない / is not the key of ca.pem")
        self.is_root = certificate.issuer == certificate.subject
        chain = () if self.is_root else (certificate,)
        self._ca = CertificateAuthority(certificate, key, chain)

    def issue(self, asked: Path, identity: PeerIdentity, days: int, output: Path) -> x509.Certificate:
        """Issues to the maker of a request; writes the certificate and our own after it to `output`."""
        wanted = load_request(asked)
        _require_same(wanted, identity)
        key = _p256(wanted, asked)
        with reserved(output), only_writer(self.folder):
            book = load_book(self.folder)
            if identity.trust_domain != book.trust_domain:
                raise ValueError(
                    f"この認証局は {book.trust_domain} にだけ発行する / this CA issues for it only"
                )
            if self.is_root:
                raise ValueError("ルートは認証局にだけ発行する / the root issues to CAs only")
            self._require_new_key(key)
            certificate = certify(self._ca, identity, key, self._validity(days))
            self._enter(book, identity.uri, certificate)
            write_reserved(output, (certificate, *self._ca.chain))
        return certificate

    def issue_ca(self, asked: Path, name: str, days: int, output: Path) -> x509.Certificate:
        """The root issues to an issuing CA, for identities of its own trust domain only."""
        key = _p256(load_request(asked), asked)
        with reserved(output), only_writer(self.folder):
            if not self.is_root:
                raise ValueError("認証局に発行するのはルートだけ / only the root issues to CAs")
            # It would pass for a root, which nobody revokes.
            if _folded(common_name(name)) == _folded(self._ca.certificate.subject):
                raise ValueError(
                    "ルートの名である。発行認証局には別の名を"
                    " / this is the name of the root; an issuing CA needs one of its own"
                )
            # Under one key two CAs could not be told apart: a list is of whoever can have signed it.
            self._require_new_key(key)
            book = load_book(self.folder)
            certificate = certify_issuing(self._ca, name, key, self._validity(days), book.trust_domain)
            self._enter(book, f"CA {name}", certificate)
            write_reserved(output, (certificate,))
        return certificate

    def publish(self, days: int) -> x509.CertificateRevocationList:
        """Signs the next CRL, which holds for so many days, and puts it in place."""
        with only_writer(self.folder):
            book = load_book(self.folder)
            number, now = book.crl_number + 1, datetime.now(UTC)
            dates = now - _SLACK, now + timedelta(days=days)
            crl = make_crl(self._ca, book.revoked(), *dates, number, book.reasons())
            # The number is used up first: two lists must never have the same one.
            save_book(self.folder, replace(book, crl_number=number))
            write_crl(self.folder / CRL, crl)
        return crl

    def _enter(self, book: Book, who: str, certificate: x509.Certificate) -> None:
        save_book(self.folder, book.with_certificate(who, certificate))
        issued = self.folder / ISSUED
        issued.mkdir(mode=_FOLDER, exist_ok=True)
        write_certificates(issued / f"{certificate.serial_number:x}.pem", (certificate,))

    def _validity(self, days: int) -> Validity:
        now = datetime.now(UTC)
        return Validity(now - _SLACK, now + timedelta(days=days))

    def _require_new_key(self, key: ec.EllipticCurvePublicKey) -> None:
        issued = map(load_certificate, (self.folder / ISSUED).glob("*.pem"))
        if any(p256_key(known) == key for known in (self._ca.certificate, *issued)):
            raise ValueError(
                "この鍵にはもう証明書がある。`request` (認証局は `init-issuing`) で新しい鍵を作る"
                " / this key has a certificate already; make a new key"
            )


def _folded(name: x509.Name) -> list[str]:
    """A name as OpenSSL compares it: case and the number of spaces make no difference."""
    return [" ".join(str(part.value).split()).casefold() for part in name]


def create_root(folder: Path, name: str, trust_domain: str, days: int, passphrase: bytes | None) -> None:
    """Makes a root in a new folder, its key encrypted.

    Raises PkiFileError, ValueError for a trust domain of another form or a passphrase of no use.
    """
    if passphrase is None:
        raise ValueError(
            "ルートの鍵は暗号化する。--passphrase か --passphrase-file を / the key of a root is encrypted"
        )
    _require_long(passphrase)
    _require_trust_domain(trust_domain)
    _new_folder(folder)
    now = datetime.now(UTC)
    root = make_root(name, Validity(now - _SLACK, now + timedelta(days=days)))
    write_key(folder / KEY, root.key, passphrase)
    write_certificates(folder / CERTIFICATE, (root.certificate,))
    save_book(folder, Book(trust_domain))


def create_issuing(folder: Path, name: str, trust_domain: str, passphrase: bytes | None) -> Path:
    """Makes the key of an issuing CA in a new folder, and gives the path of its request to the root.

    Raises as `create_root` does; without a passphrase the key is not encrypted.
    """
    if passphrase is not None:
        _require_long(passphrase)
    _require_trust_domain(trust_domain)
    _new_folder(folder)
    wanted, key = request(common_name(name))
    write_key(folder / KEY, key, passphrase)
    write_request(folder / REQUEST, wanted)
    save_book(folder, Book(trust_domain))
    return folder / REQUEST


def accept_issuing(folder: Path, given: Path, root: Path) -> None:
    """Takes the certificate that the root gave an issuing CA. Raises PkiFileError if it is another's."""
    certificate, asked = load_certificate(given), load_request(folder / REQUEST)
    key = p256_key(certificate)
    if key is None or key != p256_key(asked):
        raise PkiFileError(given, "この認証局の鍵のものでない / is not for the key of this CA")
    try:
        certificate.verify_directly_issued_by(load_certificate(root))
    except (ValueError, TypeError, InvalidSignature) as error:
        raise PkiFileError(given, "そのルートが発行したものでない / is not issued by that root") from error
    write_certificates(folder / CERTIFICATE, (certificate,))


def make_request(folder: Path, stem: str, identity: PeerIdentity) -> Path:
    """On the peer's host: makes a key and the request for its certificate; gives the request's path."""
    wanted, key = request(common_name(identity.name), identity.uri)
    write_key(folder / f"{stem}.key", key)
    write_request(folder / f"{stem}.csr", wanted)
    return folder / f"{stem}.csr"


def revoke(folder: Path, serial: str, reason: str) -> Entry:
    """Enters a revocation into the book; it counts with the next CRL. No key is needed for it."""
    with only_writer(folder):
        book = load_book(folder).with_revoked(serial, reason, datetime.now(UTC))
        save_book(folder, book)
    return next(entry for entry in book.entries if entry.serial == serial)


def _require_long(passphrase: bytes) -> None:
    if len(passphrase.decode("utf-8", "replace").strip()) < LEAST_PASSPHRASE:
        raise ValueError(
            f"合言葉が {LEAST_PASSPHRASE} 文字より短い"
            f" / the passphrase is shorter than {LEAST_PASSPHRASE} characters"
        )


def _require_trust_domain(trust_domain: str) -> None:
    identity_from_uri(f"spiffe://{trust_domain}/pref/juki")


def _new_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=_FOLDER, parents=True)
    except OSError as error:
        raise PkiFileError(folder, told_by_system(error)) from error


def _require_same(wanted: x509.CertificateSigningRequest, identity: PeerIdentity) -> None:
    try:
        san = wanted.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = san.get_values_for_type(x509.UniformResourceIdentifier)
        if len(uris) == len(list(san)) == 1 and identity_from_uri(uris[0]) == identity:
            return
    except (x509.ExtensionNotFound, IdentityError):
        pass
    raise ValueError(
        f"要求が {identity.uri} だけを求めていない / the request does not ask for it and nothing else"
    )


def _p256(wanted: x509.CertificateSigningRequest, path: Path) -> ec.EllipticCurvePublicKey:
    key = p256_key(wanted)
    if key is None:
        raise PkiFileError(path, "求める鍵が EC P-256 でない / asks for a key that is not EC P-256")
    return key

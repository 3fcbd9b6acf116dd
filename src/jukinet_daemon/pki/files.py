"""Keys, certificates and CRLs as PEM files (鍵と証明書のファイル)."""

import errno
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from .issue import Issued

_PRIVATE, _PUBLIC = 0o600, 0o644
_SYSTEM = {
    errno.ENOENT: "ない",
    errno.EEXIST: "もうある",
    errno.EACCES: "権限がない",
    errno.EPERM: "権限がない",
    errno.EISDIR: "フォルダである",
    errno.ENOTDIR: "フォルダでない",
    errno.ENOSPC: "空きがない",
    errno.EROFS: "書込みのできない場所である",
}
_CRL = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
# A version that X.509 does not have is no ValueError to the library.
_UNREADABLE = (ValueError, x509.InvalidVersion)
_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
CERTIFICATES, REQUESTS, CRLS = "CERTIFICATE", "CERTIFICATE REQUEST", "X509 CRL"


class PkiFileError(Exception):
    """A file that cannot be used: `path` says which, `problem` what is wrong; its content is never told."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


@dataclass(frozen=True, slots=True)
class IssuedFiles:
    """Where a certificate (with its chain) and its key were written."""

    certificate: Path
    key: Path


def write_issued(
    folder: Path, name: str, issued: Issued, chain: Iterable[x509.Certificate] = ()
) -> IssuedFiles:
    """Write `<name>.key` (mode 0600) and `<name>.pem` (the certificate, then `chain`), give their paths.

    Raises PkiFileError if a file of that name is there: a key is never overwritten, it may be the only one.
    """
    paths = IssuedFiles(folder / f"{name}.pem", folder / f"{name}.key")
    _create(paths.key, _key_pem(issued.key), _PRIVATE)
    _create(paths.certificate, _certificates_pem((issued.certificate, *chain)), _PUBLIC)
    return paths


def write_key(path: Path, key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> None:
    """Write a private key (mode 0600), encrypted if there is a passphrase, never over one that is there."""
    _create(path, _key_pem(key, passphrase), _PRIVATE)


def replace_issued(
    paths: IssuedFiles, chain: Iterable[x509.Certificate], key: ec.EllipticCurvePrivateKey
) -> None:
    """Put a certificate, its chain and its key in place of those that are there; raise PkiFileError.

    Both stand beside their places before either is put there. The key goes first: with the new certificate
    and no new key for it there would be no way on.
    """
    with (
        _draft(paths.key, _key_pem(key), _PRIVATE) as put_key,
        _draft(paths.certificate, _certificates_pem(chain), _PUBLIC) as put_certificate,
    ):
        put_key()
        put_certificate()


def write_request(path: Path, request: x509.CertificateSigningRequest) -> None:
    """Write a request for a certificate; raise PkiFileError if the file is there."""
    _create(path, request.public_bytes(Encoding.PEM), _PUBLIC)


def load_request(path: Path) -> x509.CertificateSigningRequest:
    """Give the request of a file, whose signature shows that its maker has the key; raise PkiFileError."""
    data = _read_only(path, REQUESTS)
    try:
        request = x509.load_pem_x509_csr(data)
    except _UNREADABLE as error:
        raise PkiFileError(path, "要求を読めない / holds an unreadable request") from error
    if not request.is_signature_valid:
        raise PkiFileError(path, "示す鍵で署名されていない / is not signed by the key it names")
    return request


def write_certificates(path: Path, certificates: Iterable[x509.Certificate]) -> None:
    """Write a bundle of certificates, as for the roots to trust; raise PkiFileError if the file is there."""
    _create(path, _certificates_pem(certificates), _PUBLIC)


def write_crl(path: Path, *crls: x509.CertificateRevocationList) -> None:
    """Put CRLs, one of each CA, in place of those that may be there; a reader sees the old or the new."""
    write_public(path, b"".join(crl.public_bytes(Encoding.PEM) for crl in crls))


@contextmanager
def reserved(path: Path) -> Iterator[None]:
    """Hold the place of a file before what cannot be taken back is done; raise PkiFileError if it is taken.

    The file is put there with `write_reserved`; where that is not reached nothing stays.
    """
    _create(path, b"", _PUBLIC)
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_reserved(path: Path, certificates: Iterable[x509.Certificate]) -> None:
    """Put certificates in a place that was reserved for them; raise PkiFileError."""
    _replace(path, _certificates_pem(certificates), _PUBLIC)


def write_public(path: Path, data: bytes) -> None:
    """Put a file that all may read in place of the one that may be there, whole; raise PkiFileError."""
    _replace(path, data, _PUBLIC)


def label_of(path: Path) -> str:
    """Which of the three kinds of public PEM blocks a file holds; raise PkiFileError for any other."""
    found = set(_LABEL.findall(_read(path)))
    for label in (CERTIFICATES, REQUESTS, CRLS):
        if found == {label.encode("ascii")}:
            return label
    raise PkiFileError(
        path, "証明書、要求、失効リストのどれか一種でない / not one kind of certificates, request or CRLs"
    )


def load_certificate(path: Path) -> x509.Certificate:
    """Give the first certificate of a file; raise PkiFileError."""
    return load_chain(path)[0]


def load_chain(path: Path) -> tuple[x509.Certificate, ...]:
    """Give all certificates of a file, one or more, in its order; raise PkiFileError."""
    data = _read_only(path, CERTIFICATES)
    try:
        return tuple(x509.load_pem_x509_certificates(data))
    except _UNREADABLE as error:
        raise PkiFileError(path, "証明書を読めない / holds an unreadable certificate") from error


def load_crls(path: Path) -> tuple[x509.CertificateRevocationList, ...]:
    """Give the CRLs of a file, one or more; raise PkiFileError."""
    data = _read_only(path, CRLS)
    blocks = _CRL.findall(data)
    try:
        crls = tuple(x509.load_pem_x509_crl(block) for block in blocks)
    except _UNREADABLE as error:
        raise PkiFileError(path, "失効リストを読めない / holds an unreadable CRL") from error
    if len(crls) < len(_LABEL.findall(data)):
        raise PkiFileError(path, "失効リストが切れている / holds an unreadable CRL: it is cut off")
    return crls


def load_key(path: Path, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Give the P-256 private key of a file, encrypted only if a passphrase is given; raise PkiFileError."""
    data = _read(path)
    # The library's own message is dropped ("from None"): no byte of a key file may reach a log.
    try:
        key = load_pem_private_key(data, password=passphrase)
    except TypeError:
        problem = (
            "暗号化されていない / is not encrypted"
            if passphrase
            else "鍵の合言葉が要る / holds an encrypted key and no passphrase was given"
        )
        raise PkiFileError(path, problem) from None
    except (ValueError, UnsupportedAlgorithm, InternalError):
        problem = (
            "この合言葉で開かない / does not open with this passphrase"
            if passphrase
            else "読める PEM の秘密鍵がない / holds no readable PEM private key"
        )
        raise PkiFileError(path, problem) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise PkiFileError(path, "鍵が EC P-256 でない / holds a key that is not EC P-256")
    return key


def days_left(moment: datetime, now: datetime) -> float:
    """Give the days from `now` to `moment`, below zero when it is past: for health to watch."""
    return (moment - now) / timedelta(days=1)


def _key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    protection = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def _certificates_pem(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def _create(path: Path, data: bytes, mode: int) -> None:
    # The mode is given at creation: a key that is readable for a moment has been readable.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise PkiFileError(path, told_by_system(error)) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise PkiFileError(path, told_by_system(error)) from error


def _replace(path: Path, data: bytes, mode: int) -> None:
    with _draft(path, data, mode) as put:
        put()


@contextmanager
def _draft(path: Path, data: bytes, mode: int) -> Iterator[Callable[[], None]]:
    """A file whole beside its place, and what puts it there; it goes where that was not done."""
    # A name of our own beside the target: rename is atomic only within one file system.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _create(draft, data, mode)

    def put() -> None:
        try:
            draft.replace(path)
        except OSError as error:
            raise PkiFileError(path, told_by_system(error)) from error

    try:
        yield put
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PkiFileError(path, told_by_system(error)) from error


def _read_only(path: Path, label: str) -> bytes:
    # OpenSSL takes whatever it finds: a certificate slipped into a CRL file would become a trusted root.
    data = _read(path)
    if set(_LABEL.findall(data)) != {label.encode("ascii")}:
        raise PkiFileError(
            path, f"PEM の {label} だけでない / must hold PEM blocks of type {label} and no other"
        )
    return data


def told_by_system(error: OSError) -> str:
    """What the system said of a file, also in Japanese where people meet it."""
    said = error.strerror or type(error).__name__
    ours = _SYSTEM.get(error.errno or 0)
    return f"{ours} / {said}" if ours else said

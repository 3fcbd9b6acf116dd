"""TLS contexts of the doors: mutual, TLS 1.3 only, revocation checked, no resumption (相互認証の通信路)."""

import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .files import PkiFileError, load_chain, load_crls, load_key
from .peer import p256_key
from .refusal import Refusal
from .standing import Standing, standing_of
from .trust import NotAdmitted


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files one end of a connection needs.

    `certificate` is our chain, leaf first, then its issuing CA; `key` the leaf's key; `ca` the bundle: the
    roots to trust and the issuing CAs below them, which are no roots by that; `crl` the CRL of each of them.
    """

    certificate: Path
    key: Path
    ca: Path
    crl: Path


@dataclass(frozen=True, slots=True)
class Pair:
    """Our chain, leaf first, and the key that fits it."""

    chain: tuple[x509.Certificate, ...]
    key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)


def load_pair(files: TlsFiles) -> Pair:
    """Give our chain and key; raise PkiFileError for files that cannot be used or do not fit each other."""
    pair = Pair(load_chain(files.certificate), load_key(files.key))
    if p256_key(pair.chain[0]) != pair.key.public_key():
        raise PkiFileError(files.key, "証明書の鍵でない / is not the key of the certificate")
    try:
        _show(_bare(ssl.PROTOCOL_TLS_SERVER), pair)
    except ssl.SSLError as error:
        raise PkiFileError(files.certificate, f"cannot be shown: {error.reason}") from error
    return pair


def standing_in(
    files: TlsFiles, kept: Iterable[x509.CertificateRevocationList] = ()
) -> tuple[Standing, str | None]:
    """Give what peers are checked against, and what is wrong with the CRL file, if anything.

    `kept` are lists known from before; raise PkiFileError for files that cannot be used.
    """
    bundle = load_chain(files.ca)
    try:
        standing, wrong = standing_of(bundle, load_crls(files.crl), kept, datetime.now(UTC))
    except ValueError as error:
        raise PkiFileError(files.crl, str(error)) from error
    return standing, wrong and f"{files.crl}: {wrong}"


def server_side(pair: Pair, standing: Standing) -> ssl.SSLContext:
    """Give the context of a listening door.

    A client is admitted only with a certificate that TLS verifies; who it is, the door's policy must judge.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, pair, standing)
    # A resumed session skips the certificate: a revoked client would come back in by its ticket.
    context.num_tickets = 0
    return context


def shown_by(pair: Pair) -> ssl.SSLContext:
    """Give a context that shows our certificate and trusts nobody: to look at what TLS offers."""
    context = _bare(ssl.PROTOCOL_TLS_SERVER)
    _show(context, pair)
    return context


def client_side(pair: Pair, standing: Standing) -> ssl.SSLContext:
    """Give the context of an outgoing connection.

    A host name proves nothing here and is not checked: the caller must judge the server's SPIFFE identity by
    a policy before it sends anything. In TLS 1.3 a client that was refused learns so at its first read.
    """
    return _context(ssl.PROTOCOL_TLS_CLIENT, pair, standing)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Give the context of a listening door from files; raise PkiFileError for one that cannot be used."""
    return server_side(load_pair(files), standing_in(files)[0])


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Give the context of an outgoing connection from files; raise PkiFileError for one of no use."""
    return client_side(load_pair(files), standing_in(files)[0])


def peer_certificate(tls: ssl.SSLObject | ssl.SSLSocket) -> x509.Certificate:
    """Give the certificate of the other end after the handshake; raise NotAdmitted if it cannot be read."""
    return read_certificate(tls.getpeercert(binary_form=True) or b"")


def read_certificate(der: bytes) -> x509.Certificate:
    """Give the certificate in these bytes; raise NotAdmitted if it cannot be read."""
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion) as error:
        raise NotAdmitted(Refusal.UNREADABLE_EXTENSIONS, None) from error


def _bare(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # Level 2 is 112 bits: no RSA below 2048, no SHA-1, whatever the build of OpenSSL has as its default.
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN | ssl.VERIFY_X509_STRICT
    return context


def _context(protocol: int, pair: Pair, standing: Standing) -> ssl.SSLContext:
    context = _bare(protocol)
    _show(context, pair)
    context.load_verify_locations(cadata=b"".join(map(_der, standing.bundle)))
    lists = b"".join(crl.public_bytes(Encoding.PEM) for crl in standing.crls.values())
    with _as_file(lists) as path:
        context.load_verify_locations(cafile=path)
    return context


def _show(context: ssl.SSLContext, pair: Pair) -> None:
    key = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in pair.chain)
    with _as_file(key + chain) as path:
        context.load_cert_chain(path)


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A path of what is in memory alone: Python hands OpenSSL keys and CRLs by path only.

    The files themselves may be others by now, and their other half of no use.
    """
    descriptor = os.memfd_create("tls")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)

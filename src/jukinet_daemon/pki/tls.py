"""TLS contexts of the doors: mutual, TLS 1.3 only, revocation checked, no resumption (相互認証の通信路)."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .files import PkiFileError, load_chain, load_crls, load_key
from .refusal import Refusal
from .standing import Standing, standing_of
from .trust import NotAdmitted


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files one end of a connection needs.

    `certificate` is our chain, leaf first, then its issuing CA; `key` the leaf's key; `ca` the root bundle;
    `crl` the CRLs of the CAs that issue the peers' certificates. A CA that is not in our own chain stands in
    `ca` beside the roots, so that its CRL can be checked before it is used. It is no root by that.
    """

    certificate: Path
    key: Path
    ca: Path
    crl: Path


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Give the context of a listening door; raise PkiFileError for a file that cannot be used.

    A client is admitted only with a certificate that TLS verifies; who it is, the door's policy must judge.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, files)
    # A resumed session skips the certificate: a revoked client would come back in by its ticket.
    context.num_tickets = 0
    return context


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Give the context of an outgoing connection; raise PkiFileError for a file that cannot be used.

    A host name proves nothing here and is not checked: the caller must judge the server's SPIFFE identity by
    a policy before it sends anything. In TLS 1.3 a client that was refused learns so at its first read.
    """
    return _context(ssl.PROTOCOL_TLS_CLIENT, files)


def standing_in(files: TlsFiles) -> Standing:
    """Give what peers are checked against; raise PkiFileError for a file that cannot be used."""
    bundle, authorities = load_chain(files.ca), load_chain(files.certificate)[1:]
    try:
        return standing_of(bundle, authorities, load_crls(files.crl))
    except ValueError as error:
        raise PkiFileError(files.crl, str(error)) from error


def peer_certificate(tls: ssl.SSLObject | ssl.SSLSocket) -> x509.Certificate:
    """Give the certificate of the other end after the handshake; raise NotAdmitted if it cannot be read."""
    return read_certificate(tls.getpeercert(binary_form=True) or b"")


def read_certificate(der: bytes) -> x509.Certificate:
    """Give the certificate in these bytes; raise NotAdmitted if it cannot be read."""
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion) as error:
        raise NotAdmitted(Refusal.UNREADABLE_EXTENSIONS, None) from error


def _context(protocol: int, files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # Level 2 is 112 bits: no RSA below 2048, no SHA-1, whatever the build of OpenSSL has as its default.
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_X509_STRICT
    standing = standing_in(files)
    if standing.whole_chain:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    _load_own(context, files)
    context.load_verify_locations(cadata=b"".join(map(_der, load_chain(files.ca))))
    context.load_verify_locations(cafile=files.crl)
    return context


def _load_own(context: ssl.SSLContext, files: TlsFiles) -> None:
    # Read ourselves first: OpenSSL names no file in its errors and asks the terminal for a password.
    leaf, key = load_chain(files.certificate)[0], load_key(files.key)
    if leaf.public_key() != key.public_key():
        raise PkiFileError(files.key, "is not the key of the certificate")
    context.load_cert_chain(files.certificate, files.key)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)

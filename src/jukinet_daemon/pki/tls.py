"""TLS contexts of the doors: mutual, TLS 1.3 only, revocation checked, no resumption (相互認証の通信路)."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from .files import PkiFileError, load_chain, load_crl, load_key
from .trust import NotAdmitted, Refusal


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files one end of a connection needs.

    `certificate` is our chain, leaf first, then its issuing CA; `key` the leaf's key; `ca` the root bundle;
    `crl` the CRL of the CA that issues the peers' certificates. If that CA is not the one of our own chain,
    its certificate stands in `ca` too, so that the CRL can be checked before it is used.
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


def reload_crl(context: ssl.SSLContext, files: TlsFiles) -> x509.CertificateRevocationList:
    """Load the CRL file into a live context, where it counts from the next handshake, and give the CRL.

    Of the CRLs in a context that are in date, the one with the latest thisUpdate counts; one of the same
    second as another changes nothing. When none is in date, every peer is refused. Raises PkiFileError, with
    the context untouched, for a file that is not a CRL of a CA we know: once in a context nothing can be
    taken out, and a bad signature would refuse every peer until restart.
    """
    crl = load_crl(files.crl)
    authorities = load_chain(files.certificate) + load_chain(files.ca)
    if not any(_signed_by(crl, authority) for authority in authorities):
        raise PkiFileError(files.crl, "is not signed by a CA of our chain or our root bundle")
    context.load_verify_locations(cafile=files.crl)
    return crl


def peer_certificate(tls: ssl.SSLObject | ssl.SSLSocket) -> x509.Certificate:
    """Give the certificate of the other end after the handshake; raise NotAdmitted if it cannot be read."""
    try:
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
    except ValueError as error:
        raise NotAdmitted(Refusal.IDENTITY_MALFORMED, None) from error


def _context(protocol: int, files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    # The leaf's CRL only: CRL_CHECK_CHAIN would ask for one of the root too. An issuing CA that must go is
    # taken out by changing the root bundle.
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_X509_STRICT
    _load_own(context, files)
    context.load_verify_locations(cadata=b"".join(map(_der, load_chain(files.ca))))
    reload_crl(context, files)
    return context


def _load_own(context: ssl.SSLContext, files: TlsFiles) -> None:
    # Read ourselves first: OpenSSL names no file in its errors and asks the terminal for a password.
    leaf, key = load_chain(files.certificate)[0], load_key(files.key)
    if leaf.public_key() != key.public_key():
        raise PkiFileError(files.key, "is not the key of the certificate")
    context.load_cert_chain(files.certificate, files.key)


def _signed_by(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    public_key = authority.public_key()
    return (
        crl.issuer == authority.subject
        and isinstance(public_key, ec.EllipticCurvePublicKey)
        and crl.is_signature_valid(public_key)
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)

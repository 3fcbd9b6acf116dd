"""署名鍵: certificates and private keys as the signing and verifying keys of the envelope."""

from cryptography import x509

from jukinet_daemon.pki.files import load_certificate, load_key
from jukinet_daemon.pki.peer import p256_key, thumbprint
from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.pki.tls import TlsFiles
from jukinet_daemon.pki.trust import NotAdmitted
from jukinet_daemon.wire.envelope import SigningKey, VerifyingKey


def signing_key(files: TlsFiles) -> SigningKey:
    """The key that signs for the holder of a certificate. Raises PkiFileError."""
    return SigningKey.of(load_key(files.key), thumbprint(load_certificate(files.certificate)))


def verifying_key(certificate: x509.Certificate) -> VerifyingKey:
    """The key that verifies what the holder signed. Raises NotAdmitted unless it is EC P-256 (ES256)."""
    key = p256_key(certificate)
    if key is None:
        raise NotAdmitted(Refusal.KEY_NOT_P256, None)
    return VerifyingKey.of(key, thumbprint(certificate))

"""Who a certificate says its holder is: the one SPIFFE URI in its SAN (相手の身元)."""

import base64
import re
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256


class Role(StrEnum):
    """What a peer is in the network; a door admits one role (役割)."""

    CS = "cs"  # 市町村 CS
    PREF = "pref"  # 都道府県サーバ, 附票都道府県サーバ
    NATIONAL = "national"  # 全国サーバ, 附票全国サーバ
    OPERATOR = "operator"


# SPIFFE-ID 2.1 and 2.2 name these characters; narrower here: exactly two path segments, no dot in a name.
# The set leaves no room for userinfo, port, query, fragment, percent-encoding or an upper-case letter.
_FORM = re.compile(
    r"spiffe://(?P<trust_domain>[a-z0-9._-]{1,255})"
    rf"/(?P<role>{'|'.join(Role)})"
    r"/(?P<name>[a-z0-9-]{1,64})"
)


class IdentityError(ValueError):
    """A certificate or a URI that names nobody; `reason` is a stable word, never the peer's bytes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PeerIdentity:
    """One peer of the network: trust domain, role and name within the role.

    Raises IdentityError("not-our-form") for parts that would not make a URI of our form, so a value of this
    type always prints safely and can always be issued.
    """

    trust_domain: str
    role: Role
    name: str

    def __post_init__(self) -> None:
        if _FORM.fullmatch(self.uri) is None:
            raise IdentityError("not-our-form")

    @property
    def uri(self) -> str:
        """The SPIFFE ID, as it stands in the certificate."""
        return f"spiffe://{self.trust_domain}/{self.role}/{self.name}"


def identity_from_uri(uri: str) -> PeerIdentity:
    """Take `spiffe://<trust-domain>/<role>/<name>`, give the identity; raise IdentityError for all else."""
    match = _FORM.fullmatch(uri)
    if match is None:
        raise IdentityError("not-our-form")
    return PeerIdentity(match["trust_domain"], Role(match["role"]), match["name"])


def identity_of(certificate: x509.Certificate) -> PeerIdentity:
    """Take a leaf certificate, give the identity it carries.

    Raises IdentityError with one of: unreadable-extensions, signing-certificate, no-uri, several-uris,
    not-our-form. It does not judge the signature or the dates: TLS has done so before.
    """
    extensions = _extensions_of(certificate)
    if _may_sign_certificates(extensions):
        raise IdentityError("signing-certificate")
    uris = _uris_in(extensions)
    if not uris:
        raise IdentityError("no-uri")
    # X509-SVID 2: exactly one URI SAN; SANs of other types may stand beside it.
    if len(uris) > 1:
        raise IdentityError("several-uris")
    return identity_from_uri(uris[0])


def p256_key(
    certificate: x509.Certificate | x509.CertificateSigningRequest,
) -> ec.EllipticCurvePublicKey | None:
    """Take a certificate or a request, give its key if it is EC P-256."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):  # it is looked at only now
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None


def thumbprint(certificate: x509.Certificate) -> str:
    """Take a certificate, give its `x5t#S256` (RFC 7515 4.1.8): unpadded base64url of SHA-256 of the DER."""
    return base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode("ascii")


def _extensions_of(certificate: x509.Certificate) -> x509.Extensions:
    try:
        return certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise IdentityError("unreadable-extensions") from error


def _uris_in(extensions: x509.Extensions) -> list[str]:
    try:
        san = extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return san.value.get_values_for_type(x509.UniformResourceIdentifier)


def _may_sign_certificates(extensions: x509.Extensions) -> bool:
    # X509-SVID 5.2: a leaf that is a CA, or may sign certificates or CRLs, is not to be taken for a peer.
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            return True
        if isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
            return True
    return False

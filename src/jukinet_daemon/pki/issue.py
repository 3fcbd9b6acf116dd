"""Making certificates and CRLs: root CA, issuing CA, one leaf per peer (証明書と失効リストの発行)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .peer import PeerIdentity, Role

_Key = ec.EllipticCurvePrivateKey
_CLIENT, _SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH

# A CS and an operator only call, the national server is only called, the prefecture does both.
_USAGES = {
    Role.CS: (_CLIENT,),
    Role.PREF: (_SERVER, _CLIENT),
    Role.NATIONAL: (_SERVER,),
    Role.OPERATOR: (_CLIENT,),
}


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate holds (有効期間). Raises ValueError for times without zone or order."""

    not_before: datetime
    not_after: datetime

    def __post_init__(self) -> None:
        _require_order(self.not_before, self.not_after)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and the private key made for it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A CA that can sign; `chain` is what its leaves send after themselves: this CA upward, no root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]


def make_root(name: str, validity: Validity) -> CertificateAuthority:
    """Take a common name and a validity, give a new self-signed root CA."""
    key, subject = _new_key(), common_name(name)
    builder = _ca_extensions(_builder(subject, key.public_key(), validity), path_length=1)
    return CertificateAuthority(_sign(builder, subject, key), key, chain=())


def make_issuing(
    root: CertificateAuthority, name: str, validity: Validity, trust_domain: str | None = None
) -> CertificateAuthority:
    """Take a root and a common name, give a new CA under it that may sign leaves and nothing deeper.

    Raises as `certify_issuing` does.
    """
    key = _new_key()
    certificate = certify_issuing(root, name, key.public_key(), validity, trust_domain)
    return CertificateAuthority(certificate, key, (certificate, *root.chain))


def certify_issuing(
    root: CertificateAuthority,
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    validity: Validity,
    trust_domain: str | None = None,
) -> x509.Certificate:
    """Take a root and the public key an issuing CA has made, give that CA's certificate.

    With a trust domain it can vouch for identities of that one only (RFC 5280 4.2.1.10). Raises ValueError
    for a validity that outlasts the root's.
    """
    _require_within(root, validity)
    builder = _ca_extensions(_builder(common_name(name), public_key, validity), path_length=0)
    if trust_domain:
        only = x509.NameConstraints([x509.UniformResourceIdentifier(trust_domain)], None)
        builder = builder.add_extension(only, critical=True)
    return _sign(builder, root.certificate.subject, root.key)


def request(subject: x509.Name, uri: str | None = None) -> tuple[x509.CertificateSigningRequest, _Key]:
    """Make a key and a request for its certificate (証明書署名要求), with the URI its holder wants."""
    key = _new_key()
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if uri:
        san = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        builder = builder.add_extension(san, critical=False)
    return builder.sign(key, SHA256()), key


def common_name(name: str) -> x509.Name:
    """A subject of one common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def issue(ca: CertificateAuthority, identity: PeerIdentity, validity: Validity) -> Issued:
    """Take a CA and an identity, make a key and give it with its certificate. Raises as `certify` does."""
    key = _new_key()
    return Issued(certify(ca, identity, key.public_key(), validity), key)


def certify(
    ca: CertificateAuthority,
    identity: PeerIdentity,
    public_key: ec.EllipticCurvePublicKey,
    validity: Validity,
) -> x509.Certificate:
    """Take a CA, an identity and the public key its holder made, give the leaf certificate.

    Raises ValueError for a validity that outlasts the CA's.
    """
    _require_within(ca, validity)
    # The subject is for operators to read; as it is not empty, the SAN is not critical (RFC 5280 4.2.1.6).
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, identity.role.value),
            x509.NameAttribute(NameOID.COMMON_NAME, identity.name),
        ]
    )
    builder = (
        _builder(subject, public_key, validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_USAGES[identity.role]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity.uri)]), critical=False
        )
    )
    return _sign(builder, ca.certificate.subject, ca.key)


def make_crl(
    ca: CertificateAuthority,
    revoked: Mapping[int, datetime],
    this_update: datetime,
    next_update: datetime,
    number: int,
    reasons: Mapping[int, x509.ReasonFlags] = MappingProxyType({}),
) -> x509.CertificateRevocationList:
    """Take a CA and the revoked serials with their dates, give the signed CRL (失効リスト).

    `number` and `this_update` must grow from one CRL to the next: OpenSSL prefers the later thisUpdate, in
    whole seconds, and of two equal ones the first it was given. Raises ValueError for times without zone or
    order.
    """
    _require_order(this_update, next_update)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.certificate.subject)
        .last_update(this_update)
        .next_update(next_update)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(ca.key), critical=False)
    )
    for serial, moment in sorted(revoked.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment)
        if serial in reasons:
            entry = entry.add_extension(x509.CRLReason(reasons[serial]), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ca.key, SHA256())


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _builder(
    subject: x509.Name, public_key: ec.EllipticCurvePublicKey, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _sign(
    builder: x509.CertificateBuilder, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    return builder.issuer_name(issuer).add_extension(_authority_key(key), critical=False).sign(key, SHA256())


def _authority_key(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    # VERIFY_X509_STRICT wants it in every certificate but a root (RFC 5280 4.2.1.1), RFC 5280 5.2.1 in a CRL.
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _ca_extensions(builder: x509.CertificateBuilder, path_length: int) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=path_length), critical=True
    ).add_extension(_key_usage(signs_certificates=True), critical=True)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _require_order(start: datetime, end: datetime) -> None:
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("a time without zone")
    if start >= end:
        raise ValueError("the end does not come after the start")


def _require_within(ca: CertificateAuthority, validity: Validity) -> None:
    # A leaf that outlives its CA would stop working on a day its own dates do not show. A certificate holds
    # whole seconds (RFC 5280 4.1.2.5), so the CA's end may have lost a fraction that ours still has.
    if validity.not_after.replace(microsecond=0) > ca.certificate.not_valid_after_utc:
        raise ValueError(
            "認証局より長く続く証明書になる / a certificate may not outlast the CA that signs it"
        )

"""Certificates that no door may take: each wrong in one way, and why it must be refused."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from jukinet_daemon.pki.issue import CertificateAuthority, make_issuing, make_root
from support.estate import DAY, validity
from support.world import TRUST_DOMAIN

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Shown:
    """What somebody shows in a handshake: a chain, and a key; or nothing at all."""

    chain: tuple[bytes, ...] = ()
    key: bytes = b""


@dataclass(frozen=True)
class Kit:
    """Who would be right at a door, and the CAs: ours, and what else a forger may have.

    `issuing` is bound to its trust domain, as the ceremony makes it; `free` is one of ours that is not.
    """

    issuing: CertificateAuthority
    free: CertificateAuthority
    root: CertificateAuthority
    role: str
    name: str
    usage: tuple[ObjectIdentifier, ...] = (CLIENT,)

    def uri(self, **changes: str) -> str:
        parts = {"domain": TRUST_DOMAIN, "role": self.role, "name": self.name} | changes
        return "spiffe://{domain}/{role}/{name}".format(**parts)


@dataclass(frozen=True)
class Leaf:
    """A leaf to be made; sound for its door unless a field says otherwise."""

    uris: tuple[str, ...]
    issuer: CertificateAuthority
    usage: tuple[ObjectIdentifier, ...] | None
    days: tuple[float, float] = (-1, 30)
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    ca: bool = False
    key_cert_sign: bool = False
    authority_key: bool = True
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()

    def certificate(self) -> x509.Certificate:
        now = datetime.now(UTC)
        public = self.key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")]))
            .issuer_name(self.issuer.certificate.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + self.days[0] * DAY)
            .not_valid_after(now + self.days[1] * DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.BasicConstraints(self.ca, None), critical=True)
            .add_extension(_usage(self.key_cert_sign), critical=True)
        )
        if self.authority_key:
            above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.issuer.key.public_key())
            builder = builder.add_extension(above, critical=False)
        if self.usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.usage), critical=False)
        if self.uris:
            names = [x509.UniformResourceIdentifier(uri) for uri in self.uris]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        for extension, critical in self.more:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.issuer.key, SHA256())

    def shown(self) -> Shown:
        return shown(self.certificate(), self.key, self.issuer.chain)


def shown(certificate: x509.Certificate, key: Key, chain: tuple[x509.Certificate, ...]) -> Shown:
    pem = tuple(one.public_bytes(Encoding.PEM) for one in (certificate, *chain))
    return Shown(pem, key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))


def sound(kit: Kit, **changes: Any) -> Leaf:
    return replace(Leaf((kit.uri(),), kit.issuing, kit.usage), **changes)


def present(context: ssl.SSLContext, what: Shown, folder: Path) -> None:
    """Loads what is shown into a context that minds nothing."""
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if what.chain:
        certificate, key = folder / "shown.pem", folder / "shown.key"
        certificate.write_bytes(b"".join(what.chain))
        key.write_bytes(what.key)
        context.load_cert_chain(certificate, key)


def _usage(key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(True, False, False, False, False, key_cert_sign, False, False, False)


def _self_signed(kit: Kit) -> Shown:
    key = ec.generate_private_key(ec.SECP256R1())
    own = make_root("somebody", validity())
    itself = CertificateAuthority(own.certificate, key, ())
    return sound(kit, issuer=itself, key=key).shown()


def _rogue(kit: Kit, *, whole: bool) -> Shown:
    """A CA of the same names, of somebody else's making."""
    root = make_root(_name(kit.root), validity(300))
    issuing = make_issuing(root, _name(kit.issuing), validity(200))
    chain = (*issuing.chain, root.certificate) if whole else issuing.chain
    leaf = sound(kit, issuer=issuing)
    return shown(leaf.certificate(), leaf.key, chain)


def _name(authority: CertificateAuthority) -> str:
    return str(authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _without_list(kit: Kit) -> Shown:
    return sound(kit, issuer=make_issuing(kit.root, "unlisted", validity(100))).shown()


def _leaf_as_ca(kit: Kit) -> Shown:
    """An honest holder's certificate used to sign another's."""
    honest = sound(kit)
    certificate = honest.certificate()
    assert isinstance(honest.key, ec.EllipticCurvePrivateKey)
    posing = CertificateAuthority(certificate, honest.key, (certificate, *kit.issuing.chain))
    return sound(kit, issuer=posing).shown()


def _ca_below_ca(kit: Kit) -> Shown:
    """A CA that our issuing CA may not have: its path length is 0."""
    deeper = make_issuing(kit.issuing, "deeper", validity(20))
    chain = (deeper.certificate, *kit.issuing.chain)
    return sound(kit, issuer=replace(deeper, chain=chain)).shown()


def _sha1(kit: Kit) -> Shown:
    leaf = sound(kit)
    body = leaf.certificate().tbs_certificate_bytes[4:]
    new, old = bytes.fromhex("300906072a8648ce3d0401"), bytes.fromhex("300a06082a8648ce3d040302")
    body = body.replace(old, new, 1)
    signed = b"\x30\x82" + len(body).to_bytes(2) + body
    signature = kit.issuing.key.sign(signed, ec.ECDSA(SHA1()))
    bits = b"\x03" + bytes([len(signature) + 1]) + b"\0" + signature
    content = signed + new + bits
    der = b"\x30\x82" + len(content).to_bytes(2) + content
    return shown(x509.load_der_x509_certificate(der), leaf.key, kit.issuing.chain)


def _tampered(kit: Kit) -> Shown:
    """The name of one municipality scratched out and another's written in."""
    other = "x" * len(kit.name)
    leaf = sound(kit, uris=(kit.uri(name=other),))
    der = leaf.certificate().public_bytes(Encoding.DER)
    forged = der.replace(kit.uri(name=other).encode(), kit.uri().encode())
    return shown(x509.load_der_x509_certificate(forged), leaf.key, kit.issuing.chain)


def _anothers(kit: Kit) -> Shown:
    """A good certificate in the hands of somebody without its key, whose own key file lies about itself."""
    good, mine = sound(kit), ec.generate_private_key(ec.SECP256R1())
    own, others = (
        key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        for key in (mine, good.key)
    )
    der = mine.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    lying = ssl.DER_cert_to_PEM_cert(der.replace(own, others)).replace("CERTIFICATE", "EC PRIVATE KEY")
    return replace(good.shown(), key=lying.encode())


def _san(*names: x509.GeneralName) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    return ((x509.SubjectAlternativeName(names), False),)


def _raw(oid: str, value: bytes, critical: bool) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    return ((x509.UnrecognizedExtension(ObjectIdentifier(oid), value), critical),)


_UNKNOWN = _raw("1.2.3.4", b"\x05\x00", True)
# An ediPartyName: well formed, and of a kind that nobody reads.
_UNREADABLE = _raw("2.5.29.17", bytes.fromhex("3009a507a1050c03616263"), False)


@dataclass(frozen=True)
class Bad:
    """A certificate that must be refused, everywhere for the same reason."""

    what: str
    make: Callable[[Kit], Shown]
    reason: str


def _with(**changes: Any) -> Callable[[Kit], Shown]:
    return lambda kit: sound(kit, **changes).shown()


def _named(**changes: str) -> Callable[[Kit], Shown]:
    return lambda kit: sound(kit, uris=(kit.uri(**changes),)).shown()


def _written(write: Callable[[str], str]) -> Callable[[Kit], Shown]:
    return lambda kit: sound(kit, uris=(write(kit.uri()),)).shown()


def _wrong_side(kit: Kit) -> Shown:
    return sound(kit, usage=(SERVER if CLIENT in kit.usage else CLIENT,)).shown()


def _of_a_free_ca(kit: Kit) -> Shown:
    return sound(kit, issuer=kit.free, uris=(kit.uri(domain="elsewhere.test"),)).shown()


def _two(kit: Kit) -> Shown:
    return sound(kit, uris=(kit.uri(), kit.uri(name="401005"))).shown()


BAD = (
    Bad("self-signed", _self_signed, "self-signed"),
    Bad("rogue CA of the same names", lambda kit: _rogue(kit, whole=False), "unknown-ca"),
    Bad("rogue CA that shows its root too", lambda kit: _rogue(kit, whole=True), "unknown-root"),
    Bad("expired", _with(days=(-9, -1)), "expired"),
    Bad("not yet valid", _with(days=(1, 9)), "not-yet-valid"),
    Bad("of an issuing CA without CRL", _without_list, "crl-missing"),
    Bad("scratched and written over", _tampered, "bad-signature"),
    Bad("without its private key", _anothers, "key-not-held"),
    Bad("signed by a leaf that poses as a CA", _leaf_as_ca, "issuer-not-a-ca"),
    Bad("of a CA below our issuing CA", _ca_below_ca, "chain-too-long"),
    Bad("CA itself, used as a leaf", _with(ca=True, key_cert_sign=True), "signing-certificate"),
    Bad("leaf that may sign certificates", _with(key_cert_sign=True), "against-rfc5280"),
    Bad("without authority key identifier", _with(authority_key=False), "against-rfc5280"),
    Bad(
        "unknown critical extension",
        _with(more=_UNKNOWN),
        "unknown-critical-extension",
    ),
    Bad("SHA-1", _sha1, "weak-signature"),
    Bad("RSA 1024", _with(key=rsa.generate_private_key(65537, 1024)), "weak-key"),
    Bad("RSA 2048", _with(key=rsa.generate_private_key(65537, 2048)), "key-not-p256"),
    Bad("P-384", _with(key=ec.generate_private_key(ec.SECP384R1())), "key-not-p256"),
    Bad("for the other side only", _wrong_side, "wrong-purpose"),
    Bad("for mail only", _with(usage=(ExtendedKeyUsageOID.EMAIL_PROTECTION,)), "wrong-purpose"),
    Bad("without extended key usage", _with(usage=None), "missing-usage"),
    Bad("no name", _with(uris=()), "no-uri"),
    Bad("host name only", _with(uris=(), more=_san(x509.DNSName("cs.example"))), "no-uri"),
    Bad("two URIs", _two, "several-uris"),
    Bad("unreadable name", _with(uris=(), more=_UNREADABLE), "unreadable-extensions"),
    Bad("NUL in the name", _written(lambda uri: uri + "\0.example"), "not-our-form"),
    Bad("https in place of spiffe", _written(lambda uri: uri.replace("spiffe", "https")), "not-our-form"),
    Bad("upper case", _written(str.upper), "not-our-form"),
    Bad("slash at the end", _written(lambda uri: uri + "/"), "not-our-form"),
    Bad("percent-encoded", _written(lambda uri: uri[:-1] + f"%{ord(uri[-1]):x}"), "not-our-form"),
    Bad("query", _written(lambda uri: uri + "?x=1"), "not-our-form"),
    Bad("port", _named(domain=f"{TRUST_DOMAIN}:443"), "not-our-form"),
    Bad("empty name", _named(name=""), "not-our-form"),
    Bad("unknown role", _named(role="clerk"), "not-our-form"),
    Bad("other trust domain", _named(domain="elsewhere.test"), "outside-constraints"),
    Bad("trust domain below ours", _named(domain=f"other.{TRUST_DOMAIN}"), "outside-constraints"),
    Bad("other trust domain, of a CA that is bound to none", _of_a_free_ca, "wrong-trust-domain"),
    Bad("wrong role", _named(role="operator"), "wrong-role"),
    Bad("unknown municipality or server", _named(name="999999"), "wrong-name"),
    Bad("ward", _named(name="401315"), "wrong-name"),
    Bad("municipality of another prefecture", _named(name="412015"), "wrong-name"),
)

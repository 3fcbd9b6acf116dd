"""A certificate names exactly one peer, or nobody."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from jukinet_daemon.pki.peer import (
    IdentityError,
    PeerIdentity,
    Role,
    identity_from_uri,
    identity_of,
    thumbprint,
)

KEY = ec.generate_private_key(ec.SECP256R1())
URI_TAG, DNS_TAG = 0x86, 0x82
NO_USAGE = {
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "encipher_only": False,
    "decipher_only": False,
}


def certificate(*extensions: x509.ExtensionType) -> x509.Certificate:
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1)
    builder = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, SHA256())


def raw_san(*names: tuple[int, bytes]) -> x509.UnrecognizedExtension:
    """The SAN in bytes, so that a test can say what the library would not write."""
    body = b"".join(_tlv(tag, value) for tag, value in names)
    return x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, _tlv(0x30, body))


def _tlv(tag: int, value: bytes) -> bytes:
    length = len(value)
    size = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + size + value


def with_uris(uris: Sequence[bytes]) -> x509.Certificate:
    return certificate(raw_san(*((URI_TAG, uri) for uri in uris)))


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("spiffe://jukinet.example/cs/401307", PeerIdentity("jukinet.example", Role.CS, "401307")),
        ("spiffe://jukinet.example/pref/juki", PeerIdentity("jukinet.example", Role.PREF, "juki")),
        ("spiffe://jukinet.example/pref/fuhyo", PeerIdentity("jukinet.example", Role.PREF, "fuhyo")),
        ("spiffe://jukinet.example/national/juki", PeerIdentity("jukinet.example", Role.NATIONAL, "juki")),
        ("spiffe://jukinet.example/operator/alice", PeerIdentity("jukinet.example", Role.OPERATOR, "alice")),
        ("spiffe://a/operator/" + "x" * 64, PeerIdentity("a", Role.OPERATOR, "x" * 64)),
        ("spiffe://my_net.example-1/cs/a-b", PeerIdentity("my_net.example-1", Role.CS, "a-b")),
    ],
)
def test_a_good_uri_is_read_and_written_back(uri: str, expected: PeerIdentity) -> None:
    identity = identity_of(with_uris([uri.encode()]))
    assert identity == expected
    assert identity.uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        b"",
        b"https://jukinet.example/cs/401307",
        b"SPIFFE://jukinet.example/cs/401307",
        b"spiffe:/jukinet.example/cs/401307",
        b"spiffe:///cs/401307",
        b"spiffe://Jukinet.example/cs/401307",
        b"spiffe://jukinet.example:443/cs/401307",
        b"spiffe://user@jukinet.example/cs/401307",
        b"spiffe://[::1]/cs/401307",
        b"spiffe://" + b"a" * 256 + b"/cs/401307",
        b"spiffe://jukinet.example",
        b"spiffe://jukinet.example/cs",
        b"spiffe://jukinet.example/cs/",
        b"spiffe://jukinet.example//cs/401307",
        b"spiffe://jukinet.example/cs/401307/",
        b"spiffe://jukinet.example/cs/401307/more",
        b"spiffe://jukinet.example/cs/401307?x=1",
        b"spiffe://jukinet.example/cs/401307#x",
        b"spiffe://jukinet.example/cs/%34",
        b"spiffe://jukinet.example/cs/..",
        b"spiffe://jukinet.example/cs/Alice",
        b"spiffe://jukinet.example/cs/a b",
        b"spiffe://jukinet.example/cs/" + b"1" * 65,
        b"spiffe://jukinet.example/CS/401307",
        b"spiffe://jukinet.example/mayor/401307",
        b"spiffe://jukinet.example/cs/\xef\xbc\x94",
        b"spiffe://jukinet.example/cs/401307\n",
        b"spiffe://jukinet.example/cs/401307\x00",
        b" spiffe://jukinet.example/cs/401307",
    ],
)
def test_any_other_uri_names_nobody(uri: bytes) -> None:
    with pytest.raises(IdentityError) as caught:
        identity_of(with_uris([uri]))
    assert caught.value.reason == "not-our-form"
    assert str(caught.value) == "not-our-form"


@pytest.mark.parametrize("digits", ["\uff14\uff10\uff11\uff13\uff10\uff17", "\u0664"])
def test_digits_of_other_scripts_are_no_digits(digits: str) -> None:
    with pytest.raises(IdentityError, match="not-our-form"):
        identity_from_uri(f"spiffe://jukinet.example/cs/{digits}")


GOOD = b"spiffe://jukinet.example/cs/401307"


@pytest.mark.parametrize(
    ("extensions", "reason"),
    [
        ([], "no-uri"),
        ([raw_san((DNS_TAG, b"cs.example"))], "no-uri"),
        ([raw_san((URI_TAG, GOOD), (URI_TAG, b"spiffe://jukinet.example/pref/juki"))], "several-uris"),
        ([raw_san((URI_TAG, GOOD), (URI_TAG, GOOD))], "several-uris"),
        ([raw_san((URI_TAG, GOOD), (URI_TAG, b"https://cs.example"))], "several-uris"),
        ([raw_san((URI_TAG, b"spiffe://jukinet.example/cs/\xff"))], "unreadable-extensions"),
        (
            [x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x05\x86")],
            "unreadable-extensions",
        ),
        ([raw_san((URI_TAG, GOOD)), x509.BasicConstraints(ca=True, path_length=0)], "signing-certificate"),
        (
            [
                raw_san((URI_TAG, GOOD)),
                x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=False, **NO_USAGE),
            ],
            "signing-certificate",
        ),
        (
            [
                raw_san((URI_TAG, GOOD)),
                x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=True, **NO_USAGE),
            ],
            "signing-certificate",
        ),
    ],
)
def test_a_certificate_without_one_readable_identity_names_nobody(
    extensions: list[x509.ExtensionType], reason: str
) -> None:
    with pytest.raises(IdentityError) as caught:
        identity_of(certificate(*extensions))
    assert caught.value.reason == reason


def test_a_san_of_another_type_may_stand_beside_the_uri() -> None:
    both = certificate(raw_san((DNS_TAG, b"cs.example"), (URI_TAG, GOOD)))
    assert identity_of(both).name == "401307"


@pytest.mark.parametrize(
    ("trust_domain", "name"), [("jukinet.example", "a/b"), ("jukinet.example/cs", "1"), ("", "1"), ("a", "")]
)
def test_an_identity_that_has_no_uri_cannot_be_made(trust_domain: str, name: str) -> None:
    with pytest.raises(IdentityError, match="not-our-form"):
        PeerIdentity(trust_domain, Role.CS, name)


def test_the_thumbprint_is_unpadded_base64url_of_the_sha256_of_the_der() -> None:
    one = with_uris([GOOD])
    text = thumbprint(one)
    assert len(text) == 43
    assert base64.urlsafe_b64decode(text + "=") == hashlib.sha256(one.public_bytes(Encoding.DER)).digest()

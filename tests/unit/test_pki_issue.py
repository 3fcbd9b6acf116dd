"""What is issued carries what was promised, and nothing has a hidden clock."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from jukinet_daemon.pki.issue import Validity, certify, issue, make_crl, make_issuing, make_root
from jukinet_daemon.pki.peer import PeerIdentity, Role, identity_of

START, END = datetime(2026, 4, 1, tzinfo=UTC), datetime(2028, 4, 1, tzinfo=UTC)
VALIDITY = Validity(START, END)
ROOT = make_root("root", VALIDITY)
ISSUING = make_issuing(ROOT, "issuing", VALIDITY)
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def identity(role: Role, name: str = "401307") -> PeerIdentity:
    return PeerIdentity("jukinet.example", role, name)


@pytest.mark.parametrize(
    ("role", "usages"),
    [
        (Role.CS, {CLIENT}),
        (Role.PREF, {CLIENT, SERVER}),
        (Role.NATIONAL, {SERVER}),
        (Role.OPERATOR, {CLIENT}),
    ],
)
def test_a_leaf_carries_its_extensions(role: Role, usages: set[x509.ObjectIdentifier]) -> None:
    leaf = issue(ISSUING, identity(role), VALIDITY).certificate
    found = leaf.extensions
    usage = found.get_extension_for_class(x509.KeyUsage)
    constraints = found.get_extension_for_class(x509.BasicConstraints)
    san = found.get_extension_for_class(x509.SubjectAlternativeName)
    assert set(found.get_extension_for_class(x509.ExtendedKeyUsage).value) == usages
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not usage.value.crl_sign
    assert not usage.value.key_agreement
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=False, path_length=None)
    assert not san.critical
    assert len(list(san.value)) == 1
    assert identity_of(leaf) == identity(role)


@pytest.mark.parametrize(("authority", "path_length"), [(ROOT, 1), (ISSUING, 0)])
def test_a_ca_carries_its_extensions(authority: object, path_length: int) -> None:
    certificate = (ROOT if authority is ROOT else ISSUING).certificate
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=path_length)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature


def test_each_certificate_points_to_the_key_that_signed_it() -> None:
    leaf = issue(ISSUING, identity(Role.CS), VALIDITY).certificate
    chain = [leaf, ISSUING.certificate, ROOT.certificate]
    for below, above in zip(chain, [*chain[1:], ROOT.certificate], strict=True):
        aki = below.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        ski = above.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        assert aki.key_identifier == ski.digest
        below.verify_directly_issued_by(above)


def test_everything_is_p256_with_sha256() -> None:
    leaf = issue(ISSUING, identity(Role.CS), VALIDITY)
    for certificate in (leaf.certificate, ISSUING.certificate, ROOT.certificate):
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256R1)
        assert isinstance(certificate.signature_hash_algorithm, SHA256)


def test_the_chain_is_sent_without_the_root() -> None:
    assert ROOT.chain == ()
    assert ISSUING.chain == (ISSUING.certificate,)


def test_serials_and_keys_are_fresh_and_no_key_is_printed() -> None:
    one, other = (issue(ISSUING, identity(Role.CS), VALIDITY) for _ in range(2))
    assert one.certificate.serial_number != other.certificate.serial_number
    assert one.key.public_key() != other.key.public_key()
    assert "key=" not in repr(one)
    assert "key=" not in repr(ISSUING)


def test_a_holder_may_keep_the_key_it_made() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert certify(ISSUING, identity(Role.CS), key.public_key(), VALIDITY).public_key() == key.public_key()


def test_the_dates_are_the_ones_given_whatever_their_zone() -> None:
    japan = timezone(timedelta(hours=9))
    leaf = issue(ISSUING, identity(Role.CS), Validity(START.astimezone(japan), END.astimezone(japan)))
    assert leaf.certificate.not_valid_before_utc == START
    assert leaf.certificate.not_valid_after_utc == END


@pytest.mark.parametrize(
    ("start", "end"),
    [(END, START), (START, START), (START.replace(tzinfo=None), END), (START, END.replace(tzinfo=None))],
)
def test_dates_without_order_or_zone_are_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match=r"zone|after"):
        Validity(start, end)
    with pytest.raises(ValueError, match=r"zone|after"):
        make_crl(ISSUING, {}, start, end, number=1)


def test_nothing_outlasts_the_ca_that_signs_it() -> None:
    longer = Validity(START, END + timedelta(seconds=1))
    with pytest.raises(ValueError, match="outlast"):
        issue(ISSUING, identity(Role.CS), longer)
    with pytest.raises(ValueError, match="outlast"):
        make_issuing(ROOT, "issuing", longer)


def test_a_fraction_of_a_second_does_not_outlast_the_ca() -> None:
    validity = Validity(START, END + timedelta(microseconds=7))
    issuing = make_issuing(make_root("root", validity), "issuing", validity)
    leaf = issue(issuing, identity(Role.CS), validity).certificate
    assert leaf.not_valid_after_utc == END


def test_a_crl_carries_its_entries_and_number() -> None:
    revoked = {9: START, 3: START + timedelta(days=1)}
    crl = make_crl(ISSUING, revoked, START, END, number=7)
    assert {entry.serial_number: entry.revocation_date_utc for entry in crl} == revoked
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 7
    aki = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    ski = ISSUING.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert aki.key_identifier == ski.digest
    assert (crl.last_update_utc, crl.next_update_utc) == (START, END)
    assert crl.is_signature_valid(ISSUING.key.public_key())

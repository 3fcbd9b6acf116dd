"""A door admits by role, name, usage and pin, and says which of them failed."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from jukinet_daemon.pki.issue import Issued, Validity, issue, make_root
from jukinet_daemon.pki.peer import PeerIdentity, Role, thumbprint
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, Side, admits

DOMAIN = "jukinet.example"
VALIDITY = Validity(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
ROOT = make_root("root", VALIDITY)
CS = issue(ROOT, PeerIdentity(DOMAIN, Role.CS, "401307"), VALIDITY)
PREF = issue(ROOT, PeerIdentity(DOMAIN, Role.PREF, "juki"), VALIDITY)
NATIONAL = issue(ROOT, PeerIdentity(DOMAIN, Role.NATIONAL, "juki"), VALIDITY)
CS_PIN = frozenset({thumbprint(CS.certificate)})


@pytest.mark.parametrize(
    ("policy", "peer", "name"),
    [
        (DoorPolicy(DOMAIN, Role.CS), CS, "401307"),
        (DoorPolicy(DOMAIN, Role.CS, names=frozenset({"401307", "401005"})), CS, "401307"),
        (DoorPolicy(DOMAIN, Role.CS, pins=CS_PIN), CS, "401307"),
        (DoorPolicy(DOMAIN, Role.PREF), PREF, "juki"),
        (DoorPolicy(DOMAIN, Role.PREF, side=Side.SERVER), PREF, "juki"),
        (DoorPolicy(DOMAIN, Role.NATIONAL, names=frozenset({"juki"}), side=Side.SERVER), NATIONAL, "juki"),
    ],
)
def test_the_right_peer_is_admitted(policy: DoorPolicy, peer: Issued, name: str) -> None:
    assert admits(policy, peer.certificate) == PeerIdentity(DOMAIN, policy.role, name)


@pytest.mark.parametrize(
    ("policy", "peer", "reason"),
    [
        (DoorPolicy("other.example", Role.CS), CS, "wrong-trust-domain"),
        (DoorPolicy(DOMAIN, Role.PREF), CS, "wrong-role"),
        (DoorPolicy(DOMAIN, Role.CS), PREF, "wrong-role"),
        (DoorPolicy(DOMAIN, Role.CS, names=frozenset({"401005"})), CS, "wrong-name"),
        (DoorPolicy(DOMAIN, Role.CS, names=frozenset()), CS, "wrong-name"),
        (DoorPolicy(DOMAIN, Role.PREF, pins=CS_PIN), PREF, "not-pinned"),
        (DoorPolicy(DOMAIN, Role.PREF, pins=frozenset()), PREF, "not-pinned"),
        (DoorPolicy(DOMAIN, Role.NATIONAL), NATIONAL, "missing-client-usage"),
        (DoorPolicy(DOMAIN, Role.CS, side=Side.SERVER), CS, "missing-server-usage"),
    ],
)
def test_the_wrong_peer_is_kept_out_by_name(policy: DoorPolicy, peer: Issued, reason: str) -> None:
    with pytest.raises(NotAdmitted) as caught:
        admits(policy, peer.certificate)
    assert caught.value.reason.value == reason
    assert caught.value.identity is not None
    assert str(caught.value) == f"{reason}: {caught.value.identity.uri}"


def test_a_ca_is_nobody() -> None:
    with pytest.raises(NotAdmitted) as caught:
        admits(DoorPolicy(DOMAIN, Role.CS), ROOT.certificate)
    assert caught.value.reason.value == "signing-certificate"
    assert caught.value.identity is None


def test_a_certificate_for_any_purpose_is_for_none() -> None:
    name = x509.Name([])
    uri = x509.UniformResourceIdentifier(f"spiffe://{DOMAIN}/cs/401307")
    certificate = (
        x509.CertificateBuilder(name, name, CS.key.public_key(), 1)
        .not_valid_before(VALIDITY.not_before)
        .not_valid_after(VALIDITY.not_after)
        .add_extension(x509.SubjectAlternativeName([uri]), critical=True)
        .sign(ROOT.key, SHA256())
    )
    with pytest.raises(NotAdmitted, match="missing-client-usage"):
        admits(DoorPolicy(DOMAIN, Role.CS), certificate)

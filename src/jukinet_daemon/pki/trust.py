"""Whom a door admits: by role, name and pinned key, never by "any certificate of our CA" (入室の条件)."""

from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from .peer import IdentityError, PeerIdentity, Role, identity_of, thumbprint
from .refusal import Refusal


class Side(StrEnum):
    """Which end of the TLS connection the peer is."""

    CLIENT = "client"
    SERVER = "server"


_USAGE = {
    Side.CLIENT: (ExtendedKeyUsageOID.CLIENT_AUTH, Refusal.MISSING_CLIENT_USAGE),
    Side.SERVER: (ExtendedKeyUsageOID.SERVER_AUTH, Refusal.MISSING_SERVER_USAGE),
}


class NotAdmitted(Exception):
    """A peer the policy keeps out: `reason` says why, `identity` who it was, if it was anybody."""

    def __init__(self, reason: Refusal, identity: PeerIdentity | None) -> None:
        super().__init__(reason.value if identity is None else f"{reason}: {identity.uri}")
        self.reason = reason
        self.identity = identity

    @property
    def named(self) -> str | None:
        """The URI of the one who was not admitted, if the certificate named anybody."""
        return self.identity.uri if self.identity else None


@dataclass(frozen=True, slots=True)
class DoorPolicy:
    """Who may stand at the other end of a door.

    `names` and `pins` (thumbprints) are None for "any"; an empty set admits nobody. `side` is the end the
    peer is on: CLIENT for a door peers come in by, SERVER for one we go out by.
    """

    trust_domain: str
    role: Role
    names: frozenset[str] | None = None
    pins: frozenset[str] | None = None
    side: Side = Side.CLIENT


def admits(policy: DoorPolicy, certificate: x509.Certificate) -> PeerIdentity:
    """Take a policy and a certificate TLS has verified, give the peer's identity; raise NotAdmitted."""
    try:
        identity = identity_of(certificate)
    except IdentityError as error:
        raise NotAdmitted(Refusal(error.reason), None) from error
    reason = _mismatch(policy, identity) or _usage_or_pin(policy, certificate)
    if reason is not None:
        raise NotAdmitted(reason, identity)
    return identity


def _mismatch(policy: DoorPolicy, identity: PeerIdentity) -> Refusal | None:
    if identity.trust_domain != policy.trust_domain:
        return Refusal.WRONG_TRUST_DOMAIN
    if identity.role is not policy.role:
        return Refusal.WRONG_ROLE
    if policy.names is not None and identity.name not in policy.names:
        return Refusal.WRONG_NAME
    return None


def _usage_or_pin(policy: DoorPolicy, certificate: x509.Certificate) -> Refusal | None:
    usage, refusal = _USAGE[policy.side]
    if usage not in _extended_usages(certificate):
        return refusal
    if policy.pins is not None and thumbprint(certificate) not in policy.pins:
        return Refusal.NOT_PINNED
    return None


def _extended_usages(certificate: x509.Certificate) -> frozenset[x509.ObjectIdentifier]:
    # OpenSSL lets a certificate without this extension pass for every purpose; a door does not.
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(extension.value)

"""Whether a certificate that was good at the handshake still is: CA, dates and CRL of now (信任の継続)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from .refusal import Refusal

# Every municipality's certificate, an old one and a new one, under each CA it may be of.
SIGNED = 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """What peers are checked against: trusted roots, the CAs known below them, the newest CRL of each CA."""

    roots: tuple[x509.Certificate, ...]
    below: tuple[x509.Certificate, ...]
    crls: Mapping[x509.Certificate, x509.CertificateRevocationList]

    @property
    def next_update(self) -> datetime | None:
        """When the first of the CRLs ends."""
        return min((crl.next_update_utc for crl in self.crls.values() if crl.next_update_utc), default=None)

    @property
    def whole_chain(self) -> bool:
        """Whether the roots have CRLs too, so that an issuing CA can be revoked."""
        return any(root in self.crls for root in self.roots)

    def lost_by(self, certificate: x509.Certificate, now: datetime) -> Refusal | None:
        """Take a peer's certificate and the time, give why it is trusted no longer, or None."""
        if now > certificate.not_valid_after_utc:
            return Refusal.EXPIRED
        chain = self._chain_of(certificate, now)
        if not chain:
            return Refusal.UNKNOWN_CA
        for depth, (below, above) in enumerate(pairwise(chain)):
            if depth == 0 or self.whole_chain:
                refusal = _judged(below, self.crls.get(above), now)
                if refusal:
                    return refusal
        return None

    def _chain_of(self, certificate: x509.Certificate, now: datetime) -> list[x509.Certificate]:
        """The way up to a trusted root, or nothing. TLS has judged all else about it at the handshake."""
        chain = [certificate]
        while chain[-1] not in self.roots:
            above = (
                ca for ca in (*self.roots, *self.below) if ca not in chain and _issued(ca, chain[-1], now)
            )
            found = next(above, None)
            if found is None:
                return []
            chain.append(found)
        return chain


def standing_of(
    certificates: Iterable[x509.Certificate],
    authorities: Iterable[x509.Certificate],
    crls: Iterable[x509.CertificateRevocationList],
) -> Standing:
    """Take the bundle, other known CAs and the CRLs, give the standing.

    Raises ValueError for a CRL that no CA among them signed, for two of one CA, and where some roots have a
    CRL and others none: all their peers would be refused.
    """
    bundle = tuple(certificates)
    roots = tuple(certificate for certificate in bundle if certificate.issuer == certificate.subject)
    below = tuple(dict.fromkeys(c for c in (*bundle, *authorities) if c not in roots))
    found: dict[x509.Certificate, x509.CertificateRevocationList] = {}
    for crl in crls:
        authority = next(_signers(crl, (*roots, *below)), None)
        if authority is None:
            raise ValueError("is not signed by a CA of our chain or our root bundle")
        if authority in found:
            raise ValueError("holds two CRLs of one CA")
        found[authority] = crl
    standing = Standing(roots, below, found)
    if standing.whole_chain and not all(root in found for root in roots):
        raise ValueError("holds a CRL of one root and not of the others")
    return standing


def _issued(authority: x509.Certificate, certificate: x509.Certificate, now: datetime) -> bool:
    return authority.not_valid_before_utc <= now <= authority.not_valid_after_utc and _signed(
        authority, certificate
    )


@lru_cache(maxsize=SIGNED)
def _signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a CA signed a certificate: it stays so, and open connections are looked at again and again."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _signers(
    crl: x509.CertificateRevocationList, authorities: Iterable[x509.Certificate]
) -> Iterator[x509.Certificate]:
    for authority in authorities:
        public_key = authority.public_key()
        if (
            crl.issuer == authority.subject
            and isinstance(public_key, ec.EllipticCurvePublicKey)
            and crl.is_signature_valid(public_key)
        ):
            yield authority


def _judged(
    certificate: x509.Certificate, crl: x509.CertificateRevocationList | None, now: datetime
) -> Refusal | None:
    if crl is None:
        return Refusal.CRL_MISSING
    if crl.next_update_utc is None or now > crl.next_update_utc:
        return Refusal.CRL_EXPIRED
    if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        return Refusal.REVOKED
    return None

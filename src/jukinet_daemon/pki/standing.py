"""Whether a certificate that was good at the handshake still is: CA, dates and CRL of now (信任の継続)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from .refusal import Refusal

# Every municipality's certificate, an old one and a new one, under each CA it may be of.
SIGNED = 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """What peers are checked against: the CAs of the bundle, roots and issuing ones, and the CRL of each.

    Every one has its list. Without the root's, a revoked issuing CA would be trusted on.
    """

    bundle: tuple[x509.Certificate, ...]
    crls: Mapping[x509.Certificate, x509.CertificateRevocationList]

    @property
    def next_update(self) -> datetime | None:
        """When the first of the CRLs ends."""
        return min((crl.next_update_utc for crl in self.crls.values() if crl.next_update_utc), default=None)

    def lost_by(self, certificate: x509.Certificate, now: datetime) -> Refusal | None:
        """Take a peer's certificate and the time, give why it is trusted no longer, or None."""
        if now > certificate.not_valid_after_utc:
            return Refusal.EXPIRED
        chain = self._chain_of(certificate, now)
        if not chain:
            return Refusal.UNKNOWN_CA
        judged = (_judged(below, self.crls[above], now) for below, above in pairwise(chain))
        return next((refusal for refusal in judged if refusal), None)

    def _chain_of(self, certificate: x509.Certificate, now: datetime) -> list[x509.Certificate]:
        """The way up to a trusted root, or nothing. TLS has judged all else about it at the handshake."""
        chain = [certificate]
        while not _is_root(chain[-1]):
            above = (ca for ca in self.bundle if ca not in chain and _issued(ca, chain[-1], now))
            found = next(above, None)
            if found is None:
                return []
            chain.append(found)
        return chain if chain[-1] in self.bundle else []


def standing_of(
    bundle: Iterable[x509.Certificate],
    filed: Iterable[x509.CertificateRevocationList],
    kept: Iterable[x509.CertificateRevocationList],
    now: datetime,
) -> tuple[Standing, str | None]:
    """Take the CAs, the CRLs of the file and those from before, give the standing now and what is wrong.

    Of each CA the newest list counts: an older one would let a revoked peer in again, so would a missing
    one. But one that begins later than now would shut everybody out: while another is known, that counts.
    What is wrong with the file is said, and does not stop what is right in it from counting. Raises
    ValueError where a CA has no list at all, or no CA is a root.
    """
    authorities = tuple(dict.fromkeys(bundle))
    if not any(map(_is_root, authorities)):
        raise ValueError("認証局の束にルートがない / the bundle has no root")
    given, strange = _by_signer(filed, authorities)
    before, _ = _by_signer(kept, authorities)
    wrong = ["holds a CRL that no CA of the bundle signed"] if strange else []
    newest: dict[x509.Certificate, x509.CertificateRevocationList] = {}
    for authority in authorities:
        new, old = given.get(authority), before.get(authority)
        # An empty list is false, so ask for None.
        if new is None and old is None:
            raise ValueError(f"失効リストがない / holds no CRL of {_named(authority)}")
        unfit = _unfit(new, old, now)
        counts = old if unfit and old is not None else new
        assert counts is not None  # noqa: S101 - one of the two is there
        if unfit:
            wrong.append(f"holds {unfit} of {_named(authority)}: number {age(counts)[0]} counts on")
        newest[authority] = counts
    return Standing(authorities, newest), "; ".join(wrong) or None


def age(crl: x509.CertificateRevocationList) -> tuple[int, datetime]:
    """What orders the lists of one CA: number and date."""
    try:
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        number = 0
    return number, crl.last_update_utc


def _unfit(
    new: x509.CertificateRevocationList | None, old: x509.CertificateRevocationList | None, now: datetime
) -> str | None:
    """What a file holds instead of the list that should count; None where its list is that."""
    if new is None:
        return "no CRL"
    if new.last_update_utc > now:
        return f"a CRL that begins at {new.last_update_utc:%Y-%m-%dT%H:%M:%SZ}, later than now,"
    if old is not None and age(new) < age(old):
        return "an older CRL"
    return None


def _is_root(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def _named(authority: x509.Certificate) -> str:
    return authority.subject.rfc4514_string()


def _by_signer(
    crls: Iterable[x509.CertificateRevocationList], authorities: Iterable[x509.Certificate]
) -> tuple[dict[x509.Certificate, x509.CertificateRevocationList], bool]:
    """The newest list of each CA, and whether there is one that none of them signed."""
    found: dict[x509.Certificate, x509.CertificateRevocationList] = {}
    strange = False
    for crl in crls:
        signer = next((ca for ca in authorities if _listed_by(ca, crl)), None)
        if signer is None:
            strange = True
        elif signer not in found or age(found[signer]) < age(crl):
            found[signer] = crl
    return found, strange


def _issued(authority: x509.Certificate, certificate: x509.Certificate, now: datetime) -> bool:
    return authority.not_valid_before_utc <= now <= authority.not_valid_after_utc and _signed(
        authority, certificate
    )


@lru_cache(maxsize=SIGNED)
def _signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a CA signed a certificate: it stays so, and open connections are looked at again and again."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _listed_by(authority: x509.Certificate, crl: x509.CertificateRevocationList) -> bool:
    try:
        public_key = authority.public_key()
        return (
            crl.issuer == authority.subject
            and isinstance(public_key, ec.EllipticCurvePublicKey)
            and crl.is_signature_valid(public_key)
        )
    except (ValueError, UnsupportedAlgorithm):  # a key or a name is looked at only now
        return False


def _judged(
    certificate: x509.Certificate, crl: x509.CertificateRevocationList, now: datetime
) -> Refusal | None:
    if crl.next_update_utc is None or now > crl.next_update_utc:
        return Refusal.CRL_EXPIRED
    if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        return Refusal.REVOKED
    return None

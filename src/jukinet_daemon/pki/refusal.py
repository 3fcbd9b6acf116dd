"""Why a certificate is refused: one table of stable words for log, metric and diagnosis (拒否の理由)."""

import re
import ssl
from collections.abc import Mapping
from enum import StrEnum


class Refusal(StrEnum):
    """Why a certificate is not admitted; the words are stable, logs and metrics carry them."""

    # TLS would not have it
    NO_CERTIFICATE = "no-certificate"
    UNKNOWN_CA = "unknown-ca"
    UNKNOWN_ROOT = "unknown-root"
    SELF_SIGNED = "self-signed"
    BAD_SIGNATURE = "bad-signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"
    CRL_MISSING = "crl-missing"
    CRL_EXPIRED = "crl-expired"
    CRL_NOT_YET_VALID = "crl-not-yet-valid"
    CRL_UNUSABLE = "crl-unusable"
    CHAIN_TOO_LONG = "chain-too-long"
    ISSUER_NOT_A_CA = "issuer-not-a-ca"
    WRONG_PURPOSE = "wrong-purpose"
    WEAK_KEY = "weak-key"
    WEAK_SIGNATURE = "weak-signature"
    UNKNOWN_CRITICAL = "unknown-critical-extension"
    KEY_NOT_HELD = "key-not-held"
    OUTSIDE_CONSTRAINTS = "outside-constraints"
    AGAINST_RFC5280 = "against-rfc5280"
    UNVERIFIED = "unverified"
    # it names nobody
    UNREADABLE_EXTENSIONS = "unreadable-extensions"
    SIGNING_CERTIFICATE = "signing-certificate"
    NO_URI = "no-uri"
    SEVERAL_URIS = "several-uris"
    NOT_OUR_FORM = "not-our-form"
    KEY_NOT_P256 = "key-not-p256"
    # this door does not admit whom it names
    WRONG_TRUST_DOMAIN = "wrong-trust-domain"
    WRONG_ROLE = "wrong-role"
    WRONG_NAME = "wrong-name"
    MISSING_CLIENT_USAGE = "missing-client-usage"
    MISSING_SERVER_USAGE = "missing-server-usage"
    NOT_PINNED = "not-pinned"
    # its address or name has as many connections here as it may
    CROWDING = "crowding"


# OpenSSL's numbers (X509_V_ERR_..., include/openssl/x509_vfy.h).
_BY_VERIFY_CODE: Mapping[int, Refusal] = {
    2: Refusal.UNKNOWN_CA,
    3: Refusal.CRL_MISSING,
    7: Refusal.BAD_SIGNATURE,
    8: Refusal.CRL_UNUSABLE,
    9: Refusal.NOT_YET_VALID,
    10: Refusal.EXPIRED,
    11: Refusal.CRL_NOT_YET_VALID,
    12: Refusal.CRL_EXPIRED,
    18: Refusal.SELF_SIGNED,
    19: Refusal.UNKNOWN_ROOT,
    20: Refusal.UNKNOWN_CA,
    21: Refusal.UNKNOWN_CA,
    22: Refusal.CHAIN_TOO_LONG,
    23: Refusal.REVOKED,
    25: Refusal.CHAIN_TOO_LONG,
    26: Refusal.WRONG_PURPOSE,
    32: Refusal.ISSUER_NOT_A_CA,
    34: Refusal.UNKNOWN_CRITICAL,
    35: Refusal.CRL_UNUSABLE,
    47: Refusal.OUTSIDE_CONSTRAINTS,
    66: Refusal.WEAK_KEY,
    67: Refusal.WEAK_KEY,
    68: Refusal.WEAK_SIGNATURE,
    79: Refusal.ISSUER_NOT_A_CA,
    **dict.fromkeys(range(80, 95), Refusal.AGAINST_RFC5280),
}
_BY_REASON = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": Refusal.NO_CERTIFICATE,
    "BAD_SIGNATURE": Refusal.KEY_NOT_HELD,
}


# OpenSSL's name of an alert that came says since which version there is such a one.
_ALERT = re.compile(r"V\d+_ALERT_(\w+)")


def refusal_in(fault: ssl.SSLError) -> Refusal | None:
    """Take what a TLS handshake failed with, give the refusal if a certificate was refused, or None."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(fault.verify_code, Refusal.UNVERIFIED)
    return _BY_REASON.get(fault.reason or "")


def alert_in(fault: BaseException | None) -> str | None:
    """Take what a connection failed with, give the alert of the other end if it sent one (RFC 8446, 6)."""
    reason = fault.reason if isinstance(fault, ssl.SSLError) else None
    told = _ALERT.search(reason or "")
    return told[1].lower() if told else None

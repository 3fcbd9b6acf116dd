"""封筒: a JSON payload signed by a certificate's key, as a compact JWS (RFC 7515, ES256)."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jws import CompactSignature

PARCEL_TYPE = "jukinet-parcel+jws"
TALLY_TYPE = "jukinet-tally+jws"
REPLY_TYPE = "jukinet-reply+jws"

# A parcel of 500 notices is about 0.8 MB; what does not fit is refused by the socket before it is read.
MAX_SIGNED_BYTES = 2 * 1024 * 1024
_ALGORITHMS = ["ES256"]
_REGISTRY = jws.JWSRegistry(algorithms=_ALGORITHMS)
_REGISTRY.max_payload_length = MAX_SIGNED_BYTES


class SignatureFault(ValueError):
    """A signed message does not open: not a JWS, another type, another certificate, or a false signature."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the thumbprint of its certificate (x5t#S256, RFC 7515 4.1.8)."""

    key: ECKey = field(repr=False)
    thumbprint: str

    @classmethod
    def of(cls, key: EllipticCurvePrivateKey, thumbprint: str) -> "SigningKey":
        """Takes the certificate's private key and its thumbprint."""
        return cls(ECKey.import_key(key), thumbprint)


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public key of a peer's certificate and its thumbprint."""

    key: ECKey = field(repr=False)
    thumbprint: str

    @classmethod
    def of(cls, key: EllipticCurvePublicKey, thumbprint: str) -> "VerifyingKey":
        """Takes the certificate's public key and its thumbprint."""
        return cls(ECKey.import_key(key), thumbprint)


def seal(payload: bytes, kind: str, key: SigningKey) -> str:
    """Signs a payload; `kind` is the JWS typ. Gives the compact form."""
    header = {"alg": "ES256", "typ": kind, "x5t#S256": key.thumbprint}
    return jws.serialize_compact(header, payload, key.key, registry=_REGISTRY)


def unseal(signed: str, kind: str, key: VerifyingKey) -> bytes:
    """Opens a compact JWS and gives its payload.

    Raises SignatureFault unless it has the type `kind`, names this certificate and its signature holds.
    """
    opened = _extracted(signed)
    # The header says what ours does and no more, however it is laid out: no parameter that would change what
    # is signed (b64, crit) gets a say.
    if opened.protected != {"alg": "ES256", "typ": kind, "x5t#S256": key.thumbprint}:
        raise SignatureFault("another kind of message, or signed by another certificate")
    if not jws.validate_compact(opened, key.key, registry=_REGISTRY):
        raise SignatureFault("the signature does not hold")
    return opened.payload


def _extracted(signed: str) -> CompactSignature:
    try:
        return jws.extract_compact(signed.encode("ascii"), None, _REGISTRY)
    except (JoseError, ValueError, TypeError):
        raise SignatureFault("not a JWS") from None


def digest_of(signed: str | bytes) -> str:
    """SHA-256 of a compact JWS, base64url: what a reply says it answers.

    A JWS holds a fresh signature, so the digest of one tells nothing about the personal values in it.
    """
    data = signed.encode("utf-8") if isinstance(signed, str) else signed
    return base64url(hashlib.sha256(data).digest())


def base64url(data: bytes) -> str:
    """Base64url without padding, as JOSE writes it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """What base64url without padding says."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

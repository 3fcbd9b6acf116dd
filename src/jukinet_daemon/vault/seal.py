"""封: one answer sealed to the public key of the request it answers (HPKE, RFC 9180), and opened again.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, mode base. The private key never leaves the memory of
the process that asked, and lives as long as its question: what was recorded on the line stays shut for ever.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE = b"jukinet-bridge/1 answer\0"


class SealFault(ValueError):
    """What came does not open with the key of the request, or the key is no key."""


class RequestKey:
    """The key pair of one request."""

    def __init__(self) -> None:
        self._private = X25519PrivateKey.generate()
        self.public = _text(self._private.public_key().public_bytes_raw())

    def open(self, sealed: str, bound_to: bytes) -> bytes:
        """Opens an answer that was sealed to this key and bound to the same bytes. Raises SealFault."""
        try:
            return _SUITE.decrypt(_bytes(sealed), self._private, info=_PURPOSE + bound_to)
        except (InvalidTag, ValueError):
            raise SealFault("an answer does not open with the key of its request") from None


def seal_to(public: str, plain: bytes, bound_to: bytes) -> str:
    """Seals an answer to a request's public key, bound to bytes that both sides know. Raises SealFault."""
    try:
        key = X25519PublicKey.from_public_bytes(_bytes(public))
        return _text(_SUITE.encrypt(plain, key, info=_PURPOSE + bound_to))
    except ValueError:
        raise SealFault("not the public key of a request") from None


def key_digest(public: str) -> bytes:
    """What a request remembers its public key by."""
    return hashlib.sha256(public.encode("ascii")).digest()


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

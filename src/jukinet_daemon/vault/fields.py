"""項目の暗号化: one field value sealed to its place, and found again by a blind index."""

import hashlib
import hmac
import os
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from jukinet_daemon.vault.keyring import Keyring

_VERSION_BYTES = 2
_NONCE_BYTES = 12
_INDEX_BYTES = 16


class VaultFault(ValueError):
    """A sealed value does not open where it stands: moved, damaged, or its key is gone."""


class Vault:
    """Seals and opens field values, and computes their indexes, under one key ring."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._ciphers = {version: AESGCMSIV(keyring.derive(version, "field")) for version in keyring.keys}

    def seal(self, place: str, value: bytes) -> bytes:
        """Encrypts a value, bound to its place (table, column, row) and key version (RFC 8452)."""
        version = self._keyring.current.to_bytes(_VERSION_BYTES, "big")
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._keyring.current].encrypt(nonce, value, version + place.encode())
        return version + nonce + sealed

    def open(self, place: str, sealed: bytes) -> bytes:
        """Decrypts a value that was sealed to this place. Raises VaultFault."""
        version = sealed[:_VERSION_BYTES]
        nonce = sealed[_VERSION_BYTES : _VERSION_BYTES + _NONCE_BYTES]
        cipher = self._ciphers.get(int.from_bytes(version, "big"))
        if cipher is None:
            raise VaultFault("the key version of a sealed value is not in the key ring")
        try:
            return cipher.decrypt(nonce, sealed[_VERSION_BYTES + _NONCE_BYTES :], version + place.encode())
        except (InvalidTag, ValueError):
            raise VaultFault("a sealed value does not open at its place") from None

    def index(self, column: str, value: str) -> bytes:
        """The blind index of a value: HMAC-SHA256 under a key of its own, cut to 16 bytes."""
        return hmac.digest(self._index_key, f"{column}\0{value}".encode(), hashlib.sha256)[:_INDEX_BYTES]

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed digest of a notice, to know a repeat by.

        Keyed, because a plain digest over known items and a 12-digit number would give the number away.
        """
        return hmac.digest(self._fingerprint_key, content, hashlib.sha256)

    @cached_property
    def _index_key(self) -> bytes:
        return self._keyring.derive(min(self._keyring.keys), "index")

    @cached_property
    def _fingerprint_key(self) -> bytes:
        return self._keyring.derive(min(self._keyring.keys), "fingerprint")

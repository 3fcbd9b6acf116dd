"""項目の暗号化: one field value sealed to its place, and found again by a blind index."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from jukinet_daemon.vault.keyring import Keyring

VERSION_BYTES = 2
_NONCE_BYTES = 12
_INDEX_BYTES = 16


class VaultFault(ValueError):
    """A sealed value does not open where it stands: moved, damaged, or its key is gone."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """What a ring's keys were derived to, once: sealing and index run for every notice."""

    ring: Keyring = field(repr=False)
    prefix: bytes
    ciphers: Mapping[int, AESGCMSIV] = field(repr=False)
    indexes: Mapping[int, HMAC] = field(repr=False)
    fingerprint: HMAC = field(repr=False)
    mark: HMAC = field(repr=False)


class Vault:
    """Seals and opens field values, and computes their indexes, under one key ring, which may be renewed."""

    def __init__(self, keyring: Keyring) -> None:
        self._keys = _derive(keyring)

    @property
    def ring(self) -> Keyring:
        """The key ring in use."""
        return self._keys.ring

    def renew(self, keyring: Keyring) -> None:
        """Takes another key ring; whatever is sealed from now on is under its current version."""
        self._keys = _derive(keyring)

    def seal(self, place: str, value: bytes) -> bytes:
        """Encrypts a value, bound to its place (table, column, row) and key version (RFC 8452)."""
        keys = self._keys
        nonce = os.urandom(_NONCE_BYTES)
        sealed = keys.ciphers[keys.ring.current].encrypt(nonce, value, keys.prefix + place.encode())
        return keys.prefix + nonce + sealed

    def open(self, place: str, sealed: bytes) -> bytes:
        """Decrypts a value that was sealed to this place. Raises VaultFault."""
        version = sealed[:VERSION_BYTES]
        nonce = sealed[VERSION_BYTES : VERSION_BYTES + _NONCE_BYTES]
        cipher = self._keys.ciphers.get(int.from_bytes(version, "big"))
        if cipher is None:
            raise VaultFault("the key version of a sealed value is not in the key ring")
        try:
            return cipher.decrypt(nonce, sealed[VERSION_BYTES + _NONCE_BYTES :], version + place.encode())
        except (InvalidTag, ValueError):
            raise VaultFault("a sealed value does not open at its place") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value stands under the version that is written under now."""
        return sealed.startswith(self._keys.prefix)

    def index(self, column: str, value: str) -> bytes:
        """The blind index to store beside a value: key version, then HMAC-SHA256 cut to 16 bytes."""
        keys = self._keys
        return keys.prefix + _index(keys.indexes[keys.ring.current], column, value)

    def indexes(self, column: str, value: str) -> list[bytes]:
        """Every index a value may be stored with: one for each version in the ring. For look-ups."""
        return [_prefix(version) + _index(key, column, value) for version, key in self._keys.indexes.items()]

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed digest of a notice, to know a repeat by.

        Keyed, because a plain digest over known items and a 12-digit number would give the number away.
        """
        return _digest(self._keys.fingerprint, content)

    def mark(self, kind: str, value: str) -> bytes:
        """A keyed digest that evidence names a code by: the same after every rotation."""
        return _index(self._keys.mark, kind, value)


def _derive(ring: Keyring) -> _Keys:
    return _Keys(
        ring,
        _prefix(ring.current),
        {version: AESGCMSIV(ring.derive(version, "field")) for version in ring.versions},
        {version: _keyed(ring.derive(version, "index")) for version in ring.versions},
        _keyed(ring.derive_lasting("fingerprint")),
        _keyed(ring.derive_lasting("mark")),
    )


def _prefix(version: int) -> bytes:
    return version.to_bytes(VERSION_BYTES, "big")


def _keyed(key: bytes) -> HMAC:
    return HMAC(key, SHA256())


def _digest(keyed: HMAC, content: bytes) -> bytes:
    # A copy, for setting up the key takes three times as long as a digest of one notice.
    copy = keyed.copy()
    copy.update(content)
    return copy.finalize()


def _index(keyed: HMAC, column: str, value: str) -> bytes:
    return _digest(keyed, f"{column}\0{value}".encode())[:_INDEX_BYTES]

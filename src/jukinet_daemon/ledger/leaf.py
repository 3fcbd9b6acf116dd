"""葉: one communication or operation as a salted commitment (RFC 9162 2.1.1 leaf hash)."""

import hashlib
import os
from dataclasses import dataclass, field

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf and what opens it. When payload and salt are lawfully erased, the hash still proves."""

    hash: bytes
    salt: bytes = field(repr=False)
    payload: str = field(repr=False)


def new_salt() -> bytes:
    """A fresh salt, so that nobody can try out payloads against a leaf."""
    return os.urandom(SALT_BYTES)


def leaf_of(payload: str, salt: bytes) -> Leaf:
    """The leaf of a canonical payload: SHA-256(0x00 || SHA-256(salt || payload))."""
    commitment = hashlib.sha256(salt + payload.encode("utf-8")).digest()
    return Leaf(hashlib.sha256(b"\x00" + commitment).digest(), salt, payload)

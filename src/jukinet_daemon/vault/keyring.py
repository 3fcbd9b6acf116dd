"""鍵束: the key versions of one register, read from a file that only the service can read."""

import base64
import binascii
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class KeyringFault(ValueError):
    """A key file cannot be used; the message says why, never a key."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by version, and the version that new values are written under."""

    keys: Mapping[int, bytes] = field(repr=False)
    current: int

    def derive(self, version: int, purpose: str) -> bytes:
        """The key of a version for one purpose (HKDF-SHA256, RFC 5869), so that no key serves two.

        Raises KeyringFault when the version is not in the ring.
        """
        if version not in self.keys:
            raise KeyringFault(f"key version {version} is not in the key ring")
        info = f"jukinet-daemon/{purpose}".encode()
        return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self.keys[version])


def read_keyring(path: Path) -> Keyring:
    """Reads a key file (TOML: `current = 1`, `[keys]` version = base64 of 32 bytes). Raises KeyringFault."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        keys = {
            int(version): base64.b64decode(text, validate=True) for version, text in table["keys"].items()
        }
        current = table["current"]
    except OSError as fault:
        raise KeyringFault(f"key file {path}: {fault.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise KeyringFault(f"key file {path}: not a key ring") from None
    if current not in keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise KeyringFault(f"key file {path}: `current` names no key, or a key is not {KEY_BYTES} bytes")
    return Keyring(MappingProxyType(keys), current)


def new_keyring_text() -> str:
    """The text of a fresh key file with one key."""
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")
    return f'current = 1\n\n[keys]\n1 = "{key}"\n'

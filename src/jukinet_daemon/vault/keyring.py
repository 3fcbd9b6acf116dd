"""鍵束: the keys of one register, by version, in a file that only the service can read."""

import base64
import binascii
import os
import secrets
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jukinet_daemon.durable import flush_folder

KEY_BYTES = 32
LAST_VERSION = 2**16 - 1
_OTHERS = 0o077
_WORLD = 0o007


class KeyringFault(ValueError):
    """A key file cannot be used; the message says why, never a key."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by version (1 to 65535), the version that new values are written under, and the fingerprint key.

    A version serves sealing and index, each under a key of its own derived from it. The fingerprint key
    has no versions: docs/adr/0020-keys-and-their-rotation.md says why.
    """

    keys: Mapping[int, bytes] = field(repr=False)
    current: int
    fingerprint_key: bytes = field(repr=False)

    def derive(self, version: int, purpose: str) -> bytes:
        """The key of a version for one purpose (HKDF-SHA256, RFC 5869), so that no key serves two.

        Raises KeyringFault when the version is not in the ring.
        """
        if version not in self.keys:
            raise KeyringFault(
                f"鍵の版 {version} が鍵束にない / key version {version} is not in the key ring"
            )
        return _derived(self.keys[version], purpose)

    def derive_lasting(self, purpose: str) -> bytes:
        """The key of a purpose that no rotation changes, from the fingerprint key."""
        return _derived(self.fingerprint_key, purpose)

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions in the ring, ascending."""
        return tuple(sorted(self.keys))

    def added(self) -> "Keyring":
        """The same with a fresh key of the next version, which nothing is written under yet."""
        version = self.versions[-1] + 1
        if version > LAST_VERSION:
            raise KeyringFault(f"鍵の版は {LAST_VERSION} まで / there is no key version after {LAST_VERSION}")
        fresh = {**self.keys, version: secrets.token_bytes(KEY_BYTES)}
        return replace(self, keys=MappingProxyType(fresh))

    def using(self, version: int) -> "Keyring":
        """The same, new values to be written under another version. Raises KeyringFault if it is missing."""
        self.derive(version, "field")
        return replace(self, current=version)

    def without(self, version: int) -> "Keyring":
        """The same without a version. Raises KeyringFault for the current one and one that is not there."""
        if version == self.current:
            raise KeyringFault(f"鍵の版 {version} は使用中 / key version {version} is the current one")
        self.derive(version, "field")
        left = {other: key for other, key in self.keys.items() if other != version}
        return replace(self, keys=MappingProxyType(left))


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=f"jukinet-daemon/{purpose}".encode()).derive(key)


def new_keyring() -> Keyring:
    """A fresh key ring with one version."""
    keys = MappingProxyType({1: secrets.token_bytes(KEY_BYTES)})
    return Keyring(keys, 1, secrets.token_bytes(KEY_BYTES))


def new_keyring_text() -> str:
    """The text of a fresh key file."""
    return keyring_text(new_keyring())


def keyring_text(ring: Keyring) -> str:
    """A key ring as the text of its file."""
    lines = [f"current = {ring.current}", f'fingerprint = "{_text(ring.fingerprint_key)}"', "", "[keys]"]
    lines += [f'{version} = "{_text(ring.keys[version])}"' for version in ring.versions]
    return "\n".join(lines) + "\n"


def read_keyring(path: Path) -> Keyring:
    """Reads a key file (TOML: `current`, `fingerprint`, `[keys]` version = base64 of 32 bytes).

    Raises KeyringFault for one that is missing, not whole, or that others could read.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            table = tomllib.loads(file.read().decode("utf-8"))
    except OSError as fault:
        raise KeyringFault(f"key file {path}: {fault.strerror}") from None
    except (ValueError, RecursionError):
        raise KeyringFault(f"key file {path}: 鍵束でない / not a key ring") from None
    if mode & _forbidden(path):
        raise KeyringFault(
            f"key file {path}: mode {stat.S_IMODE(mode):04o}: 他の者が読み書きできる。0600 にする"
            " / others can read or write it; make it 0600"
        )
    return _ring(path, table)


def _ring(path: Path, table: Mapping[str, Any]) -> Keyring:
    try:
        keys = {_version(version): _key(text) for version, text in table["keys"].items()}
        fingerprint, current = _key(table["fingerprint"]), table["current"]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise KeyringFault(f"key file {path}: 鍵束でない / not a key ring") from None
    if any(len(key) != KEY_BYTES for key in (*keys.values(), fingerprint)):
        raise KeyringFault(f"key file {path}: 鍵が {KEY_BYTES} バイトでない / a key is not {KEY_BYTES} bytes")
    if type(current) is not int or current not in keys:
        raise KeyringFault(f"key file {path}: current の版が鍵束にない / `current` names no key of the ring")
    if not all(0 < version <= LAST_VERSION for version in keys):
        raise KeyringFault(
            f"key file {path}: 版が 1 から {LAST_VERSION} にない / a version is not within these"
        )
    return Keyring(MappingProxyType(keys), current, fingerprint)


def write_keyring(path: Path, ring: Keyring) -> None:
    """Puts a key ring in the place of a file, wholly or not at all, durably. Raises KeyringFault."""
    beside = path.with_name(f"{path.name}.new")
    try:
        owner = path.stat()
        beside.unlink(missing_ok=True)
        beside.touch(0o600, exist_ok=False)
        with beside.open("w", encoding="utf-8") as file:
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(keyring_text(ring))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        flush_folder(path.parent)
    except OSError as fault:
        raise KeyringFault(f"key file {path}: 書けない / cannot be written: {fault.strerror}") from None


def _forbidden(path: Path) -> int:
    """The mode bits a key file must not have. A credential's group bits show systemd's ACL."""
    passed = os.environ.get("CREDENTIALS_DIRECTORY")
    return _WORLD if passed and path.parent == Path(passed) else _OTHERS


def _version(text: str) -> int:
    """A version as we write it, and no other way: 1 and 01 would be two keys of one version."""
    version = int(text)
    if text != str(version):
        raise ValueError
    return version


def _key(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")

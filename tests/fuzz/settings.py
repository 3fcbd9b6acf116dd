"""設定と鍵束: TOML that no editor would write is refused by name, and no key or password is told."""

from jukinet_daemon.config import ConfigFault, load_config
from jukinet_daemon.vault.keyring import KeyringFault, new_keyring_text, read_keyring

from .target import Target, in_file

_PASSWORD = b"nobody-may-read-this"
_RING = new_keyring_text().encode()
_SECRET = _RING.split(b'"')[1]
_CONFIG = b"""
register = "juki"
prefecture = "400009"
trust_domain = "jukinet.example"
timezone = "Asia/Tokyo"
[database]
dsn = "postgresql://jukinet:nobody-may-read-this@db/juki?sslmode=verify-full"
[keys]
ring = "/dev/null"
[watch]
closed_days = [2026-12-29]
[health]
listen = "127.0.0.1:9100"
"""
# The parser of TOML itself breaks on these with another fault than its own.
_DEEP, _LONG = b"a = " + b"[" * 50_000, b"a = " + b"9" * 5000


def _config(data: bytes) -> None:
    in_file(data, load_config, ConfigFault, _PASSWORD)


def _keyring(data: bytes) -> None:
    in_file(data, read_keyring, KeyringFault, _SECRET)


CONFIG = Target(
    "config",
    _config,
    (
        _CONFIG,
        _CONFIG.replace(b"postgresql:", b"mysql:"),
        _CONFIG.replace(b"?sslmode=verify-full", b""),
        _CONFIG.replace(b"@db", b"@[db"),
        _CONFIG.replace(b"@db", b"@\xe2\x84\x80db"),
        _CONFIG.replace(b"Asia/Tokyo", b"Asia"),
        _CONFIG.replace(b"Asia/Tokyo", b"../../etc/passwd"),
        _CONFIG.replace(b":9100", b":\xd9\xa4"),
        _CONFIG.replace(b":9100", b":" + b"9" * 5000),
        _DEEP,
        _LONG,
    ),
)
KEYRING = Target(
    "keyring",
    _keyring,
    (
        _RING,
        _RING.replace(b"current = 1", b"current = true"),
        _RING.replace(b"current = 1", b"current = [1]"),
        _RING.replace(b"\n1 = ", b"\n01 = ") + b"1 = 7\n",
        _RING.replace(b"\n1 = ", b"\n" + b"9" * 5000 + b" = "),
        _DEEP,
        _LONG,
    ),
)

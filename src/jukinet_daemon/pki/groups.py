"""鍵交換の群: exactly X25519, P-256 and P-384. Python cannot set them; OpenSSL reads them at its start."""

import os
import secrets
import ssl
import sys
from pathlib import Path

VARIABLE = "OPENSSL_CONF"
SETTINGS = Path(__file__).with_name("openssl.cnf")
OURS = ("X25519", "prime256v1", "secp384r1")
# What OpenSSL offers besides when nobody tells it otherwise.
OTHERS = ("secp521r1", "X448")
# OpenSSL's names in the registry of IANA.
_NUMBERS = {"X25519": 29, "prime256v1": 23, "secp384r1": 24, "secp521r1": 25, "X448": 30}
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_TLS_1_3, _LEGACY = b"\x03\x04", b"\x03\x03"
_SUPPORTED_GROUPS, _SIGNATURES, _VERSIONS, _KEY_SHARE = 10, 13, 43, 51


class GroupsFault(Exception):
    """The process speaks TLS with other groups than it may; the message says what to do."""


def start_with_our_groups() -> None:
    """Starts this program anew, as the same process, with OpenSSL's settings of ours; returns if it has them.

    OpenSSL reads the variable once, before any of our code could set it. An operator's own value is left as
    it is: `require_our_groups` then tells whether it will do.
    """
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = str(SETTINGS)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - it is this program


def require_our_groups(server: ssl.SSLContext) -> None:
    """Greets a server's context in memory, a group at a time. Raises GroupsFault."""
    wrong = [group for group in OURS if not takes(server, group)]
    wrong += [group for group in OTHERS if takes(server, group)]
    if wrong:
        raise GroupsFault(
            f"{VARIABLE}={os.environ.get(VARIABLE, '')} gives TLS other groups than X25519, P-256, P-384"
            f" ({', '.join(wrong)}): unset it, or take over {SETTINGS}"
        )


def takes(server: ssl.SSLContext, group: str) -> bool:
    """Whether a server's context takes a client that offers this one group only (OpenSSL's name of it)."""
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    inward.write(_hello(_NUMBERS[group]))
    try:
        server.wrap_bio(inward, outward, server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        return True  # it asks for a key of the group (HelloRetryRequest) and waits
    except ssl.SSLError:
        return False
    return True


def _hello(group: int) -> bytes:
    """A ClientHello with one group and no key of it (RFC 8446, 4.1.2 and 4.2.8).

    Written by hand: Debian 12's Python, 3.11.2, cannot be told to offer X25519 or X448 alone.
    """
    extensions = (
        (_VERSIONS, _sized(_TLS_1_3, 1)),
        (_SIGNATURES, _sized(bytes.fromhex("0403 0503 0603 0804 0805 0806 0807"), 2)),
        (_SUPPORTED_GROUPS, _sized(group.to_bytes(2), 2)),
        (_KEY_SHARE, _sized(b"", 2)),
    )
    body = _LEGACY + secrets.token_bytes(32) + _sized(b"", 1)
    body += _sized(bytes.fromhex("1301 1302 1303"), 2) + _sized(b"\0", 1)
    body += _sized(b"".join(number.to_bytes(2) + _sized(value, 2) for number, value in extensions), 2)
    message = bytes([_CLIENT_HELLO]) + _sized(body, 3)
    return bytes([_HANDSHAKE]) + _LEGACY + _sized(message, 2)


def _sized(value: bytes, size: int) -> bytes:
    """A value behind its length in so many bytes."""
    return len(value).to_bytes(size) + value

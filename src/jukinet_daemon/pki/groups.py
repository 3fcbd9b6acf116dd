"""鍵交換の群: exactly X25519, P-256 and P-384. Python cannot set them; OpenSSL reads them at its start."""

import os
import ssl
import sys
from pathlib import Path

VARIABLE = "OPENSSL_CONF"
SETTINGS = Path(__file__).with_name("openssl.cnf")
OURS = ("X25519", "prime256v1", "secp384r1")
# What OpenSSL offers besides when nobody tells it otherwise.
OTHERS = ("secp521r1", "X448")


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
    """Shakes hands with a server's context in memory, a group at a time. Raises GroupsFault."""
    wrong = [group for group in OURS if not takes(server, group)]
    wrong += [group for group in OTHERS if takes(server, group)]
    if wrong:
        raise GroupsFault(
            f"{VARIABLE}={os.environ.get(VARIABLE, '')} gives TLS other groups than X25519, P-256, P-384"
            f" ({', '.join(wrong)}): unset it, or take over {SETTINGS}"
        )


def takes(server: ssl.SSLContext, group: str) -> bool:
    """Whether a server's context answers a client that offers this one group only (OpenSSL's name of it)."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_ecdh_curve(group)
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    calling = client.wrap_bio(outward, inward)
    called = server.wrap_bio(inward, outward, server_side=True)
    for end in (calling, called):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            return False
    return True

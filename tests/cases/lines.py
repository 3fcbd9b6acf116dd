"""回線の事例: bytes in place of TLS."""

import random

from cases.case import CUT, numbered
from cases.people import ADDRESS

# Frozen: the reason that TLS gives depends on the bytes.
_NOISE = b"\xff" + random.Random(1).randbytes(4095)


def _broke(reason: str, alert: int | None = None) -> tuple[str, str]:
    """Ended for a reason that OpenSSL names, with an alert where the bytes were TLS at all (RFC 8446, 6)."""
    return f"alert {alert}" if alert else CUT, f"tls_broke {reason}"


LINES = numbered(
    "L",
    (
        ("random bytes", _NOISE, *_broke("WRONG_VERSION_NUMBER")),
        ("HTTP without TLS", b"GET /notices HTTP/1.1\r\n\r\n", *_broke("HTTP_REQUEST")),
        ("HTTP/2 without TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", *_broke("WRONG_VERSION_NUMBER")),
        ("a hello that is none", b"\x16\x03\x01\x00\x05" + bytes(5), *_broke("UNEXPECTED_MESSAGE", 10)),
        ("a hello of SSL 2", b"\x80\x2e\x01\x00\x02" + bytes(43), *_broke("RECORD_LENGTH_MISMATCH", 50)),
        (
            "a record of 65,535 bytes",
            b"\x16\x03\x01\xff\xff" + bytes(65535),
            *_broke("PACKET_LENGTH_TOO_LONG", 22),
        ),
        ("an alert", b"\x15\x03\x03\x00\x02\x02\x28", *_broke("UNEXPECTED_MESSAGE", 10)),
        ("data before any hello", b"\x17\x03\x03\x00\x05hello", *_broke("UNEXPECTED_MESSAGE", 10)),
        ("a person's address", ADDRESS.encode() * 9, *_broke("WRONG_VERSION_NUMBER")),
    ),
)

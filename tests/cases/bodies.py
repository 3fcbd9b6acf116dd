"""橋の要求の事例: what the other server asks at the bridge door and must not be given."""

from dataclasses import dataclass

from cases.case import numbered
from cases.people import ADDRESS
from jukinet_daemon.server.guard import LET_GO_BYTES
from jukinet_daemon.wire.bridge import ASK_TYPE, CONFIRM_TYPE, MAX_BRIDGE_BYTES

_POST = "POST /bridge HTTP/1.1"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; its body is as it stands, or a payload that is signed under a type."""

    body: bytes = b""
    signed_as: str | None = None
    line: str = _POST
    headers: tuple[str, ...] = ()
    length: int | None = None


def _signed(payload: bytes, kind: str = ASK_TYPE) -> Asked:
    return Asked(payload, kind)


def _refused(status: int) -> tuple[str, str]:
    return str(status), f"request_refused {status}"


NO_SIGNATURE, OTHER_KIND, NO_QUESTION = (
    ("400", f"bridge_unreadable {fault}")
    for fault in (
        "not a JWS",
        "another kind of message, or signed by another certificate",
        "not a message of the bridge",
    )
)

BODIES = numbered(
    "B",
    (
        ("no body", Asked(), *NO_SIGNATURE),
        ("JSON without a signature", Asked(b"{}"), *NO_SIGNATURE),
        ("three parts that are no JWS", Asked(b"a.b.c"), *NO_SIGNATURE),
        ("a person's address", Asked(ADDRESS.encode()), *_refused(400)),
        ("bytes that no UTF-8 has", Asked(b"\xff\xfe"), *_refused(400)),
        ("NUL", Asked(b"\0"), *NO_SIGNATURE),
        (
            f"a body of {MAX_BRIDGE_BYTES:,} bytes, all that is taken",
            Asked(b"x" * MAX_BRIDGE_BYTES),
            *NO_SIGNATURE,
        ),
        ("one byte more", Asked(b"x" * (MAX_BRIDGE_BYTES + 1)), *_refused(413)),
        ("1 MiB", Asked(b"x" * LET_GO_BYTES), *_refused(413)),
        ("10 MB", Asked(b"x" * 10**7), *_refused(413)),
        ("1 TB, announced", Asked(length=10**12), *_refused(413)),
        ("chunks", Asked(b"0\r\n\r\n", headers=("Transfer-Encoding: chunked",), length=-1), *_refused(411)),
        ("gzip", Asked(b"\x1f\x8b\x08\x00", headers=("Content-Encoding: gzip",)), *_refused(415)),
        ("another path", Asked(b"{}", line="POST /notices HTTP/1.1"), *_refused(404)),
        ("GET", Asked(line="GET /bridge HTTP/1.1"), *_refused(405)),
        ("PUT", Asked(b"{}", line="PUT /bridge HTTP/1.1"), *_refused(405)),
        ("another type, signed", _signed(b"{}", CONFIRM_TYPE), *OTHER_KIND),
        ("an empty text, signed", _signed(b""), *NO_QUESTION),
        ("not JSON, signed", _signed(b"{"), *NO_QUESTION),
        ("an array, signed", _signed(b"[]"), *NO_QUESTION),
        ("no field, signed", _signed(b"{}"), *NO_QUESTION),
        ("a field twice, signed", _signed(b'{"case":1,"case":1}'), *NO_QUESTION),
        ("not UTF-8, signed", _signed(b'{"case":"\xff"}'), *NO_QUESTION),
        ("a lone surrogate, signed", _signed(b'{"case":"\\ud800"}'), *NO_QUESTION),
        ("NUL in a name, signed", _signed(b'{"\\u0000":1}'), *NO_QUESTION),
        ("1e400, signed", _signed(b'{"case":1e400}'), *NO_QUESTION),
        ("10,000 digits, signed", _signed(b'{"case":' + b"9" * 10_000 + b"}"), *NO_QUESTION),
        ("40,000 deep, signed", _signed(b"[" * 40_000 + b"]" * 40_000), *NO_QUESTION),
    ),
)

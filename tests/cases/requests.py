"""要求の事例: requests that are no conversation, or that two readers could take for different ones."""

from cases.case import CUT, numbered
from cases.people import ADDRESS
from support.raw import KEY

ASKS = ("Connection: Upgrade", "Upgrade: websocket")
SOUND = (*ASKS, "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}")
HIDDEN = "GET /notices HTTP/1.1\r\nHost: prefecture\r\n\r\n"

# What is answered and what is logged. The faults are the names of the library's.
MESSAGE, LINE, URL, METHOD, LONG = (
    ("400", f"request_unreadable {fault}")
    for fault in ("BadHttpMessage", "BadStatusLine", "InvalidURLError", "BadHttpMethod", "LineTooLong")
)
REFUSED, UNKNOWN, WRONG_METHOD, CHUNKS, LARGE, PACKED = (
    (status, f"request_refused {status}") for status in ("400", "404", "405", "411", "413", "415")
)
SLOW = (CUT, "peer_too_slow request")


def _get(*headers: str, line: str = "GET /notices HTTP/1.1", body: str = "") -> bytes:
    head = "".join(f"{header}\r\n" for header in ("Host: prefecture", *headers))
    return f"{line}\r\n{head}\r\n{body}".encode("latin-1")


def _post(*headers: str, body: str = "") -> bytes:
    return _get(*headers, line="POST /notices HTTP/1.1", body=body)


def _plain(text: str) -> bytes:
    return text.encode()


AMBIGUOUS = numbered(
    "A",
    (
        ("two lengths", _get("Content-Length: 5", "Content-Length: 6", body="12345"), *MESSAGE),
        ("two equal lengths", _get("Content-Length: 5", "Content-Length: 5", body="12345"), *MESSAGE),
        ("a list of lengths", _get("Content-Length: 5, 6", body="12345"), *MESSAGE),
        (
            "length and chunks",
            _get("Content-Length: 5", "Transfer-Encoding: chunked", body="0\r\n\r\n" + HIDDEN),
            *MESSAGE,
        ),
        (
            "chunks and length",
            _get("Transfer-Encoding: chunked", "Content-Length: 5", body="0\r\n\r\n" + HIDDEN),
            *MESSAGE,
        ),
        ("a signed length", _get("Content-Length: +5", body="12345"), *MESSAGE),
        ("a negative length", _get("Content-Length: -5", body="12345"), *MESSAGE),
        ("a length in hex", _get("Content-Length: 0x5", body="12345"), *MESSAGE),
        ("a length with a fraction", _get("Content-Length: 5.0", body="12345"), *MESSAGE),
        ("a length with an underline", _get("Content-Length: 1_0", body="1234567890"), *MESSAGE),
        ("a length of full-width digits", _get("Content-Length: \xef\xbc\x95", body="12345"), *MESSAGE),
        ("an empty length", _get("Content-Length: ", body="12345"), *MESSAGE),
        ("a length past any number", _get("Content-Length: " + "9" * 30, body="12345"), *MESSAGE),
        (
            "an unknown transfer encoding",
            _get("Transfer-Encoding: xchunked", body="0\r\n\r\n" + HIDDEN),
            *MESSAGE,
        ),
        ("chunked twice", _get("Transfer-Encoding: chunked, chunked", body="0\r\n\r\n" + HIDDEN), *MESSAGE),
        (
            "chunked not last",
            _get("Transfer-Encoding: chunked, identity", body="0\r\n\r\n" + HIDDEN),
            *MESSAGE,
        ),
        (
            "two transfer encodings",
            _get("Transfer-Encoding: chunked", "Transfer-Encoding: x", body="0\r\n\r\n"),
            *MESSAGE,
        ),
        (
            "a space before the colon",
            _get("Transfer-Encoding : chunked", body="0\r\n\r\n" + HIDDEN),
            *MESSAGE,
        ),
        ("a tab before the colon", _get("Content-Length\t: 5", body="12345"), *MESSAGE),
        ("a space in a header's name", _get("Content Length: 5", body="12345"), *MESSAGE),
        ("a header without a name", _get(": 5", body="12345"), *MESSAGE),
        ("a header without a colon", _get("Content-Length 5", body="12345"), *MESSAGE),
        (
            "a folded header",
            _get("X-A: 1\r\n Transfer-Encoding: chunked", body="0\r\n\r\n" + HIDDEN),
            *MESSAGE,
        ),
        ("NUL in a header", _get("X-A: a\x00b"), *MESSAGE),
        ("NUL in a header's name", _get("X-A\x00: b"), *MESSAGE),
        ("a bare return in a header", _get("X-A: a\rTransfer-Encoding: chunked"), *MESSAGE),
        (
            "a line feed alone ends a header",
            b"GET /notices HTTP/1.1\nHost: prefecture\n\n" + HIDDEN.encode(),
            *LINE,
        ),
        ("a chunk length of letters", _get("Transfer-Encoding: chunked", body="zz\r\n"), *CHUNKS),
        (
            "a signed chunk length",
            _get("Transfer-Encoding: chunked", body="+5\r\n12345\r\n0\r\n\r\n"),
            *CHUNKS,
        ),
        (
            "a chunk length in 0x",
            _get("Transfer-Encoding: chunked", body="0x5\r\n12345\r\n0\r\n\r\n"),
            *CHUNKS,
        ),
        (
            "a chunk length past any number",
            _get("Transfer-Encoding: chunked", body="F" * 20 + "\r\n"),
            *CHUNKS,
        ),
        (
            "a chunk longer than it says",
            _get("Transfer-Encoding: chunked", body="2\r\n12345\r\n0\r\n\r\n"),
            *CHUNKS,
        ),
        ("two hosts", _get("Host: elsewhere"), *MESSAGE),
        ("no host", b"GET /notices HTTP/1.1\r\n\r\n", *MESSAGE),
        ("an absolute target", _get(line="GET http://elsewhere/notices HTTP/1.1"), *REFUSED),
        ("another version", _get(line="GET /notices HTTP/9.9"), *LINE),
        ("version 2 by its name", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", *SLOW),
        ("no version", b"GET /notices\r\n\r\n", *REFUSED),
        ("a control character in the target", _get(line="GET /not\x01ices HTTP/1.1"), *URL),
        ("a space in the target", _get(line="GET /notices x HTTP/1.1"), *LINE),
        ("a method of other characters", _get(line="G\xc9T /notices HTTP/1.1"), *METHOD),
        ("a body on an upgrade", _get(*SOUND, "Content-Length: 5", body="12345"), *REFUSED),
        ("chunks on an upgrade", _get(*SOUND, "Transfer-Encoding: chunked", body="0\r\n\r\n"), *CHUNKS),
        ("a long line", _get(line="GET /" + "n" * 9000 + " HTTP/1.1"), *LONG),
        ("a long header", _get("X-A: " + "a" * 9000), *LONG),
        ("many headers", _get(*(f"X-{n}: 1" for n in range(1000))), *MESSAGE),
    ),
)

STRANGE = numbered(
    "H",
    (
        ("no upgrade", _get(), *REFUSED),
        ("another path", _get(line="GET / HTTP/1.1"), *UNKNOWN),
        ("a query with a name in it", _get(line="GET /notices/401307?name=%E9%AB%99 HTTP/1.1"), *UNKNOWN),
        ("a path with ..", _get(*SOUND, line="GET /x/../notices HTTP/1.1"), *UNKNOWN),
        ("a path with //", _get(*SOUND, line="GET //notices HTTP/1.1"), *UNKNOWN),
        ("NUL in the path", _get(*SOUND, line="GET /notices%00 HTTP/1.1"), *UNKNOWN),
        ("% and no digits in the path", _get(*SOUND, line="GET /%zz HTTP/1.1"), *UNKNOWN),
        ("a path that is not UTF-8", _get(line="GET /\xff\xfe HTTP/1.1"), *URL),
        ("POST", _post("Content-Length: 2", body="{}"), *WRONG_METHOD),
        ("POST on an upgrade", _post(*SOUND), *WRONG_METHOD),
        ("TRACE", _get(line="TRACE /notices HTTP/1.1"), *WRONG_METHOD),
        ("HEAD", _get(line="HEAD /notices HTTP/1.1"), *REFUSED),
        ("OPTIONS *", _plain("OPTIONS * HTTP/1.1\r\nHost: prefecture\r\n\r\n"), *UNKNOWN),
        ("CONNECT elsewhere", _plain("CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n"), *UNKNOWN),
        ("upgrade to HTTP/2", _get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), *REFUSED),
        ("upgrade in HTTP/1.0", _get(*SOUND, line="GET /notices HTTP/1.0"), *REFUSED),
        ("upgrade of WebSocket 12", _get(*ASKS, "Sec-WebSocket-Version: 12", SOUND[3]), *REFUSED),
        ("upgrade without a version", _get(*ASKS, SOUND[3]), *REFUSED),
        ("upgrade without a key", _get(*ASKS, SOUND[2]), *REFUSED),
        ("upgrade with two keys", _get(*SOUND, SOUND[3]), *REFUSED),
        ("upgrade with a short key", _get(*ASKS, SOUND[2], "Sec-WebSocket-Key: MDEy"), *REFUSED),
        ("upgrade with a key not base64", _get(*ASKS, SOUND[2], "Sec-WebSocket-Key: !!!!"), *REFUSED),
        ("upgrade without Connection", _get(*SOUND[1:]), *REFUSED),
        ("a body of 1,025 bytes", _post("Content-Length: 1025", body="x" * 1025), *LARGE),
        ("a body of 10 MB, sent", _post("Content-Length: 10000000", body="x" * 10**7), *LARGE),
        ("a body of 1 TB, announced", _post("Content-Length: 1000000000000"), *LARGE),
        ("a body in gzip", _post("Content-Encoding: gzip", "Content-Length: 5", body="12345"), *PACKED),
        (
            "a body in an unknown coding",
            _post("Content-Encoding: z", "Content-Length: 5", body="12345"),
            *PACKED,
        ),
        ("an unknown expectation", _get("Expect: money"), "417", SLOW[1]),
        ("a cookie of control characters", _get("Cookie: \x01=\xff"), *MESSAGE),
        ("a header of 20,000 digits", _get("X: " + "9" * 20000), *LONG),
        ("a person's address in place of a request", _plain(f"{ADDRESS}\r\n\r\n"), *METHOD),
        ("a person's address as the target", _plain(f"GET /{ADDRESS} HTTP/9.9.9\r\n\r\n"), *URL),
        (
            "a person's address as a header",
            _plain(f"GET / HTTP/1.1\r\nHost: x\r\n{ADDRESS}\r\n\r\n"),
            *MESSAGE,
        ),
        ("TLS within TLS", b"\x16\x03\x01\x00\x05" + bytes(5), *METHOD),
        ("a WebSocket frame in place of a request", b"\x81\x85\x00\x00\x00\x00hello", *METHOD),
        ("empty lines and a request behind them", _plain("\r\n" * 3 + HIDDEN), *SLOW),
        ("two requests at once, the first refused", _get(line="GET / HTTP/1.1") + _plain(HIDDEN), *UNKNOWN),
    ),
)

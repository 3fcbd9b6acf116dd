"""Requests that two readers could take for different ones: each must be refused and its line closed."""

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)
HIDDEN = "GET /notices HTTP/1.1\r\nHost: prefecture\r\n\r\n"


def _get(*headers: str, line: str = "GET /notices HTTP/1.1", body: str = "") -> bytes:
    head = "".join(f"{header}\r\n" for header in ("Host: prefecture", *headers))
    return f"{line}\r\n{head}\r\n{body}".encode("latin-1")


CASES: dict[str, bytes] = {
    "two lengths": _get("Content-Length: 5", "Content-Length: 6", body="12345"),
    "two equal lengths": _get("Content-Length: 5", "Content-Length: 5", body="12345"),
    "a list of lengths": _get("Content-Length: 5, 6", body="12345"),
    "length and chunks": _get("Content-Length: 5", "Transfer-Encoding: chunked", body="0\r\n\r\n" + HIDDEN),
    "chunks and length": _get("Transfer-Encoding: chunked", "Content-Length: 5", body="0\r\n\r\n" + HIDDEN),
    "a signed length": _get("Content-Length: +5", body="12345"),
    "a negative length": _get("Content-Length: -5", body="12345"),
    "a length in hex": _get("Content-Length: 0x5", body="12345"),
    "a length with a fraction": _get("Content-Length: 5.0", body="12345"),
    "a length with an underline": _get("Content-Length: 1_0", body="1234567890"),
    "a length of full-width digits": _get("Content-Length: \xef\xbc\x95", body="12345"),
    "an empty length": _get("Content-Length: ", body="12345"),
    "a length past any number": _get("Content-Length: " + "9" * 30, body="12345"),
    "an unknown transfer encoding": _get("Transfer-Encoding: xchunked", body="0\r\n\r\n" + HIDDEN),
    "chunked twice": _get("Transfer-Encoding: chunked, chunked", body="0\r\n\r\n" + HIDDEN),
    "chunked not last": _get("Transfer-Encoding: chunked, identity", body="0\r\n\r\n" + HIDDEN),
    "two transfer encodings": _get("Transfer-Encoding: chunked", "Transfer-Encoding: x", body="0\r\n\r\n"),
    "a space before the colon": _get("Transfer-Encoding : chunked", body="0\r\n\r\n" + HIDDEN),
    "a tab before the colon": _get("Content-Length\t: 5", body="12345"),
    "a space in a header's name": _get("Content Length: 5", body="12345"),
    "a header without a name": _get(": 5", body="12345"),
    "a header without a colon": _get("Content-Length 5", body="12345"),
    "a folded header": _get("X-A: 1\r\n Transfer-Encoding: chunked", body="0\r\n\r\n" + HIDDEN),
    "NUL in a header": _get("X-A: a\x00b"),
    "NUL in a header's name": _get("X-A\x00: b"),
    "a bare return in a header": _get("X-A: a\rTransfer-Encoding: chunked"),
    "a line feed alone ends a header": b"GET /notices HTTP/1.1\nHost: prefecture\n\n" + HIDDEN.encode(),
    "a chunk length of letters": _get("Transfer-Encoding: chunked", body="zz\r\n"),
    "a signed chunk length": _get("Transfer-Encoding: chunked", body="+5\r\n12345\r\n0\r\n\r\n"),
    "a chunk length in 0x": _get("Transfer-Encoding: chunked", body="0x5\r\n12345\r\n0\r\n\r\n"),
    "a chunk length past any number": _get("Transfer-Encoding: chunked", body="F" * 20 + "\r\n"),
    "a chunk longer than it says": _get("Transfer-Encoding: chunked", body="2\r\n12345\r\n0\r\n\r\n"),
    "two hosts": _get("Host: elsewhere"),
    "no host": b"GET /notices HTTP/1.1\r\n\r\n",
    "an absolute target": _get(line="GET http://elsewhere/notices HTTP/1.1"),
    "another version": _get(line="GET /notices HTTP/9.9"),
    "version 2 by its name": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /notices\r\n\r\n",
    "a control character in the target": _get(line="GET /not\x01ices HTTP/1.1"),
    "a space in the target": _get(line="GET /notices x HTTP/1.1"),
    "a method of other characters": _get(line="G\xc9T /notices HTTP/1.1"),
    "a body on an upgrade": _get(*UPGRADE.split("\r\n")[:-1], "Content-Length: 5", body="12345"),
    "chunks on an upgrade": _get(*UPGRADE.split("\r\n")[:-1], "Transfer-Encoding: chunked", body="0\r\n\r\n"),
    "a long line": _get(line="GET /" + "n" * 9000 + " HTTP/1.1"),
    "a long header": _get("X-A: " + "a" * 9000),
    "many headers": _get(*(f"X-{n}: 1" for n in range(1000))),
}
